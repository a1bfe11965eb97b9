#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

#include "fa2_tiles.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};

constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};

}  // namespace

const Recipe fa2_torch{
    .name = "fa2-torch",
    .summary = "FlashAttention-2 as PyTorch 2.11 builds and calls it, split keys included",
    .source =
        "flash-attention 2.7.4 and PyTorch 2.11 sources, nvcc 13.0 machine code, H200 captures",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = fa2::normal_tiles,
    .split = {.rule = SplitRule::fill_multiprocessors,
              .tiles = fa2::split_tiles,
              .rows_counted = 64,
              .most_parts = 128,
              .dealing = Dealing::contiguous,
              .combine = Combine::normalised},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::within_keys,
    .key_order = KeyOrder::descending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded_in_masked_tiles,
    .scaling = Scaling::after_maximum,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::ex2,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 4, .carry = Carry::first_addition, .join = Butterfly::far_first},
    .largest_dim_in_registers = 256,
    .normalise = Normalise::multiply_by_reciprocal,
    .unusable_sum = UnusableSum::zero_or_nan,
    .log_sum_exp = LogSumExp::scale_fused,
    .folds_group_into_rows = true,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .backward = &fa2_backward,
};

}  // namespace ulpscope
