#include "ulpscope/attention/driver.hpp"

#include <map>
#include <mutex>
#include <set>

#include "attention/problems.hpp"
#include <doctest/doctest.h>
#include <tbb/global_control.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Every tile of a run, by batch, head and first row.
struct Collected {
  std::mutex mutex{};
  std::map<std::array<int64_t, 3>, TileOutput> tiles{};
  int heads_opened = 0;
  int heads_closed = 0;
};

class Collector : public HeadObserver {
 public:
  explicit Collector(Collected& into) : into_(into) {}
  ~Collector() override {
    const std::lock_guard lock(into_.mutex);
    ++into_.heads_closed;
  }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  void tile(const TileRows& rows, const TileOutput& output) override {
    const std::lock_guard lock(into_.mutex);
    const bool is_new =
        into_.tiles.emplace(std::array{rows.batch, rows.head, rows.first}, output).second;
    CHECK(is_new);
  }

 private:
  Collected& into_;
};

DriverResult collect(const Plan& plan, int threads, Collected& into,
                     const std::atomic<bool>* stop = nullptr) {
  return run_forward(plan, {.threads = threads,
                            .observe =
                                [&](int64_t, int64_t) {
                                  const std::lock_guard lock(into.mutex);
                                  ++into.heads_opened;
                                  return std::make_unique<Collector>(into);
                                },
                            .stop = stop});
}

bool same_tiles(const Collected& a, const Collected& b) {
  if (a.tiles.size() != b.tiles.size()) return false;
  for (const auto& [place, tile] : a.tiles) {
    const auto other = b.tiles.find(place);
    if (other == b.tiles.end() || other->second.o != tile.o || other->second.lse != tile.lse) {
      return false;
    }
  }
  return true;
}

constexpr Shape several_heads{
    .rows = 150, .keys = 90, .dim = 24, .mask = causal_mask, .batch = 2, .heads = 4, .kv_heads = 2};

}  // namespace

TEST_CASE("any number of threads gives the same bits and the same statistics") {
  // More threads than a small machine has cores, all the same.
  const tbb::global_control seven(tbb::global_control::max_allowed_parallelism, 7);
  const auto owned = random_problem(1, several_heads);
  const Plan plan = plan_of(owned);
  Collected one;
  const DriverResult single = collect(plan, 1, one);
  CHECK(single.complete);
  CHECK(one.tiles.size() == 16);
  CHECK(static_cast<int64_t>(one.tiles.size()) == tile_count(plan));
  CHECK(one.heads_opened == 8);
  CHECK(one.heads_closed == 8);
  for (const int threads : {2, 7}) {
    Collected many;
    const DriverResult result = collect(plan, threads, many);
    CHECK(same_tiles(one, many));
    CHECK((result.sites == single.sites));
  }
}

TEST_CASE("every head is the head alone, with the K and V of its group") {
  const auto owned = random_problem(2, several_heads);
  const Plan plan = plan_of(owned);
  Collected all;
  collect(plan, 1, all);
  const Problem& p = owned.problem;
  const auto q_size = static_cast<size_t>(p.rows * p.dim);
  const auto k_size = static_cast<size_t>(p.keys * p.dim);
  for (int64_t batch = 0; batch < 2; ++batch) {
    for (int64_t head = 0; head < 4; ++head) {
      Problem alone = p;
      alone.batch = alone.heads = alone.kv_heads = 1;
      alone.q = p.q.subspan(static_cast<size_t>(batch * 4 + head) * q_size, q_size);
      alone.k = p.k.subspan(static_cast<size_t>(batch * 2 + head / 2) * k_size, k_size);
      alone.v = p.v.subspan(static_cast<size_t>(batch * 2 + head / 2) * k_size, k_size);
      const Plan plan_alone = make_plan(fa2_torch, chip_named("h200"), alone, {});
      Collected one;
      collect(plan_alone, 1, one);
      for (const int64_t first : {int64_t{0}, int64_t{128}}) {
        const TileOutput& expected = one.tiles.at({0, 0, first});
        CHECK(all.tiles.at({batch, head, first}).o == expected.o);
        CHECK(all.tiles.at({batch, head, first}).lse == expected.lse);
      }
    }
  }
}

TEST_CASE("without logging there are the same bits and no statistics") {
  const auto owned = random_problem(3, several_heads);
  const Plan plan = plan_of(owned);
  Collected logged;
  collect(plan, 1, logged);
  Collected silent;
  const DriverResult result = run_forward(
      plan, {.logging = Logging::off,
             .observe = [&](int64_t, int64_t) { return std::make_unique<Collector>(silent); }});
  CHECK(same_tiles(logged, silent));
  CHECK((result.sites == SiteStatistics{}));
}

TEST_CASE("statistics need no observer") {
  const auto owned = random_problem(4, {.rows = 5, .keys = 9, .dim = 16});
  const DriverResult result = run_forward(plan_of(owned), {});
  CHECK(result.complete);
  CHECK(result.sites[index(Site::scores)].moments.count == 45);
  CHECK(result.sites[index(Site::scores)].rows.clusters == 5);
  CHECK(result.sites[index(Site::scores)].columns.clusters == 9);
  CHECK(result.sites[index(Site::output_store)].moments.count == 80);
  CHECK(result.sites[index(Site::output_store)].columns.clusters == 16);
  CHECK(result.sites[index(Site::lse)].moments.count == 5);
  CHECK(result.sites[index(Site::lse)].columns.clusters == 0);
  CHECK(result.sites[index(Site::rescale)].moments.count == 0);
}

TEST_CASE("progress counts every tile once") {
  const auto owned = random_problem(5, several_heads);
  const Plan plan = plan_of(owned);
  std::mutex mutex;
  std::set<int64_t> seen;
  run_forward(plan, {.threads = 2, .logging = Logging::off, .progress = [&](int64_t done) {
                       const std::lock_guard lock(mutex);
                       seen.insert(done);
                     }});
  CHECK(seen.size() == 16);
  CHECK(*seen.begin() == 1);
  CHECK(*seen.rbegin() == 16);
}

TEST_CASE("a run that is told to stop leaves tiles out and says so") {
  const auto owned = random_problem(6, several_heads);
  const Plan plan = plan_of(owned);
  std::atomic<bool> stop = true;
  Collected nothing;
  CHECK_FALSE(collect(plan, 2, nothing, &stop).complete);
  CHECK(nothing.tiles.empty());

  stop = false;
  Collected some;
  const DriverResult result = run_forward(
      plan, {.observe = [&](int64_t, int64_t) { return std::make_unique<Collector>(some); },
             .progress = [&](int64_t done) { stop = done >= 3; },
             .stop = &stop});
  CHECK_FALSE(result.complete);
  CHECK(some.tiles.size() == 3);

  stop = false;
  Collected all;
  CHECK(collect(plan, 2, all, &stop).complete);
}
