#include "ulpscope/attention/recipes/cudnn.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16, fp16};
constexpr std::array tiles{TileRow{.largest_dim = 256, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::probability_cast, Site::output_store};
constexpr std::array flushed_sites{Site::scaled_score, Site::row_sum,     Site::rescale,
                                   Site::normalise,    Site::log_row_sum, Site::natural_maximum,
                                   Site::lse,          Site::combine_sum, Site::combine_output};

}  // namespace

const Recipe cudnn_9_19{
    .name = "cudnn-9.19",
    .summary = "cuDNN 9.19 attention, its kernel for one query row included",
    .source = "fits to H200 captures; the library is closed",
    .engine = Engine::tiled,
    .formats = formats,
    .tiles = tiles,
    .split = {.rule = SplitRule::power_of_two_one_row,
              .tiles = tiles,
              .rows_counted = 1,
              .most_parts = 16,
              .dealing = Dealing::round_robin,
              .combine = Combine::unnormalised},
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
    .one_row_log_sum_exp = LogSumExp::logarithm_fused,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
    .backward = &cudnn_backward,
};

}  // namespace ulpscope
