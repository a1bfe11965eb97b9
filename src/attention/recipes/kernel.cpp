#include "ulpscope/attention/recipes/kernel.hpp"

namespace ulpscope {

namespace {

constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};

constexpr std::array delta_layouts{DeltaLayout{.largest_dim = 1 << 16, .lanes = 1, .columns = 8}};
constexpr std::array backward_input_format_sites{Site::bwd_probability_cast, Site::ds_cast,
                                                 Site::dq_store, Site::dk_store, Site::dv_store};

constexpr BackwardRules backward{
    .tiles = tiles,
    .order = BlockOrder::rows_ascending,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::products,
              .join = Butterfly::near_first},
    .recompute = Recompute::natural_rounded,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::after_products,
    .query_gradient = QueryGradient::one_chain,
    .group = GroupGradient::one_chain,
    .input_format_sites = backward_input_format_sites,
    .flushed_sites = {},
};

}  // namespace

const Recipe kernel_of_binary32{
    .name = "kernel",
    .summary = "a textbook's flash attention: every step binary32, rounded once, in natural order",
    .source = "generic: the formulas, around a chip's matrix products",
    .engine = Engine::tiled,
    .formats = {},
    .tiles = tiles,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::any,
    .key_order = KeyOrder::ascending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::natural,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::rounded,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 1, .carry = Carry::tile_sum, .join = Butterfly::near_first, .columns = 1},
    .largest_dim_in_registers = 1 << 16,
    .normalise = Normalise::multiply_by_reciprocal,
    .unusable_sum = UnusableSum::zero_or_nan,
    .log_sum_exp = LogSumExp::rounded_sum,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = &backward,
    .caveat = "generic, the kernel of no library",
    .score_terms = every_score_term,
};

}  // namespace ulpscope
