#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};

// flash-attention 2.7.4 has a kernel for head size 160 with 32 keys a tile; what PyTorch 2.11
// ships does not use one: sizes 144 and 160 run as 192 (data/captures/h200_fa2_corners).
constexpr std::array normal_tiles{
    TileRow{.largest_dim = 32, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 64, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 128, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 192, .rows = 128, .keys = 64},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 64},
};

constexpr std::array split_tiles{
    TileRow{.largest_dim = 64, .rows = 64, .keys = 256},
    TileRow{.largest_dim = 128, .rows = 64, .keys = 128},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 64},
};

constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};

}  // namespace

const Recipe fa2_torch{
    .name = "fa2-torch",
    .summary = "FlashAttention-2 as PyTorch 2.11 builds and calls it, split keys included",
    .source =
        "flash-attention 2.7.4 and PyTorch 2.11 sources, nvcc 13.0 machine code, H200 captures",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = normal_tiles,
    .split = {.rule = SplitRule::fill_multiprocessors,
              .tiles = split_tiles,
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
