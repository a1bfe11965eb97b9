#include "ulpscope/run/explain_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/sample_run.hpp"

#include <cmath>
#include <fstream>

#include "made_inputs.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;
using nlohmann::json;

namespace {

// Two heads at the resonance; P.V of the kernel stays in registers, so that its one rounding of O
// is that of the store.
AttentionOptions biased_options(const TemporaryFolder& here) {
  const auto path = (here.path() / "ties.safetensors").string();
  write_sample({.law = {.kind = LawKind::ties, .gap = 17, .sink = 0.5},
                .shape = {.heads = 2, .rows = 160, .keys = 160}},
               path);
  AttentionOptions options;
  options.inputs.input = path;
  options.kernel = "kernel";
  options.backward = BackwardChoice::off;
  options.explain = Explain::yes;
  options.threads = 2;
  options.command = "ulpscope attention ties.safetensors --explain";
  return options;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json named(const json& list, const std::string& name) {
  for (const json& item : list) {
    if (item.at("name") == name) return item;
  }
  FAIL("no " << name);
  return {};
}

json read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return json::parse(file);
}

}  // namespace

TEST_SUITE("explain run") {
  TEST_CASE("a biased run names its cause, the rows and the cures, each with its number") {
    const TemporaryFolder here;
    const auto summary = run_attention(biased_options(here)).value();
    REQUIRE(summary["verdict"]["biased"] == json::array({"o"}));
    REQUIRE(summary["attribution"]["tensors"].size() == 1);
    const json& o = summary["attribution"]["tensors"][0];
    CHECK(o["cause"]["steps"] == json::array({"output_store"}));
    const double brought = o["cause"]["increments"][0]["mean_ulp"];
    CHECK(brought == doctest::Approx(o["cause"]["brought_ulp"].get<double>()));

    const json& cures = summary["cures"]["treatments"];
    CHECK(named(cures, "stochastic output_store")["outcome"] == "removed");
    CHECK(named(cures, "offset ln 2")["outcome"] == "left");
    // Binary32 leaves some thousandths of an ulp, whatever their z.
    CHECK(named(cures, "O in fp32")["outcome"] != "left");

    REQUIRE(summary["verdict"]["causes"].size() == 1);
    const auto sentence = summary["verdict"]["causes"][0].get<std::string>();
    CAPTURE(sentence);
    CHECK(sentence.starts_with("O is biased by -0."));
    CHECK(contains(sentence, "; cause: output_store, which brings -0."));
    CHECK(contains(sentence, "% of it at rows with two or more equal maxima ("));
    CHECK(contains(sentence, "; removed by "));
    CHECK(contains(sentence, "; not by "));
  }

  TEST_CASE("the share at rows with equal maxima is that which was measured") {
    const TemporaryFolder here;
    const auto summary = run_attention(biased_options(here)).value();
    const json tied = named(summary["outputs"][0]["row_kinds"], "two or more equal maxima");
    const auto sentence = summary["verdict"]["causes"][0].get<std::string>();
    CHECK(contains(sentence, std::to_string(std::lround(100 * tied["share"].get<double>())) +
                                 " % of it at rows"));
    CHECK(tied["rows"].get<int64_t>() > 100);
  }

  TEST_CASE("where nothing is biased nobody is accused and nothing more is run") {
    const TemporaryFolder here;
    auto options = options_for(made_file(here, "q.safetensors", {}), {});
    options.explain = Explain::yes;
    const auto summary = run_attention(options).value();
    CHECK(summary["verdict"]["status"] == "unbiased");
    CHECK(summary["verdict"]["biased"].empty());
    CHECK_FALSE(summary.contains("attribution"));
    CHECK_FALSE(summary.contains("cures"));
    REQUIRE(summary["verdict"]["causes"].size() == 1);
    CHECK(summary["verdict"]["causes"][0].get<std::string>().starts_with("Nobody is accused"));
  }

  TEST_CASE("what is asked of the kernel is asked of the explanation, too") {
    const TemporaryFolder here;
    auto options = biased_options(here);
    options.overrides = {parse_override("output_store=bf16:ru")};
    const auto up = run_attention(options).value();
    CHECK(up["attribution"]["tensors"][0]["kernel"]["mean_ulp"].get<double>() > 0.1);
    options.overrides.clear();
    options.maximum = parse_stable("beta=2,tol=0");
    const auto stable = run_attention(options).value();
    const json& verdict = stable["verdict"];
    if (verdict["biased"].empty()) {
      CHECK(verdict["causes"][0].get<std::string>().starts_with("Nobody is accused"));
    } else {
      CHECK(stable["attribution"]["tensors"][0]["kernel"]["mean_ulp"].get<double>() > -0.1);
    }
  }

  TEST_CASE("a finished run is explained without being run again") {
    const TemporaryFolder here;
    auto options = biased_options(here);
    options.out = (here.path() / "run").string();
    options.explain = Explain::no;
    const auto plain = run_attention(options).value();
    CHECK_FALSE(plain["verdict"].contains("causes"));
    options.explain = Explain::yes;
    options.earlier = Earlier::resumed;
    const auto explained = run_attention(options).value();
    CHECK(explained["verdict"]["causes"].size() == 1);
    CHECK(read(here.path() / "run" / "summary.json") == explained);
    CHECK(explained["outputs"] == plain["outputs"]);
  }

  TEST_CASE("what is not judged as a whole is not explained") {
    const TemporaryFolder here;
    auto options = biased_options(here);
    options.out = (here.path() / "run").string();
    CHECK_THROWS_WITH_AS(run_attention_shard(options, Shard{1, 2}),
                         doctest::Contains("--explain with --shard 1/2: expected a whole run"),
                         Error);
    options.log = LogLevel::statistics;
    CHECK_THROWS_WITH_AS(run_attention(options),
                         doctest::Contains("--explain with --log statistics: expected --log full"),
                         Error);
  }
}
