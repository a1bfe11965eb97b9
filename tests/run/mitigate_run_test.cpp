#include "ulpscope/run/mitigate_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/sample_run.hpp"

#include <cmath>
#include <filesystem>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

// Two heads at the resonance, in a file of their own.
class Sample {
 public:
  Sample() : path_(std::filesystem::temp_directory_path() / "ulpscope_mitigate.safetensors") {
    write_sample({.law = {.kind = LawKind::ties, .gap = 17, .sink = 0.5},
                  .shape = {.heads = 2, .rows = 256, .keys = 256}},
                 path_.string());
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  ~Sample() { std::filesystem::remove(path_); }

  MitigateOptions options() const {
    MitigateOptions options;
    options.inputs.input = path_.string();
    options.kernel = "kernel";
    options.threads = 2;
    return options;
  }

 private:
  std::filesystem::path path_;
};

nlohmann::json named(const nlohmann::json& result, const std::string& name) {
  for (const auto& treatment : result["treatments"]) {
    if (treatment["name"] == name) return treatment;
  }
  FAIL("no treatment " << name);
  return result;
}

}  // namespace

TEST_SUITE("mitigate run") {
  TEST_CASE("a table of treatments, by head and by maximum, and a verdict") {
    const Sample sample;
    auto options = sample.options();
    options.stable = {"beta=3,tol=0"};
    options.offsets = {"0.3"};
    const auto result = run_mitigate(options).value();
    CHECK(result["schema"] == "ulpscope.mitigate/1");
    CHECK(result["treatments"].size() == 10);
    const nlohmann::json before = named(result, "as it is")["all"];
    CHECK(before["exact_p"]["count"] == 2 * 256 * 64);
    CHECK(before["exact_p"]["biased"] == true);
    CHECK(before["exact_p"]["mean"].get<double>() < -0.1);
    CHECK(before["delta_share"].get<double>() > 0.8);
    const nlohmann::json drawn = named(result, "stochastic output_store");
    CHECK(drawn["sites"][0] == "output_store=bf16:sr16a");
    CHECK(drawn["all"]["exact_p"]["biased"] == false);
    CHECK(named(result, "O in fp32")["all"]["exact_p"]["spread"].get<double>() < 0.1);
    CHECK(named(result, "beta=3,tol=0")["maximum"] == "stable maximum, beta 3, tolerance 0");
    CHECK(named(result, "offset ln 2")["all"]["rounded_p"]["biased"] == true);
    CHECK(before.contains("delta_share"));

    const nlohmann::json kernel = named(result, "as it is");
    uint64_t by_head = 0;
    for (const auto& head : kernel["heads"]) {
      by_head += head["exact_p"]["count"].get<uint64_t>();
    }
    uint64_t by_maximum = 0;
    for (const auto& bin : kernel["by_maximum"]) {
      by_maximum += bin["exact_p"]["count"].get<uint64_t>();
    }
    CHECK(by_head == 2 * 256 * 64);
    CHECK(by_maximum == by_head);
    const auto verdict = result["verdict"].get<std::string>();
    CHECK(verdict.find("No one-sided error is left by: ") != std::string::npos);
    CHECK(verdict.find("stochastic output_store") < verdict.find("One is left by"));
  }

  TEST_CASE("the bytes do not depend on threads, and the draws on the seed") {
    const Sample sample;
    auto options = sample.options();
    const auto once = run_mitigate(options).value();
    options.threads = 1;
    CHECK(run_mitigate(options).value() == once);
    options.seed = 2;
    const auto again = run_mitigate(options).value();
    CHECK(named(again, "stochastic output_store")["all"] !=
          named(once, "stochastic output_store")["all"]);
    CHECK(named(again, "beta 2") == named(once, "beta 2"));
  }

  TEST_CASE("rows may be left out, and a map that casts no P has no second reference") {
    const Sample sample;
    auto options = sample.options();
    options.kernel = "paper-pv";
    options.first_row = 200;
    const auto result = run_mitigate(options).value();
    const nlohmann::json all = named(result, "as it is")["all"];
    CHECK(all["exact_p"]["count"] == 2 * 56 * 64);
    CHECK_FALSE(all.contains("rounded_p"));
    CHECK(named(result, "stochastic output_keep")["sites"].size() == 1);
  }

  TEST_CASE("what cannot be treated is refused") {
    const Sample sample;
    const auto refused = [&](auto&& change) {
      auto options = sample.options();
      change(options);
      CHECK_THROWS_AS(run_mitigate(options), Error);
    };
    refused([](auto& o) { o.kernel = "exact"; });
    refused([](auto& o) { o.site = "dq_store"; });
    refused([](auto& o) { o.site = "nowhere"; });
    refused([](auto& o) { o.stable = {"beta=1,tol=0"}; });
    refused([](auto& o) { o.offsets = {"x"}; });
    refused([](auto& o) { o.first_row = 256; });
  }
}
