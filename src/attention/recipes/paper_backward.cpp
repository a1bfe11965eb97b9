#include "ulpscope/attention/recipes/backward.hpp"

#include <array>

namespace ulpscope {

namespace {

constexpr std::array tiles{TileRow{.largest_dim = 64, .rows = 512, .keys = 512}};

// The order of this sum leaves no trace in the recordings.
constexpr std::array delta_layouts{DeltaLayout{.largest_dim = 64, .lanes = 8, .columns = 8}};

constexpr std::array autocast_sites{Site::bwd_scores,
                                    Site::dp,
                                    Site::bwd_probability_cast,
                                    Site::ds_cast,
                                    Site::dv_accumulate,
                                    Site::dk_accumulate,
                                    Site::dq_accumulate,
                                    Site::dv_store,
                                    Site::dk_store,
                                    Site::dq_store};
// Without autocast P and dS stay binary32, and so do the tiles' products.
constexpr std::array plain_sites{Site::bwd_scores, Site::dp,       Site::delta_cast,
                                 Site::dv_store,   Site::dk_store, Site::dq_store};

constexpr BackwardRules under_autocast{
    .tiles = tiles,
    .order = BlockOrder::rows_ascending,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::products,
              .join = Butterfly::far_first},
    .recompute = Recompute::natural_by_expf,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::inside,
    .query_gradient = QueryGradient::sum_of_parts,
    .group = GroupGradient::rounded_then_summed,
    .input_format_sites = autocast_sites,
    .flushed_sites = {},
    .key_gradient = KeyGradient::sum_of_parts,
};

constexpr BackwardRules without_autocast() {
  BackwardRules rules = under_autocast;
  rules.delta.kept = DeltaKept::input_format;
  rules.input_format_sites = plain_sites;
  rules.products = GradientProducts::fma_chain;
  return rules;
}

}  // namespace

const BackwardRules paper_backward = under_autocast;
const BackwardRules paper_inside_backward = without_autocast();

}  // namespace ulpscope
