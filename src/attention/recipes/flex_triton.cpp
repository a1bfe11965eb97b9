#include "ulpscope/attention/recipes/flex_triton.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};
// Head sizes 64 and 256 have tiles of their own.
constexpr std::array tiles{
    TileRow{.largest_dim = 63, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 64, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 255, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 32},
};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};

}  // namespace

const Recipe flex_triton{
    .name = "flex-triton",
    .summary = "FlexAttention as PyTorch 2.11 compiles it, causal masks and windows included",
    .source = "PyTorch 2.11's Triton template and fits to H200 captures",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = tiles,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::top_left,
    .windows = Windows::any,
    .key_order = KeyOrder::partial_before_full,
    .mask_block = 128,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::two_products,
    .contraction = ExponentContraction::where_nothing_is_hidden,
    .exponential = Exponential::ex2_ftz,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 4, .carry = Carry::tile_sum, .join = Butterfly::far_first},
    .largest_dim_in_registers = 256,
    .normalise = Normalise::multiply_by_rcp,
    .unusable_sum = UnusableSum::one,
    .log_sum_exp = LogSumExp::product_of_base2,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = &flex_backward,
};

}  // namespace ulpscope
