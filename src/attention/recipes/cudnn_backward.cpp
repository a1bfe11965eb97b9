#include "ulpscope/attention/recipes/backward.hpp"

#include <array>

namespace ulpscope {

namespace {

// The 128 keys are those of dQ's parts; the query tile leaves no trace.
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};

// As many threads as cover the row; from D = 65 on other counts give the same bits.
constexpr std::array delta_layouts{
    DeltaLayout{.largest_dim = 32, .lanes = 4, .columns = 8},
    DeltaLayout{.largest_dim = 64, .lanes = 8, .columns = 8},
    DeltaLayout{.largest_dim = 128, .lanes = 16, .columns = 8},
    DeltaLayout{.largest_dim = 256, .lanes = 32, .columns = 8},
};

constexpr std::array input_format_sites{Site::bwd_probability_cast, Site::ds_cast, Site::dq_store,
                                        Site::dk_store, Site::dv_store};
constexpr std::array flushed_sites{Site::bwd_probability, Site::dp_minus_delta, Site::ds,
                                   Site::ds_scale};

}  // namespace

const BackwardRules cudnn_backward{
    .tiles = tiles,
    .order = BlockOrder::rows_ascending_keys_down,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::pairs_of_products,
              .join = Butterfly::far_first},
    .recompute = Recompute::natural_by_ex2,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::inside,
    .query_gradient = QueryGradient::sum_of_parts,
    .group = GroupGradient::rounded_then_summed,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
};

}  // namespace ulpscope
