#include "ulpscope/run/kernel_check.hpp"

#include "ulpscope/attention/driver.hpp"
#include "ulpscope/base/error.hpp"

#include <mutex>

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

gpu::ExposedForward emulated(const gpu::ForwardCall& call) {
  Problem problem{.heads = call.heads,
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

using Change = std::function<void(gpu::ExposedForward&)>;

// The check of a kernel that is right but for `change`, made in every call.
std::vector<KernelCheck> check_with(const Change& change, int threads = 2) {
  return check_forward_kernels({.forward =
                                    [&](const gpu::ForwardCall& call) {
                                      auto shown = emulated(call);
                                      change(shown);
                                      return shown;
                                    },
                                .problems = 3,
                                .threads = threads});
}

TEST_SUITE("run: our kernels against the emulator") {
  TEST_CASE("a kernel that computes as its recipe does has no difference in any tensor") {
    const auto checks = check_with([](gpu::ExposedForward&) {});
    CHECK(checks.size() == 8);
    for (const auto& check : checks) {
      CAPTURE(check.kernel);
      CHECK(check.problems == 3);
      CHECK(check.first.empty());
      for (const auto& tensor : check.tensors) {
        CHECK(tensor.values > 0);
        CHECK(tensor.differences == 0);
      }
    }
  }

  TEST_CASE("one wrong bit is found in the tensor that has it, and named") {
    const std::array<Change, 7> changes{
        [](gpu::ExposedForward& x) { x.scores[0] ^= 1; },
        [](gpu::ExposedForward& x) { x.probabilities[0] ^= 1; },
        [](gpu::ExposedForward& x) { x.maxima[0] ^= 1; },
        [](gpu::ExposedForward& x) { x.lane_sums[3] ^= 1; },
        [](gpu::ExposedForward& x) { x.running.at(1) ^= 1; },
        [](gpu::ExposedForward& x) { x.lse[0] ^= 1; },
        [](gpu::ExposedForward& x) { x.o[0] ^= 1; },
    };
    for (size_t wrong = 0; wrong < changes.size(); ++wrong) {
      uint64_t found = 0;
      for (const auto& check : check_with(changes[wrong])) {
        CAPTURE(check.kernel);
        for (size_t i = 0; i < check.tensors.size(); ++i) {
          // A first row of fewer keys than rows sees nothing: its tiles are not compared.
          CHECK(check.tensors[i].differences <= (i == wrong ? 3 : 0));
          found += check.tensors[i].differences;
        }
        if (check.all().differences == 0) continue;
        CHECK(check.first.starts_with(shown_tensors[wrong]));
        CHECK(check.first.find("head 0, row 0") != std::string::npos);
      }
      CHECK(found > 12);  // of 24 problems
    }
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
      const gpu::ForwardTiles tiles = gpu::forward_tiles(dim);
      if (dim > 128 || dim % 8 != 0) {
        CHECK(tiles.rows == 0);
        continue;
      }
      const auto row = std::find_if(recipe.tiles.begin(), recipe.tiles.end(),
                                    [&](const TileRow& t) { return t.largest_dim >= dim; });
      CHECK(row->rows == tiles.rows);
      CHECK(row->keys == tiles.keys);
    }
  }
}

}  // namespace

}  // namespace ulpscope
