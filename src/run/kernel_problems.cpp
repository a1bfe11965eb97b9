#include "kernel_problems.hpp"

#include "ulpscope/attention/maximum_override.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/round/random_bits.hpp"

#include <array>
#include <optional>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr std::string_view published = "beta=2,tol=0,clamp=none";
constexpr std::array forward_rows{
    KernelRow{"forward", bf16, 8, 64},
    KernelRow{"forward", bf16, 72, 128},
    KernelRow{"forward", fp16, 8, 64},
    KernelRow{"forward", fp16, 72, 128},
    KernelRow{"forward", bf16, 8, 64, published},
    KernelRow{"forward", bf16, 72, 128, published},
    KernelRow{"forward", fp16, 8, 64, published},
    KernelRow{"forward", fp16, 72, 128, published},
};
constexpr std::array backward_rows{
    KernelRow{"backward", bf16, 8, 64},
    KernelRow{"backward", bf16, 72, 128},
    KernelRow{"backward", fp16, 8, 64},
    KernelRow{"backward", fp16, 72, 128},
};

// A number for every kernel, so that each draws its own problems.
uint32_t number_of(const KernelRow& kernel) {
  return (kernel.pass == "forward" ? 0U : 8U) + (kernel.format == bf16 ? 0U : 4U) +
         (kernel.largest_dim <= 64 ? 0U : 2U) + (kernel.stable.empty() ? 0U : 1U);
}

// The choices of one problem, in turn.
class Choices {
 public:
  Choices(uint64_t seed, uint32_t kernel, int64_t problem)
      : draw_{.seed = seed, .site = kernel, .element = static_cast<uint64_t>(problem), .step = 0} {}
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

// Heads of the whole launch: they decide how many buffers the parts of dQ are dealt to.
int64_t drawn_launch(Choices& choices, int64_t heads) {
  constexpr std::array<int64_t, 3> larger{40, 66, 200};
  const int64_t choice = choices.within(0, 3);
  return choice == 3 ? heads : larger[static_cast<size_t>(choice)];
}

}  // namespace

std::span<const KernelRow> forward_kernels() { return forward_rows; }
std::span<const KernelRow> backward_kernels() { return backward_rows; }

std::string name_of(const KernelRow& kernel) {
  return fmt::format("{} {}, head size to {}{}", kernel.pass, format_name(kernel.format),
                     kernel.largest_dim, kernel.stable.empty() ? "" : ", stable");
}

void draw_problem(const KernelRow& kernel, uint64_t seed, int64_t index, DrawnProblem& drawn) {
  Choices choices(seed, number_of(kernel), index);
  const int64_t whole = kernel.largest_dim;
  const int64_t longest_keys = 4 * gpu::forward_tiles(whole).keys;
  const int64_t dim =
      choices.within(0, 1) == 0 ? whole : 8 * choices.within(kernel.smallest_dim / 8, whole / 8);
  const LawShape shape{.heads = choices.within(1, 2),
                       .rows = drawn_length(choices, 300),
                       .keys = drawn_length(choices, longest_keys),
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
                   .launch = {.heads = drawn_launch(choices, shape.heads), .parts = 1},
                   .q = drawn.tensors.q,
                   .k = drawn.tensors.k,
                   .v = drawn.tensors.v};
}

Plan plan_of(const KernelRow& kernel, const Problem& problem) {
  Plan plan = make_plan(recipe_named("fa2-torch"), chip_named("h200"), problem, {});
  if (!kernel.stable.empty()) apply(parse_stable(kernel.stable), plan);
  const gpu::KernelTiles tiles = gpu::forward_tiles(problem.dim);
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

}  // namespace ulpscope
