#include "ulpscope/attention/recipes/fa2_pip.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

#include "fa2_tiles.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};
// All that the compiler's flags reach: every binary32 instruction.
constexpr std::array flushed_sites{Site::scaled_maximum,
                                   Site::shifted_score,
                                   Site::probability,
                                   Site::row_sum,
                                   Site::maximum_step,
                                   Site::scaled_step,
                                   Site::rescale_factor,
                                   Site::rescale,
                                   Site::reciprocal,
                                   Site::normalise,
                                   Site::log2_row_sum,
                                   Site::log_row_sum,
                                   Site::lse,
                                   Site::combine_shift,
                                   Site::combine_exponential,
                                   Site::combine_sum,
                                   Site::combine_log,
                                   Site::combine_lse,
                                   Site::combine_output};

}  // namespace

const Recipe fa2_pip{
    .name = "fa2-pip",
    .summary = "FlashAttention-2 as flash-attn's pip package builds it, with fast-math",
    .source = "from source, not recorded: flash-attention 2.8 and nvcc 13.0 machine code",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = fa2::normal_tiles,
    .split = {.rule = SplitRule::fill_multiprocessors,
              .tiles = fa2::split_tiles,
              .rows_counted = 64,
              .most_parts = 128,
              .dealing = Dealing::contiguous,
              .combine = Combine::normalised,
              .functions = LibraryFunctions::fast},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::within_keys,
    .key_order = KeyOrder::descending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded_in_masked_tiles,
    .scaling = Scaling::after_maximum,
    .contraction = ExponentContraction::always,
    .exponential = Exponential::ex2_ftz,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 4, .carry = Carry::first_addition, .join = Butterfly::far_first},
    .largest_dim_in_registers = 256,
    .normalise = Normalise::multiply_by_rcp,
    .unusable_sum = UnusableSum::zero_or_nan,
    .log_sum_exp = LogSumExp::scale_fused,
    .folds_group_into_rows = true,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
    .backward = &fa2_fast_math_backward,
    .caveat = "from source, not recorded; no bit of it was held against the package",
};

}  // namespace ulpscope
