#include "ulpscope/attention/recipes/precision_maps.hpp"

namespace ulpscope {

namespace {

constexpr int64_t any_dim = 1 << 16;
constexpr std::array whole_rows{TileRow{.largest_dim = any_dim, .rows = 128, .keys = 0}};
constexpr std::array tiles{TileRow{.largest_dim = any_dim, .rows = 128, .keys = 128}};
constexpr std::array bf16_tiles{TileRow{.largest_dim = any_dim, .rows = 64, .keys = 64}};

constexpr std::array exact_products{SiteOverride{Site::scores, exact_cast},
                                    SiteOverride{Site::output_accumulate, exact_cast},
                                    SiteOverride{Site::bwd_scores, exact_cast},
                                    SiteOverride{Site::dp, exact_cast},
                                    SiteOverride{Site::dv_accumulate, exact_cast},
                                    SiteOverride{Site::dk_accumulate, exact_cast},
                                    SiteOverride{Site::dq_accumulate, exact_cast}};
constexpr std::array unnormalised_output{Site::output_keep};
constexpr std::array output{Site::output_store};
constexpr std::array every_intermediate{
    Site::scores,           Site::scaled_score,  Site::maximum_less_tolerance,
    Site::moved_maximum,    Site::shifted_score, Site::probability,
    Site::probability_cast, Site::row_sum_keep,  Site::maximum_step,
    Site::rescale_factor,   Site::rescale,       Site::output_accumulate,
    Site::output_add,       Site::output_keep,   Site::reciprocal,
    Site::normalise,        Site::output_store};

constexpr KeptSums both{.row_sum = Kept::in_memory, .output = Kept::in_memory};
constexpr std::array output_at_the_end{
    TileEnds{.inner = {}, .last = {.row_sum = Kept::in_register, .output = Kept::in_memory}}};
constexpr std::array both_after_every_tile{TileEnds{.inner = both, .last = both}};

constexpr std::array formats{bf16};
constexpr std::array delta_layouts{DeltaLayout{.largest_dim = any_dim, .lanes = 1, .columns = 8}};
constexpr BackwardRules backward{
    .tiles = tiles,
    .order = BlockOrder::rows_ascending,
    .delta = {.layouts = delta_layouts,
              .tuned = {},
              .sum = DeltaSum::products,
              .join = Butterfly::near_first},
    .recompute = Recompute::natural_rounded,
    .probability = GradientProbability::unrounded,
    .scale = GradientScale::after_products,
    .query_gradient = QueryGradient::one_chain,
    .group = GroupGradient::one_chain,
    .input_format_sites = {},
    .flushed_sites = {},
};

constexpr Recipe unnormalised{
    .name = "paper-pv",
    .summary = "binary32 with one rounding to 16 bits, of the unnormalised P.V (Qiu & Yao)",
    .source = "generic: equations 4 and 5 of arXiv 2510.04212",
    .engine = Engine::tiled,
    .formats = {},
    .tiles = whole_rows,
    .split = {},
    .product_terms = 0,
    .alignment = Alignment::bottom_right,
    .windows = Windows::any,
    .key_order = KeyOrder::ascending,
    .mask_block = 0,
    .empty_rows = EmptyRows::guarded,
    .scaling = Scaling::natural,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::rounded,
    .rescaling = Rescaling::every_tile,
    .row_sum = {.lanes = 1, .carry = Carry::tile_sum, .join = Butterfly::near_first, .columns = 1},
    .largest_dim_in_registers = any_dim,
    .normalise = Normalise::divide,
    .unusable_sum = UnusableSum::one,
    .log_sum_exp = LogSumExp::rounded_sum,
    .folds_group_into_rows = false,
    .input_format_sites = unnormalised_output,
    .flushed_sites = {},
    .backward = &backward,
    .caveat = "generic, the kernel of no library; its products are exact",
    .own_casts = exact_products,
    .accumulator = Accumulator::tile_products,
    .tile_ends = output_at_the_end,
    .score_terms = every_score_term,
};

constexpr Recipe normalised() {
  Recipe row = unnormalised;
  row.name = "paper-o";
  row.summary = "binary32 with one rounding to 16 bits, of O (Qiu & Yao)";
  row.source = "generic: the notation of arXiv 2510.04212";
  row.input_format_sites = output;
  row.tile_ends = {};
  return row;
}

constexpr Recipe through_memory() {
  Recipe row = unnormalised;
  row.name = "all-bf16";
  row.summary = "flash attention whose every intermediate is stored in bf16 (Golden et al.)";
  row.source = "generic: arXiv 2405.02803, which leaves open what its formats cover";
  row.formats = formats;
  row.tiles = bf16_tiles;
  row.row_sum.carry = Carry::separate;
  row.input_format_sites = every_intermediate;
  row.backward = nullptr;
  row.caveat = "generic, the kernel of no library";
  row.own_casts = {};
  row.tile_ends = both_after_every_tile;
  row.score_terms = {};
  return row;
}

}  // namespace

const Recipe paper_pv = unnormalised;
const Recipe paper_o = normalised();
const Recipe all_bf16 = through_memory();

}  // namespace ulpscope
