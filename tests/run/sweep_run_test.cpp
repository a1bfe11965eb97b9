#include "ulpscope/run/sweep_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/sweep.hpp"
#include "ulpscope/run/sample_run.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

SweepOptions small(const AxisTexts& more) {
  SweepOptions options;
  options.axes = {{"rows", "96"}, {"kernels", "kernel"}};
  options.axes.insert(options.axes.end(), more.begin(), more.end());
  return options;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal_of(const SweepOptions& options) {
  try {
    run_sweep(options);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("sweep run") {
  TEST_CASE("a row a point, in the order of the grid") {
    const auto result = run_sweep(small({{"gap", "8,17"}, {"law", "ties"}, {"modes", "rne,rz"}}));
    REQUIRE(result);
    CHECK((*result)["schema"] == sweep_schema);
    const auto& points = (*result)["points"];
    REQUIRE(points.size() == 4);
    CHECK(points[1]["axes"]["gap"] == "8");
    CHECK(points[1]["axes"]["modes"] == "rz");
    CHECK(points[2]["axes"]["gap"] == "17");
    for (const auto& point : points) CHECK(point["figures"]["count"] == 96 * 64);
  }

  TEST_CASE("the bytes are the same for any number of threads") {
    auto options =
        small({{"law", "normal,outliers"}, {"formats", "bf16,e8m3"}, {"modes", "rz,sr"}});
    const auto one = run_sweep(options);
    options.threads = 3;
    CHECK(one->dump() == run_sweep(options)->dump());
  }

  TEST_CASE("a point that a kernel does not take has its reason, the others their figures") {
    const auto result = run_sweep(small({{"kernels", "kernel,paper-compiled"}}));
    REQUIRE(result);
    const auto& points = (*result)["points"];
    CHECK(points[0].contains("figures"));
    CHECK(points[1]["refused"].get<std::string>().find("1024 x 1024") != std::string::npos);
    CHECK(refusal_of(small({{"kernels", "paper-compiled"}})).find("1024") != std::string::npos);
  }

  TEST_CASE("an input takes the place of the law, and its figures those of the drawn problem") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    write_sample({.law = {.kind = LawKind::normal}, .shape = {.rows = 96, .keys = 96}}, path);
    auto from_file = small({});
    from_file.problem.inputs.input = path;
    from_file.axes = {{"kernels", "kernel"}, {"modes", "rne,rz"}};
    const auto result = run_sweep(from_file);
    const auto drawn = run_sweep(small({{"law", "normal"}, {"modes", "rne,rz"}}));
    REQUIRE(result);
    for (size_t i = 0; i < 2; ++i) {
      CHECK((*result)["points"][i]["figures"] == (*drawn)["points"][i]["figures"]);
    }
    CHECK((*result)["inputs"].size() >= 3);
    from_file.axes = {{"gap", "4"}};
    CHECK(refusal_of(from_file).find("--gap is of drawn problems") != std::string::npos);
  }

  TEST_CASE("a folder has summary, CSV and page; an earlier sweep's is replaced") {
    const test::TemporaryFolder here;
    auto options = small({{"modes", "rne,rz"}});
    options.out = (here.path() / "run").string();
    options.csv = (here.path() / "t.csv").string();
    for (int i = 0; i < 2; ++i) {
      const auto result = run_sweep(options);
      REQUIRE(result);
      const fs::path folder(options.out);
      CHECK(json::parse(text_of(folder / "summary.json")) == *result);
      CHECK(text_of(folder / "sweep.csv") == sweep_csv(*result));
      CHECK(text_of(folder / "report.html") == sweep_page(*result));
      CHECK(text_of(options.csv) == sweep_csv(*result));
    }
  }

  TEST_CASE("a stopped sweep gives nothing and leaves nothing") {
    const test::TemporaryFolder here;
    const std::atomic<bool> stop = true;
    auto options = small({{"modes", "rne,rz"}});
    options.out = (here.path() / "run").string();
    options.stop = &stop;
    CHECK_FALSE(run_sweep(options));
    CHECK_FALSE(fs::exists(options.out));
  }

  TEST_CASE("progress counts points") {
    auto options = small({{"modes", "rne,rz,ru"}});
    int64_t last = 0;
    options.progress = [&](int64_t done, int64_t all) {
      CHECK(done == last + 1);
      CHECK(all == 3);
      last = done;
    };
    run_sweep(options);
    CHECK(last == 3);
  }

  TEST_CASE("what makes no sweep is refused") {
    CHECK(refusal_of({}).find("--preset") != std::string::npos);
    auto options = small({});
    options.preset = "no-such";
    CHECK(refusal_of(options).find("resonance") != std::string::npos);
    CHECK(refusal_of(small({{"terms", "4"}})).find("--terms") != std::string::npos);
    options = small({});
    options.problem.alibi = "default";
    CHECK(refusal_of(options).find("--alibi") != std::string::npos);
  }
}
