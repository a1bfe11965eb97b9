#include "ulpscope/run/kernel_check.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/attention/driver.hpp"
#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/round/random_bits.hpp"

#include <compare>
#include <mutex>
#include <optional>
#include <thread>

#include <fmt/format.h>

namespace ulpscope {

namespace {

enum class Tensor { scores, probabilities, maxima, lane_sums, running, lse, output };

// A kernel: what is compiled for itself.
struct KernelRow {
  Format format;
  int64_t smallest_dim;
  int64_t largest_dim;
  std::string_view stable;  // empty for none
};
constexpr std::string_view published = "beta=2,tol=0,clamp=none";
constexpr std::array kernels{
    KernelRow{bf16, 8, 64, ""},        KernelRow{bf16, 72, 128, ""},
    KernelRow{fp16, 8, 64, ""},        KernelRow{fp16, 72, 128, ""},
    KernelRow{bf16, 8, 64, published}, KernelRow{bf16, 72, 128, published},
    KernelRow{fp16, 8, 64, published}, KernelRow{fp16, 72, 128, published},
};

std::string name_of(const KernelRow& kernel) {
  return fmt::format("forward {}, head size to {}{}", format_name(kernel.format),
                     kernel.largest_dim, kernel.stable.empty() ? "" : ", stable");
}

// The choices of one problem, in turn.
class Choices {
 public:
  Choices(uint64_t seed, size_t kernel, int64_t problem)
      : draw_{.seed = seed,
              .site = static_cast<uint32_t>(kernel),
              .element = static_cast<uint64_t>(problem),
              .step = 0} {}
  uint64_t word() {
    const uint64_t bits = random_bits(draw_);
    draw_.step += 1;
    return bits;
  }
  // In [first, last].
  int64_t within(int64_t first, int64_t last) {
    return first + static_cast<int64_t>(word() % static_cast<uint64_t>(last - first + 1));
  }

 private:
  Draw draw_;
};

struct DrawnProblem {
  LawTensors tensors;
  Problem problem;  // looks into the tensors
};

// A length: any, or whole tiles.
int64_t drawn_length(Choices& choices, int64_t longest) {
  const int64_t any = choices.within(1, longest);
  constexpr int64_t tile = 64;
  return choices.within(0, 2) == 0 ? (any + tile - 1) / tile * tile : any;
}

Law drawn_law(Choices& choices, int64_t keys) {
  Law law{.seed = choices.word()};
  const int64_t kind = choices.within(0, keys < 2 ? 2 : 4);
  switch (kind) {
    case 0: law.kind = LawKind::normal; break;
    case 1: law.kind = LawKind::uniform; break;
    case 2: law.kind = LawKind::outliers; break;
    case 3: law.kind = LawKind::ties; break;
    default:  // an attention sink: a maximum whose values are small
      law.kind = LawKind::ties;
      law.sink = 0.01;
      break;
  }
  return law;
}

// The libraries' scale, or one that makes scores large, or small.
uint32_t drawn_scale(Choices& choices, int64_t dim) {
  constexpr uint32_t one = 0x3F80'0000;
  constexpr uint32_t small = 0x3A83'126F;  // 0.001
  switch (choices.within(0, 5)) {
    case 0: return one;
    case 1: return small;
    default: return default_scale(dim);
  }
}

void draw_problem(const KernelRow& kernel, Choices choices, DrawnProblem& drawn) {
  const int64_t whole = kernel.largest_dim;
  const int64_t dim =
      choices.within(0, 1) == 0 ? whole : 8 * choices.within(kernel.smallest_dim / 8, whole / 8);
  const LawShape shape{.heads = choices.within(1, 2),
                       .rows = drawn_length(choices, 300),
                       .keys = drawn_length(choices, 4 * gpu::forward_tiles(dim).keys),
                       .dim = dim,
                       .format = kernel.format};
  drawn.tensors = draw(drawn_law(choices, shape.keys), shape);
  drawn.problem = {.heads = shape.heads,
                   .kv_heads = shape.heads,
                   .rows = shape.rows,
                   .keys = shape.keys,
                   .dim = dim,
                   .format = kernel.format,
                   .mask = choices.within(0, 1) == 0 ? no_mask : causal_mask,
                   .scale = drawn_scale(choices, dim),
                   .launch = {.heads = shape.heads, .parts = 1},
                   .q = drawn.tensors.q,
                   .k = drawn.tensors.k,
                   .v = drawn.tensors.v};
}

Plan plan_of(const KernelRow& kernel, const Problem& problem) {
  Plan plan = make_plan(recipe_named("fa2-torch"), chip_named("h200"), problem, {});
  if (!kernel.stable.empty()) apply(parse_stable(kernel.stable), plan);
  const gpu::ForwardTiles tiles = gpu::forward_tiles(problem.dim);
  if (plan.tile_rows != tiles.rows || plan.tile_keys != tiles.keys) {
    throw Error(ErrorKind::usage,
                fmt::format("head size {}: the kernel has tiles of {} x {}, its recipe of {} x {}",
                            problem.dim, tiles.rows, tiles.keys, plan.tile_rows, plan.tile_keys));
  }
  return plan;
}

gpu::ForwardCall call_of(const Plan& plan) {
  const Problem& p = plan.problem;
  const auto& stable = plan.maximum.stable;
  return {.format = p.format,
          .heads = p.heads,
          .rows = p.rows,
          .keys = p.keys,
          .dim = p.dim,
          .seen = p.mask == causal_mask ? gpu::KeysSeen::up_to_diagonal : gpu::KeysSeen::all,
          .scale = p.scale,
          .scale_log2 = plan.scale_log2,
          .guarded_tiles = plan.guarded_tiles(),
          .stable = stable ? std::optional(gpu::StableRule{stable->factor, stable->tolerance})
                           : std::nullopt,
          .q = p.q,
          .k = p.k,
          .v = p.v};
}

// Where a number is; turn 0 is a row's first tile, the last keys.
struct Place {
  int64_t problem;
  int64_t head;
  int64_t row;
  int64_t turn;
  Tensor tensor;
  int64_t column;

