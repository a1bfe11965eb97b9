#include "ulpscope/run/ranks_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/part_folder.hpp"

#include <barrier>
#include <functional>
#include <thread>

#include "run/made_inputs.hpp"
#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Where the threads that play ranks meet.
struct Meeting {
  explicit Meeting(int ranks) : count(ranks), all(ranks) {}
  int count;
  std::barrier<> all;
  std::vector<int64_t> shared = {};
};

class ThreadRank : public Ranks {
 public:
  ThreadRank(Meeting& meeting, int number) : meeting_(meeting), number_(number) {}
  int number() const override { return number_; }
  int count() const override { return meeting_.count; }
  void wait_for_all() const override { meeting_.all.arrive_and_wait(); }
  void share(std::vector<int64_t>& numbers) const override {
    if (number_ == 0) meeting_.shared = numbers;
    wait_for_all();
    numbers = meeting_.shared;
    wait_for_all();
  }

 private:
  Meeting& meeting_;
  int number_;
};

// What each of some ranks reports.
std::vector<RankReport> on_ranks(int count,
                                 const std::function<RankReport(const Ranks& rank)>& run) {
  Meeting meeting(count);
  std::vector<RankReport> reports(static_cast<size_t>(count));
  std::vector<std::jthread> threads;
  for (int number = 0; number < count; ++number) {
    threads.emplace_back(
        [&, number] { reports[static_cast<size_t>(number)] = run(ThreadRank(meeting, number)); });
  }
  threads.clear();
  return reports;
}

constexpr MadeInput five_heads{.batch = 1, .heads = 10, .kv_heads = 5, .gradients = true};

}  // namespace

TEST_SUITE("ranks") {
  TEST_CASE("two, three and too many ranks leave the bytes of one process") {
    const TemporaryFolder here;
    const auto file = made_file(here, "in.safetensors", five_heads);
    const auto alone = options_for(file, here.path() / "alone");
    const auto summary = run_attention(alone);
    for (const int count : {2, 3, 7}) {
      const auto out = here.path() / std::to_string(count);
      const auto reports = on_ranks(count, [&](const Ranks& rank) {
        return run_attention_on_ranks(options_for(file, out), rank);
      });
      CHECK(bytes_of_run(out) == bytes_of_run(alone.out));
      CHECK(reports[0].summary == summary);
      for (const auto& report : reports) CHECK(report.complete);
      CHECK_FALSE(reports[1].summary);
      CHECK_FALSE(std::filesystem::exists(parts_folder(out)));
    }
  }

  TEST_CASE("ranks that were stopped are resumed, and a run that is finished is left as it is") {
    const TemporaryFolder here;
    const auto file = made_file(here, "in.safetensors", five_heads);
    const auto alone = options_for(file, here.path() / "alone");
    run_attention(alone);
    auto options = options_for(file, here.path() / "out");
    const std::atomic<bool> stop = true;
    options.stop = &stop;
    for (const auto& report :
         on_ranks(2, [&](const Ranks& rank) { return run_attention_on_ranks(options, rank); })) {
      CHECK_FALSE(report.complete);
    }
    CHECK(std::filesystem::exists(parts_folder(options.out)));
    options.stop = nullptr;
    options.earlier = Earlier::resumed;
    for (int again = 0; again < 2; ++again) {
      on_ranks(2, [&](const Ranks& rank) { return run_attention_on_ranks(options, rank); });
      CHECK(bytes_of_run(options.out) == bytes_of_run(alone.out));
    }
  }

  TEST_CASE("a rank that does not see the folder of rank 0 says so") {
    const TemporaryFolder here;
    const auto file = made_file(here, "in.safetensors", five_heads);
    std::string what;
    on_ranks(2, [&](const Ranks& rank) {
      const auto out = here.path() / (rank.number() == 0 ? "here" : "elsewhere");
      try {
        return run_attention_on_ranks(options_for(file, out), rank);
      } catch (const Error& error) {
        if (rank.number() == 1) {  // which in a run ends all
          what = error.what();
          rank.wait_for_all();
        }
        return RankReport{};
      }
    });
    CHECK(what.starts_with("rank 1: "));
    CHECK(what.find("no manifest of rank 0") != std::string::npos);
  }

  TEST_CASE("ranks need a folder where their parts can meet") {
    Meeting meeting(2);
    CHECK_THROWS_WITH_AS(run_attention_on_ranks({}, ThreadRank(meeting, 0)),
                         doctest::Contains("expected --out DIR"), Error);
  }
}
