#include "ulpscope/attention/recipes/fp8_e4m3.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{e4m3fn};
constexpr std::array tiles{TileRow{.largest_dim = 256, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::probability_cast};
constexpr std::array own_casts{SiteOverride{Site::output_store, {bf16, nearest_even}}};

}  // namespace

const Recipe fp8_e4m3{
    .name = "fp8-e4m3",
    .summary = "attention with E4M3 operands and P, 13-bit accumulators, O in bf16; generic",
    .source = "generic: published tensor core models, cuBLASLt captures, fa2-torch's softmax",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = tiles,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::within_keys,
    .key_order = KeyOrder::descending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::after_maximum,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::ex2,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 4, .carry = Carry::first_addition, .join = Butterfly::far_first},
    .largest_dim_in_registers = 256,
    .normalise = Normalise::multiply_by_reciprocal,
    .unusable_sum = UnusableSum::zero_or_nan,
    .log_sum_exp = LogSumExp::scale_fused,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = nullptr,
    .caveat =
        "generic, the kernel of no library; real ones, as FlashAttention-3, do more than this",
    .own_casts = own_casts,
    .factors = TensorFactors::per_tensor,
};

}  // namespace ulpscope