  friend auto operator<=>(const Place&, const Place&) = default;
};

struct Difference {
  Place place;
  uint32_t card;
  uint32_t emulated;
};

// Counts of one kernel; the first difference is the same for any number of threads.
class Tally {
 public:
  template <class Word>
  void compare(const Place& start, std::span<const uint32_t> emulated, const Word* card) {
    uint64_t differences = 0;
    std::optional<Difference> first;
    for (size_t i = 0; i < emulated.size(); ++i) {
      if (emulated[i] == card[i]) continue;
      if (!first) {
        first = {start, card[i], emulated[i]};
        first->place.column = static_cast<int64_t>(i);
      }
      ++differences;
    }
    const std::lock_guard lock(mutex_);
    auto& counts = check_.tensors[static_cast<size_t>(start.tensor)];
    counts.values += emulated.size();
    counts.differences += differences;
    if (first && (!first_ || first->place < first_->place)) first_ = first;
  }

  KernelCheck result(std::string kernel, int64_t problems) {
    check_.kernel = std::move(kernel);
    check_.problems = problems;
    if (first_) check_.first = text(*first_);
    return check_;
  }

 private:
  static std::string text(const Difference& d) {
    const Place& at = d.place;
    return fmt::format(
        "{} of problem {}, head {}, row {}, tile {} from the last, column {}: card "
        "{:08x}, emulator {:08x}",
        shown_tensors[static_cast<size_t>(at.tensor)], at.problem, at.head, at.row, at.turn,
        at.column, d.card, d.emulated);
  }

  std::mutex mutex_;
  KernelCheck check_;
  std::optional<Difference> first_;
};

// One head of the emulated pass, every number held against the card's as it comes.
class ComparedHead : public HeadObserver, ProbabilityObserver {
 public:
  ComparedHead(const Plan& plan, const gpu::ExposedForward& card, int64_t problem, int64_t head,
               Tally& tally)
      : plan_(plan), card_(card), problem_(problem), head_(head), tally_(tally) {}

