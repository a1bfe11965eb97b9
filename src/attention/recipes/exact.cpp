#include "ulpscope/attention/recipes/exact.hpp"

namespace ulpscope {

namespace {

// Only the unit of work and of the heat map; the result knows no tiles.
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 128, .keys = 128}};
constexpr std::array input_format_sites{Site::output_store};

}  // namespace

const Recipe exact_attention{
    .name = "exact",
    .summary = "attention in high precision, rounded once to nearest even at the output",
    .source = "the definition; rounding proved for every element",
    .engine = Engine::reference,
    .formats = {},
    .tiles = tiles,
    .split = {.tiles = {}, .rows_counted = 1, .most_parts = 1},
    .alignment = Alignment::bottom_right,
    .key_order = KeyOrder::ascending,
    .scaling = Scaling::multiply_then_subtract,
    .exponential = Exponential::ex2,
    .row_sum = {.lanes = 1, .first_addition_fused = false},
    .normalise = Normalise::multiply_by_reciprocal,
    .log_sum_exp = LogSumExp::fused_natural,
    .folds_group_into_rows = false,
    .input_format_sites = input_format_sites,
    .backward = nullptr,
};

}  // namespace ulpscope
