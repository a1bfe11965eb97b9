#include "ulpscope/attention/recipes/memeff_torch.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};
constexpr std::array tiles{
    TileRow{.largest_dim = 64, .rows = 64, .keys = 64},
    TileRow{.largest_dim = 128, .rows = 64, .keys = 128},
    TileRow{.largest_dim = 256, .rows = 32, .keys = 128},
};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};
constexpr std::array score_terms{ScoreTerm::bias};

}  // namespace

const Recipe memeff_torch{
    .name = "memeff-torch",
    .summary = "memory-efficient attention as PyTorch 2.11 builds it (CUTLASS, sm80 code)",
    .source = "PyTorch 2.11 sources and fits to H200 captures",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = tiles,
    .split = {},
    .product_terms = 8,
    .alignment = Alignment::top_left,
    .windows = Windows::none,
    .key_order = KeyOrder::ascending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::two_products,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::ex2,
    .rescaling = Rescaling::where_maximum_rose,
    .row_sum = {.lanes = 4, .carry = Carry::group_sums, .join = Butterfly::near_first},
    .largest_dim_in_registers = 128,
    .normalise = Normalise::multiply_by_reciprocal,
    .unusable_sum = UnusableSum::zero,
    .log_sum_exp = LogSumExp::natural_sum,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = &memeff_backward,
    .score_terms = score_terms,
};

}  // namespace ulpscope
