#include "ulpscope/attention/recipes/cudnn.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};
constexpr std::array tiles{TileRow{.largest_dim = 256, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};
constexpr std::array flushed_sites{Site::scaled_score,    Site::log2_score, Site::row_sum,
                                   Site::rescale,         Site::normalise,  Site::log_row_sum,
                                   Site::natural_maximum, Site::lse,        Site::combine_sum,
                                   Site::combine_output};

constexpr Recipe many_rows{
    .name = "cudnn-9.19",
    .summary = "cuDNN 9.19 attention, its kernel for one query row included",
    .source = "fits to H200 captures; the library is closed",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = tiles,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::top_left,
    .windows = Windows::none,
    .key_order = KeyOrder::ascending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::one_product,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::ex2_ftz,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 4, .carry = Carry::lane_sums, .join = Butterfly::near_first},
    .largest_dim_in_registers = 256,
    .normalise = Normalise::multiply_by_rcp,
    .unusable_sum = UnusableSum::zero,
    .log_sum_exp = LogSumExp::maximum_fused,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
    .backward = &cudnn_backward,
};

// Scores scaled by two products, smaller tiles for few keys, keys dealt out, and the terms of the
// LSE's FMA the other way round.
constexpr std::array one_row_tiles{
    TileRow{.largest_dim = 256, .rows = 128, .keys = 64, .largest_keys = 128},
    TileRow{.largest_dim = 256, .rows = 128, .keys = 64, .largest_keys = 256, .most_heads = 132},
    TileRow{.largest_dim = 256, .rows = 128, .keys = 128}};

constexpr Recipe one_row() {
  Recipe row = many_rows;
  row.tiles = one_row_tiles;
  row.scaling = Scaling::two_products;
  row.log_sum_exp = LogSumExp::logarithm_fused;
  row.split = {.rule = SplitRule::power_of_two_one_row,
               .tiles = tiles,
               .rows_counted = 1,
               .most_parts = 64,
               .dealing = Dealing::round_robin,
               .combine = Combine::unnormalised};
  return row;
}

constexpr Recipe one_row_kernel = one_row();

constexpr Recipe with_one_row(Recipe row, const Recipe& kernel) {
  row.one_row = &kernel;
  return row;
}

}  // namespace

const Recipe cudnn_9_19 = with_one_row(many_rows, one_row_kernel);

}  // namespace ulpscope
