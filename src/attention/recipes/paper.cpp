#include "ulpscope/attention/recipes/paper.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

namespace ulpscope {

namespace {

constexpr std::array formats{bf16};
constexpr std::array tiles{TileRow{.largest_dim = 1 << 16, .rows = 512, .keys = 512}};
constexpr std::array compiled_tiles{TileRow{.largest_dim = 64, .rows = 512, .keys = 512}};
constexpr uint32_t ten_to_minus_10 = 0x2EDB'E6FF;
constexpr StableMaximum doubled{.factor = 0x4000'0000, .tolerance = 0x3A83'126F};  // 2 and 1e-3

constexpr std::array eager_sites{Site::scores,
                                 Site::scaled_score,
                                 Site::maximum_less_tolerance,
                                 Site::moved_maximum,
                                 Site::shifted_score,
                                 Site::probability_cast,
                                 Site::row_sum_keep,
                                 Site::maximum_step,
                                 Site::rescale,
                                 Site::output_accumulate,
                                 Site::output_keep,
                                 Site::output_store};
constexpr std::array compiled_sites{
    Site::scores,       Site::scaled_score,      Site::probability_cast,
    Site::row_sum_keep, Site::output_accumulate, Site::output_keep,
    Site::output_store};

constexpr KeptSums neither{};
constexpr KeptSums both{.row_sum = Kept::in_memory, .output = Kept::in_memory};
constexpr KeptSums only_sum{.row_sum = Kept::in_memory, .output = Kept::in_register};
constexpr KeptSums only_output{.row_sum = Kept::in_register, .output = Kept::in_memory};
constexpr std::array eager_ends{TileEnds{.inner = both, .last = both}};
// The first row bucket, then the second; in the first the last tile is hidden entirely.
constexpr std::array compiled_ends{TileEnds{.inner = neither, .last = neither},
                                   TileEnds{.inner = neither, .last = only_sum}};
constexpr std::array compiled_stable_ends{TileEnds{.inner = only_sum, .last = only_output},
                                          TileEnds{.inner = neither, .last = only_sum}};

constexpr Recipe eager{
    .name = "paper-eager",
    .summary = "the paper's own PyTorch code (Qiu & Yao), run as it is under bf16 autocast",
    .source = "the paper's attention.py and fits to H200 captures, PyTorch 2.11",
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
    .scaling = Scaling::natural,
    .contraction = ExponentContraction::never,
    .exponential = Exponential::expf,
    .rescaling = Rescaling::every_tile,
    // PyTorch's reduction: 32 threads with four sums each.
    .row_sum = {.lanes = 128,
                .carry = Carry::separate,
                .join = Butterfly::near_first,
                .columns = 1,
                .neighbours = 4,
                .tile_least = ten_to_minus_10},
    .largest_dim_in_registers = 1 << 16,
    .normalise = Normalise::divide,
    .unusable_sum = UnusableSum::zero,
    .log_sum_exp = LogSumExp::kept_sum,
    .folds_group_into_rows = false,
    .input_format_sites = eager_sites,
    .flushed_sites = {},
    .backward = nullptr,
    .hidden_keys = HiddenKeys::lowest_number,
    .accumulator = Accumulator::tile_products,
    .tile_ends = eager_ends,
};

constexpr Recipe compiled() {
  Recipe row = eager;
  row.name = "paper-compiled";
  row.summary = "the paper's code under torch.compile, autocast around it, as the paper trains";
  row.tiles = compiled_tiles;
  row.only = {.rows = 1024, .keys = 1024, .dim = 64, .mask = causal_mask};
  // One warp a row, eight adjacent columns a lane.
  row.row_sum = {.lanes = 32,
                 .carry = Carry::separate,
                 .join = Butterfly::far_first,
                 .columns = 8,
                 .tile_least = ten_to_minus_10};
  row.normalise = Normalise::multiply_by_rcp;
  row.input_format_sites = compiled_sites;
  row.tile_ends = compiled_ends;
  row.backward = &paper_backward;
  return row;
}

constexpr Recipe compiled_inside() {
  Recipe row = compiled();
  row.name = "paper-compiled-inside";
  row.summary = "the paper's code under torch.compile, autocast inside: its backward is binary32";
  row.backward = &paper_inside_backward;
  return row;
}

constexpr Recipe stable(Recipe row, std::string_view name, std::span<const TileEnds> ends) {
  row.name = name;
  row.summary = "the same with the paper's mitigation, STABLE=1: factor 2, tolerance 1e-3";
  row.stable = doubled;
  row.tile_ends = ends;
  return row;
}

}  // namespace

const Recipe paper_eager = eager;
const Recipe paper_eager_stable = stable(eager, "paper-eager+stable", eager_ends);
const Recipe paper_compiled = compiled();
const Recipe paper_compiled_stable =
    stable(compiled(), "paper-compiled+stable", compiled_stable_ends);
const Recipe paper_compiled_inside = compiled_inside();
const Recipe paper_compiled_inside_stable =
    stable(compiled_inside(), "paper-compiled-inside+stable", compiled_stable_ends);

}  // namespace ulpscope
