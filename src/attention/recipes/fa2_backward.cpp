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
constexpr std::array flushed_sites{Site::dq_add};

}  // namespace

const BackwardRules fa2_backward{
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
};

}  // namespace ulpscope
