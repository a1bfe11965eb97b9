#include "ulpscope/attention/recipes/exact.hpp"

namespace ulpscope {

namespace {

// Only the unit of work and of the heat map; the result knows no tiles.
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::output_store};

}  // namespace

const Recipe exact_attention{
    .name = "exact",
    .summary = "attention in high precision, rounded once to nearest even at the output",
    .source = "the definition; rounding proved for every element",
    .engine = Engine::reference,
    .formats = {},
    .tiles = tiles,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::any,
    .key_order = KeyOrder::ascending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::after_maximum,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::ex2,
    .rescaling = Rescaling::every_tile,
    .row_sum = {},
    .largest_dim_in_registers = 1 << 16,
    .normalise = Normalise::multiply_by_reciprocal,
    .unusable_sum = UnusableSum::zero_or_nan,
    .log_sum_exp = LogSumExp::scale_fused,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = nullptr,
    .factors = TensorFactors::per_tensor,
    .score_terms = every_score_term,
};

}  // namespace ulpscope
