#include "ulpscope/run/kernel_check.hpp"

#include "ulpscope/attention/gradients.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

namespace ulpscope {

namespace {

// The emulator in the place of the card: fills what a kernel shows.
class Filler : public HeadObserver, ProbabilityObserver {
 public:
  Filler(const Plan& plan, int64_t head, gpu::ExposedForward& shown)
      : plan_(plan), head_(head), shown_(shown) {}
  ProbabilityObserver* probabilities() override { return this; }
  void probabilities(const ProbabilityRow& p) override {
    put(shown_.probabilities, p.row, p.first_key, p.unrounded);
  }
  void after_tile(const RowAfterTile& row) override {
    put(shown_.scores, row.row, row.first_key, row.scores);
    put(shown_.maxima, row.row, row.first_key, {&row.maximum, 1});
    put(shown_.lane_sums, row.row, row.first_key, row.lane_sums.first(4));
    put(shown_.running, row.row, row.first_key, row.output);
  }
  void tile(const TileRows& rows, const TileOutput& output) override {
    for (int64_t r = 0; r < rows.count; ++r) {
      const auto row = static_cast<size_t>(head_ * plan_.problem.rows + rows.first + r);
      shown_.lse[row] = output.lse[static_cast<size_t>(r)];
      for (int64_t d = 0; d < plan_.problem.dim; ++d) {
        const auto from = static_cast<size_t>(r * plan_.problem.dim + d);
        shown_.o[row * static_cast<size_t>(plan_.problem.dim) + static_cast<size_t>(d)] =
            static_cast<uint16_t>(output_code(plan_, output.o[from]));
      }
    }
  }

 private:
  void put(std::vector<uint32_t>& to, int64_t row, int64_t key, std::span<const uint32_t> from) {
    const int64_t tile = key / plan_.tile_keys;
    const int64_t at = (head_ * plan_.problem.rows + row) * plan_.key_tiles() + tile;
    std::copy(from.begin(), from.end(), to.begin() + at * static_cast<int64_t>(from.size()));
  }

  const Plan& plan_;
  int64_t head_;
  gpu::ExposedForward& shown_;
};

Problem problem_of(const gpu::ForwardCall& call) {
  return {.heads = call.heads,
          .kv_heads = call.heads,
          .rows = call.rows,
          .keys = call.keys,
          .dim = call.dim,
          .format = call.format,
          .mask = call.seen == gpu::KeysSeen::up_to_diagonal ? causal_mask : no_mask,
          .scale = call.scale,
          .launch = {.heads = call.heads, .parts = 1},
          .q = call.q,
          .k = call.k,
          .v = call.v};
}

gpu::ExposedForward emulated(const gpu::ForwardCall& call) {
  const Problem problem = problem_of(call);
  Plan plan = make_plan(recipe_named("fa2-torch"), chip_named("h200"), problem, {});
  CHECK(plan.scale_log2 == call.scale_log2);
  CHECK(plan.guarded_tiles() == call.guarded_tiles);
  if (call.stable) plan.maximum.stable = StableMaximum{call.stable->factor, call.stable->tolerance};
  const auto rows = static_cast<size_t>(call.heads * call.rows);
  const auto tiles = rows * static_cast<size_t>(plan.key_tiles());
  const auto filled = [](size_t count) {
    return std::vector<uint32_t>(count, gpu::ExposedForward::unwritten);
  };
  gpu::ExposedForward shown{.scores = filled(tiles * static_cast<size_t>(plan.tile_keys)),
                            .probabilities = filled(tiles * static_cast<size_t>(plan.tile_keys)),
                            .maxima = filled(tiles),
                            .lane_sums = filled(tiles * 4),
                            .running = filled(tiles * static_cast<size_t>(call.dim)),
                            .lse = filled(rows),
                            .o = std::vector<uint16_t>(rows * static_cast<size_t>(call.dim))};
  run_forward(plan, {.logging = Logging::off, .observe = [&](int64_t, int64_t head) {
                       return std::make_unique<Filler>(plan, head, shown);
                     }});
  return shown;
}

// The pairs of the backward pass, likewise.
class PairFiller : public PairObserver {
 public:
  PairFiller(const BackwardPlan& plan, int64_t head, gpu::ExposedBackward& shown)
      : plan_(plan), head_(head), shown_(shown) {}
  void row(const PairRow& pairs) override {
    const int64_t row = head_ * plan_.problem.rows + pairs.row;
    const auto at =
        static_cast<size_t>(row * plan_.key_tiles() * plan_.tile_keys + pairs.first_key);
    for (size_t i = 0; i < static_cast<size_t>(pairs.count); ++i) {
      shown_.p[at + i] = code(pairs.p[i]);
      shown_.dp[at + i] = pairs.dp[i];
      shown_.ds[at + i] = code(pairs.ds[i]);
    }
  }

