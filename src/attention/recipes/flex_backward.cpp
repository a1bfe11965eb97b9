#include "ulpscope/attention/recipes/backward.hpp"

#include <array>

namespace ulpscope {

namespace {

// The blocks of the mask; the kernels' own smaller tiles leave no trace.
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};

// The layout that blocks of 32 rows give. The library compiles blocks of 1, 8 and 32 rows and keeps
// the fastest, so this is a default, not a rule.
constexpr std::array delta_layouts{
    DeltaLayout{.largest_dim = 32, .lanes = 8, .columns = 4},
    DeltaLayout{.largest_dim = 64, .lanes = 8, .columns = 8},
    DeltaLayout{.largest_dim = 128, .lanes = 16, .columns = 8},
    DeltaLayout{.largest_dim = 256, .lanes = 32, .columns = 8},
};

// Those of blocks of 8 rows and of one. From head size 129 on there is one kernel for small
// problems and one for large ones.
constexpr std::array tuned_layouts{
    DeltaLayout{.largest_dim = 32, .lanes = 32, .columns = 1},
    DeltaLayout{.largest_dim = 64, .lanes = 16, .columns = 4},
    DeltaLayout{.largest_dim = 64, .lanes = 64, .columns = 1},
    DeltaLayout{.largest_dim = 128, .lanes = 32, .columns = 4},
    DeltaLayout{.largest_dim = 128, .lanes = 64, .columns = 2},
    DeltaLayout{.largest_dim = 256, .lanes = 64, .columns = 4},
};

constexpr std::array input_format_sites{Site::bwd_probability_cast, Site::ds_cast, Site::dq_store,
                                        Site::dk_store, Site::dv_store};
constexpr std::array flushed_sites{Site::bwd_probability};

}  // namespace

const BackwardRules flex_backward{
    .tiles = tiles,
    .order = BlockOrder::partial_before_full,
    .delta = {.layouts = delta_layouts,
              .tuned = tuned_layouts,
              .sum = DeltaSum::products,
              .join = Butterfly::far_first},
    .recompute = Recompute::base2,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::after_products,
    .query_gradient = QueryGradient::one_chain,
    .group = GroupGradient::one_chain,
    .input_format_sites = input_format_sites,
    .flushed_sites = flushed_sites,
};

}  // namespace ulpscope
