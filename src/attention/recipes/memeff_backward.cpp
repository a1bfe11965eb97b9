#include "ulpscope/attention/recipes/backward.hpp"

#include <array>

namespace ulpscope {

namespace {

// Sizes leave no trace: every gradient is one chain over the whole sequence.
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};

// Threads to a row: key block / 32, the blocks being 64, 128 and 64 keys.
constexpr std::array delta_layouts{
    DeltaLayout{.largest_dim = 64, .lanes = 2, .columns = 8},
    DeltaLayout{.largest_dim = 128, .lanes = 4, .columns = 8},
    DeltaLayout{.largest_dim = 1 << 16, .lanes = 2, .columns = 8},
};

constexpr std::array input_format_sites{Site::bwd_probability_cast, Site::ds_cast, Site::dq_store,
                                        Site::dk_store, Site::dv_store};

}  // namespace

const BackwardRules memeff_backward{
    .tiles = tiles,
    .order = BlockOrder::rows_ascending,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::fused,
              .join = Butterfly::near_first},
    .recompute = Recompute::natural_by_expf,
    .probability = GradientProbability::cast,
    .scale = GradientScale::inside,
    .query_gradient = QueryGradient::one_chain,
    .group = GroupGradient::rounded_then_summed,
    .input_format_sites = input_format_sites,
    .flushed_sites = {},
    .any_order = AnyOrder::unknown,
};

}  // namespace ulpscope