 private:
  uint16_t code(uint32_t value) const {
    return static_cast<uint16_t>(code_of(plan_.problem.format, value));
  }

  const BackwardPlan& plan_;
  int64_t head_;
  gpu::ExposedBackward& shown_;
};

gpu::ExposedBackward emulated_backward(const gpu::BackwardCall& call) {
  Problem problem = problem_of(call.problem);
  const Plan plan = make_plan(recipe_named("fa2-torch"), chip_named("h200"), problem, {});
  BackwardPlan backward = make_backward_plan(plan, problem);
  CHECK(backward.delta.lanes == call.delta_lanes);
  CHECK(backward.delta.columns == 8);
  backward.dq_buffers = call.dq_buffers;
  const auto codes = [&](const std::vector<uint32_t>& registers) {
    std::vector<uint16_t> result;
    for (const uint32_t x : registers) {
      result.push_back(static_cast<uint16_t>(code_of(problem.format, x)));
    }
    return result;
  };
  std::vector<uint32_t> o;
  for (const uint16_t x : call.o) o.push_back(detail::widened(problem.format, x));
  const auto places =
      static_cast<size_t>(problem.heads * problem.rows * backward.key_tiles() * backward.tile_keys);
  gpu::ExposedBackward shown{.delta = {},
                             .p = std::vector<uint16_t>(places),
                             .dp = std::vector<uint32_t>(places),
                             .ds = std::vector<uint16_t>(places),
                             .dq = {},
                             .dk = {},
                             .dv = {}};
  const Gradients gradients =
      run_backward(backward, {.dout = call.dout, .o = o, .lse = call.lse},
                   {.logging = Logging::off, .observe = [&](int64_t, int64_t head) {
                      return std::make_unique<PairFiller>(backward, head, shown);
                    }});
  shown.delta = gradients.delta;
  shown.dq = codes(gradients.dq);
  shown.dk = codes(gradients.dk);
  shown.dv = codes(gradients.dv);
  return shown;
}

using Change = std::function<void(gpu::ExposedForward&)>;
using BackwardChange = std::function<void(gpu::ExposedBackward&)>;

// The checks of kernels that are right but for these changes, made in every call.
std::vector<KernelCheck> check_with(const Change& change, int threads = 2,
                                    const BackwardChange& backward = {}, int64_t problems = 1) {
  const auto wrong_forward = [&](const gpu::ForwardCall& call) {
    auto shown = emulated(call);
    if (change) change(shown);
    return shown;
  };
  const auto wrong_backward = [&](const gpu::BackwardCall& call) {
    auto shown = emulated_backward(call);
    if (backward) backward(shown);
    return shown;
  };
  return check_kernels({.forward = wrong_forward,
                        .backward = wrong_backward,
                        .problems = problems,
                        .threads = threads});
}

// Every change shows in the tensor that it was made in, and there alone.
template <class Shown, size_t size>
void check_each_is_found(const std::array<std::function<void(Shown&)>, size>& changes,
                         std::string_view pass, const auto& checks_of) {
  for (size_t wrong = 0; wrong < changes.size(); ++wrong) {
    uint64_t found = 0;
    for (const auto& check : checks_of(changes[wrong])) {
      CAPTURE(check.kernel);
      if (!check.kernel.starts_with(pass)) continue;
      for (size_t i = 0; i < check.tensors.size(); ++i) {
        CHECK(check.tensors[i].differences <= (i == wrong ? 1 : 0));
        found += check.tensors[i].differences;
      }
      if (check.all().differences > 0) CHECK(check.first.starts_with(check.tensors[wrong].name));
    }
    CHECK(found > 0);  // a first row that sees no key is not compared: not in every problem
  }
}

TEST_SUITE("run: our kernels against the emulator") {
  TEST_CASE("kernels that compute as their recipe does have no difference in any tensor") {
    const auto checks = check_with({}, 2, {}, 2);
    CHECK(checks.size() == 12);
    for (const auto& check : checks) {
      CAPTURE(check.kernel);
      CHECK(check.problems == 2);
      CHECK(check.first.empty());
      CHECK(check.tensors.size() == 7);
      for (const auto& tensor : check.tensors) {
        CHECK(tensor.values > 0);
        CHECK(tensor.differences == 0);
      }
    }
  }

  TEST_CASE("one wrong bit is found in the tensor that has it, and named") {
    check_each_is_found(std::array<Change, 7>{
                            [](gpu::ExposedForward& x) { x.scores[0] ^= 1; },
                            [](gpu::ExposedForward& x) { x.probabilities[0] ^= 1; },
                            [](gpu::ExposedForward& x) { x.maxima[0] ^= 1; },
                            [](gpu::ExposedForward& x) { x.lane_sums[3] ^= 1; },
                            [](gpu::ExposedForward& x) { x.running.at(1) ^= 1; },
                            [](gpu::ExposedForward& x) { x.lse[0] ^= 1; },
                            [](gpu::ExposedForward& x) { x.o[0] ^= 1; },
                        },
                        "forward", [](const Change& change) { return check_with(change); });
    check_each_is_found(std::array<BackwardChange, 7>{
                            [](gpu::ExposedBackward& x) { x.delta[0] ^= 1; },
                            [](gpu::ExposedBackward& x) { x.p[0] ^= 1; },
                            [](gpu::ExposedBackward& x) { x.dp[0] ^= 1; },
                            [](gpu::ExposedBackward& x) { x.ds[0] ^= 1; },
                            [](gpu::ExposedBackward& x) { x.dq.back() ^= 1; },
                            [](gpu::ExposedBackward& x) { x.dk[0] ^= 1; },
                            [](gpu::ExposedBackward& x) { x.dv[0] ^= 1; },
                        },
                        "backward",
                        [](const BackwardChange& change) { return check_with({}, 2, change); });
  }

  TEST_CASE("counts and the first difference do not depend on threads") {
    const Change many = [](gpu::ExposedForward& x) {
      for (size_t i = 0; i < x.lse.size(); i += 3) x.lse[i] ^= 2;
    };
    const auto one = check_with(many, 1);
    const auto four = check_with(many, 4);
    for (size_t k = 0; k < one.size(); ++k) {
      CHECK(one[k].all().values == four[k].all().values);
      CHECK(one[k].all().differences == four[k].all().differences);
      CHECK(one[k].first == four[k].first);
    }
  }

  TEST_CASE("the kernel's tiles are its recipe's at every head size that it takes") {
    const Recipe& recipe = recipe_named("fa2-torch");
    for (int64_t dim = 1; dim <= 256; ++dim) {
      const gpu::KernelTiles tiles = gpu::forward_tiles(dim);
      const gpu::KernelTiles backward = gpu::backward_tiles(dim);
      if (dim > 128 || dim % 8 != 0) {
        CHECK(tiles.rows == 0);
        CHECK(backward.rows == 0);
        continue;
      }
      const auto row = std::find_if(recipe.tiles.begin(), recipe.tiles.end(),
                                    [&](const TileRow& t) { return t.largest_dim >= dim; });
      CHECK(row->rows == tiles.rows);
      CHECK(row->keys == tiles.keys);
      const auto& rows = recipe.backward->tiles;
      const auto of_backward = std::find_if(rows.begin(), rows.end(),
                                            [&](const TileRow& t) { return t.largest_dim >= dim; });
      CHECK(of_backward->rows == backward.rows);
      CHECK(of_backward->keys == backward.keys);
    }
  }
}

}  // namespace

}  // namespace ulpscope