  ProbabilityObserver* probabilities() override { return this; }

  void probabilities(const ProbabilityRow& p) override {
    compare(Tensor::probabilities, p.row, p.first_key, p.unrounded, card_.probabilities);
  }

  void after_tile(const RowAfterTile& row) override {
    const auto of = [&](Tensor tensor, std::span<const uint32_t> emulated,
                        const std::vector<uint32_t>& card) {
      compare(tensor, row.row, row.first_key, emulated, card);
    };
    of(Tensor::scores, row.scores, card_.scores);
    of(Tensor::maxima, {&row.maximum, 1}, card_.maxima);
    constexpr size_t lanes = 4;
    of(Tensor::lane_sums, row.lane_sums.first(lanes), card_.lane_sums);
    of(Tensor::running, row.output, card_.running);
  }

  void tile(const TileRows& rows, const TileOutput& output) override {
    const Problem& p = plan_.problem;
    for (int64_t r = 0; r < rows.count; ++r) {
      const int64_t row = head_ * p.rows + rows.first + r;
      std::vector<uint32_t> codes;
      for (int64_t d = 0; d < p.dim; ++d) {
        codes.push_back(static_cast<uint32_t>(
            output_code(plan_, output.o[static_cast<size_t>(r * p.dim + d)])));
      }
      const Place place{problem_, head_, rows.first + r, plan_.key_tiles(), Tensor::lse, 0};
      tally_.compare(place, {&output.lse[static_cast<size_t>(r)], 1},
                     &card_.lse[static_cast<size_t>(row)]);
      Place of_codes = place;
      of_codes.tensor = Tensor::output;
      tally_.compare(of_codes, codes, &card_.o[static_cast<size_t>(row * p.dim)]);
    }
  }

 private:
  // A row's numbers of one tile, in a tensor (heads, rows, tiles, as many).
  void compare(Tensor tensor, int64_t row, int64_t first_key, std::span<const uint32_t> emulated,
               const std::vector<uint32_t>& card) {
    const int64_t tile = first_key / plan_.tile_keys;
    const int64_t at = (head_ * plan_.problem.rows + row) * plan_.key_tiles() + tile;
    tally_.compare({problem_, head_, row, plan_.key_tiles() - 1 - tile, tensor, 0}, emulated,
                   &card[static_cast<size_t>(at) * emulated.size()]);
  }

  const Plan& plan_;
  const gpu::ExposedForward& card_;
  int64_t problem_;
  int64_t head_;
  Tally& tally_;
};

void check_problem(const KernelCheckOptions& options, const KernelRow& kernel, int64_t index,
                   const Choices& choices, Tally& tally) {
  DrawnProblem drawn;
  draw_problem(kernel, choices, drawn);
  const Plan plan = plan_of(kernel, drawn.problem);
  const gpu::ExposedForward card = options.forward(call_of(plan));
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  run_forward(plan, {.threads = options.threads > 0 ? options.threads : all,
                     .logging = Logging::off,
                     .observe = [&](int64_t, int64_t head) {
                       return std::make_unique<ComparedHead>(plan, card, index, head, tally);
                     }});
}

}  // namespace

ValuesCompared KernelCheck::all() const {
  ValuesCompared sum;
  for (const auto& tensor : tensors) {
    sum.values += tensor.values;
    sum.differences += tensor.differences;
  }
  return sum;
}

std::vector<KernelCheck> check_forward_kernels(const KernelCheckOptions& options) {
  std::vector<KernelCheck> checks;
  for (size_t k = 0; k < kernels.size(); ++k) {
    Tally tally;
    int64_t done = 0;
    while (done < options.problems && (options.stop == nullptr || !options.stop->load())) {
      check_problem(options, kernels[k], done, Choices(options.seed, k, done), tally);
      ++done;
    }
    checks.push_back(tally.result(name_of(kernels[k]), done));
    if (options.each) options.each(checks.back());
  }
  return checks;
}

}  // namespace ulpscope
