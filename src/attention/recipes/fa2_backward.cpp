#include "ulpscope/attention/recipes/backward.hpp"

#include <array>

namespace ulpscope {

namespace {

constexpr std::array tiles{
    TileRow{.largest_dim = 64, .rows = 128, .keys = 128},
    TileRow{.largest_dim = 128, .rows = 64, .keys = 128},
    TileRow{.largest_dim = 256, .rows = 64, .keys = 64},
};

constexpr std::array delta_layouts{
    DeltaLayout{.largest_dim = 32, .lanes = 4, .columns = 8},
    DeltaLayout{.largest_dim = 64, .lanes = 8, .columns = 8},
    DeltaLayout{.largest_dim = 96, .lanes = 4, .columns = 8},
    DeltaLayout{.largest_dim = 256, .lanes = 8, .columns = 8},
};

constexpr std::array input_format_sites{Site::bwd_probability_cast, Site::ds_cast, Site::dq_store,
                                        Site::dk_store, Site::dv_store};
// The atomics flush in every build.
constexpr std::array flushed_sites{Site::dq_add};
constexpr std::array fast_math_flushed_sites{
    Site::delta,           Site::bwd_lse,        Site::bwd_shifted_score,
    Site::bwd_probability, Site::dp_minus_delta, Site::ds,
    Site::dq_add,          Site::dq_combine,     Site::dq_scale,
    Site::dk_scale};

constexpr BackwardRules as_pytorch_builds_it{
    .tiles = tiles,
    .order = BlockOrder::rows_descending,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::second_product_first,
              .join = Butterfly::far_first},
    .recompute = Recompute::scaled_less_scaled,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::after_products,
    .query_gradient = QueryGradient::atomic_buffers,
    .group = GroupGradient::rounded_then_summed,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
    .any_order = AnyOrder::one_buffer,
};

constexpr BackwardRules with_fast_math() {
  BackwardRules rules = as_pytorch_builds_it;
  rules.recompute = Recompute::fused_less_scaled;
  rules.flushed_sites = fast_math_flushed_sites;
  return rules;
}

}  // namespace

const BackwardRules fa2_backward = as_pytorch_builds_it;
const BackwardRules fa2_fast_math_backward = with_fast_math();

}  // namespace ulpscope
