// What a run leaves out when less is logged: never a bit of the outputs, and never a zero in place
// of a figure that was not measured.
#include "ulpscope/run/log_level.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/merge_run.hpp"

#include <filesystem>
#include <string>

#include "run/made_inputs.hpp"
#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Run {
  nlohmann::json summary;
  std::string outputs;
  bool has_errors;
};

Run run_at(const TemporaryFolder& here, LogLevel level, const MadeInput& made) {
  const std::string name(log_level_name(level));
  auto options = options_for(made_file(here, "in.safetensors", made), here.path() / name);
  options.log = level;
  const auto summary = run_attention(options);
  REQUIRE(summary.has_value());
  return {*summary, read_back(here.path() / name / "outputs.safetensors"),
          std::filesystem::exists(here.path() / name / "errors.safetensors")};
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("log level") {
  TEST_CASE("outputs and gradients are the same bits at every level") {
    const TemporaryFolder here;
    const MadeInput made{.gradients = true};
    const Run full = run_at(here, LogLevel::full, made);
    REQUIRE_FALSE(full.outputs.empty());
    for (const LogLevel level : {LogLevel::none, LogLevel::statistics}) {
      const Run less = run_at(here, level, made);
      CHECK((less.outputs == full.outputs));
      CHECK_FALSE(less.has_errors);
    }
    CHECK(full.has_errors);
  }

  TEST_CASE("statistics of the sites are those of a full log") {
    const TemporaryFolder here;
    const MadeInput made{.gradients = true};
    const Run full = run_at(here, LogLevel::full, made);
    const Run statistics = run_at(here, LogLevel::statistics, made);
    CHECK(statistics.summary["sites"] == full.summary["sites"]);
    CHECK(statistics.summary["fingerprint"] != full.summary["fingerprint"]);
  }

  TEST_CASE("what was not measured is absent from summary, text and page") {
    const TemporaryFolder here;
    const Run none = run_at(here, LogLevel::none, {});
    CHECK(none.summary["log"] == "none");
    CHECK(none.summary["verdict"]["status"] == "not judged");
    CHECK(none.summary["sites"].empty());
    CHECK(none.summary["outputs"].empty());
    CHECK_FALSE(none.summary.contains("reference"));
    const std::string text = text_summary(none.summary);
    CHECK(text ==
          "NOT JUDGED: The outputs of fa2-torch were computed; neither its roundings were logged "
          "nor its outputs judged (--log\n  none).\n");
    CHECK(contains(html_report(none.summary), "No rounding site was recorded."));

    const Run statistics = run_at(here, LogLevel::statistics, {});
    CHECK(statistics.summary["log"] == "statistics");
    CHECK(statistics.summary["outputs"].empty());
    CHECK_FALSE(statistics.summary.contains("reference"));
    const std::string sites = text_summary(statistics.summary);
    CHECK(contains(sites, "its outputs were not judged"));
    CHECK(contains(sites, "\nsite "));
    CHECK_FALSE(contains(sites, "\noutput "));
  }

  TEST_CASE("shards without a log merge to the bytes of one process") {
    const TemporaryFolder here;
    const Run whole = run_at(here, LogLevel::none, {});
    std::vector<std::string> folders;
    for (const int64_t i : {1, 2}) {
      folders.push_back((here.path() / std::to_string(i)).string());
      auto options = options_for((here.path() / "in.safetensors").string(), folders.back());
      options.log = LogLevel::none;
      REQUIRE(run_attention_shard(options, {i, 2}).has_value());
    }
    REQUIRE(run_merge({.shards = folders, .out = (here.path() / "merged").string()}).has_value());
    CHECK((read_back(here.path() / "merged" / "outputs.safetensors") == whole.outputs));
    CHECK_FALSE(std::filesystem::exists(here.path() / "merged" / "errors.safetensors"));
  }

  TEST_CASE("names") {
    CHECK(log_level_named("statistics") == LogLevel::statistics);
    CHECK_THROWS_WITH_AS(log_level_named("all"), "--log all: expected none, statistics or full",
                         Error);
  }
}
