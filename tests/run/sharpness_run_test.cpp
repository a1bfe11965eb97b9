#include "ulpscope/run/sharpness_run.hpp"

#include "ulpscope/analysis/sharpness.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/tensor/open.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include "support/temporary_folder.hpp"
#include "tensor/files.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Logits of (2, 3, 4), 1 / 3 of whole numbers, and labels of their positions.
std::string logits_file(const TemporaryFolder& here) {
  Tensor logits = make_tensor({"logits", Element::fp32, {2, 3, 4}});
  float x = -4;
  for (auto& word : words<uint32_t>(logits)) {
    word = bit_cast<uint32_t>(x / 3);
    x = x > 5 ? -7.0F : x + 1.5F;
  }
  Tensor labels = make_tensor({"labels", Element::i64, {2, 3}});
  uint64_t label = 0;
  for (auto& word : words<uint64_t>(labels)) word = label++ % 4;
  Tensor bad = labels;
  bad.info.name = "bad";
  words<uint64_t>(bad)[5] = ~uint64_t{0};
  const auto path = here.path() / "l.safetensors";
  write_safetensors(path, std::vector{logits, labels, bad});
  return path.string();
}

std::vector<double> numbers(const std::string& file, size_t position) {
  const Tensor logits = open_tensors(file, {}).read("logits");
  std::vector<double> x;
  for (size_t i = 4 * position; i < 4 * position + 4; ++i) {
    const auto bits = static_cast<uint32_t>(element_bits(logits, i));
    x.push_back(static_cast<double>(bit_cast<float>(bits)));
  }
  return x;
}

// The message of an error of kind usage.
template <class Action>
std::string usage_refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  FAIL_CHECK("not refused");
  return {};
}

}  // namespace

TEST_SUITE("sharpness run") {
  TEST_CASE("the mean over positions, for every eps, with the largest logit as target") {
    const TemporaryFolder here;
    const auto file = logits_file(here);
    const auto result = run_sharpness({.input = file + ":logits", .eps = {1e-3, 1e-2}});
    REQUIRE(result["rows"].size() == 2);
    for (const auto& row : result["rows"]) {
      double sum = 0;
      for (size_t i = 0; i < 6; ++i) {
        const auto x = numbers(file, i);
        sum += sharpness(x, largest_logit(x), row["eps"])->phi;
      }
      CHECK(row["count"] == 6);
      CHECK(row["phi"].get<double>() == doctest::Approx(sum / 6).epsilon(1e-12));
      CHECK(row["smallest"].get<double>() <= row["phi"].get<double>());
      CHECK(row["largest"].get<double>() >= row["phi"].get<double>());
    }
    CHECK(result["target"] == "largest logit");
  }

  TEST_CASE("labels of a file, one class for all, and the last position alone") {
    const TemporaryFolder here;
    const auto file = logits_file(here);
    const auto labelled = run_sharpness(
        {.input = file + ":logits", .positions = Positions::last, .labels = file + ":labels"});
    const double expected =
        (sharpness(numbers(file, 2), 2, 1e-3)->phi + sharpness(numbers(file, 5), 1, 1e-3)->phi) / 2;
    CHECK(labelled["rows"][0]["count"] == 2);
    CHECK(labelled["rows"][0]["phi"].get<double>() == doctest::Approx(expected).epsilon(1e-12));
    const auto third = run_sharpness({.input = file + ":logits", .target = 3});
    double sum = 0;
    for (size_t i = 0; i < 6; ++i) sum += sharpness(numbers(file, i), 3, 1e-3)->phi;
    CHECK(third["rows"][0]["phi"].get<double>() == doctest::Approx(sum / 6).epsilon(1e-12));
  }

  TEST_CASE("logits rounded to a format keep their target and get another sharpness") {
    const TemporaryFolder here;
    const auto file = logits_file(here);
    const auto result =
        run_sharpness({.input = file + ":logits", .rounded = {fp32, format_named("e8m1")}});
    REQUIRE(result["rows"].size() == 3);
    CHECK(result["rows"][1]["phi"] == result["rows"][0]["phi"]);
    CHECK(result["rows"][2]["phi"] != result["rows"][0]["phi"]);
    CHECK(result["rows"][2]["format"] == "e8m1");
  }

  TEST_CASE("what is wrong is said in one line") {
    const TemporaryFolder here;
    const auto file = logits_file(here);
    const auto refused = [&](SharpnessOptions options) {
      options.input = file + ":logits";
      return usage_refusal([&] { run_sharpness(options); });
    };
    const auto refused_input = [&](SharpnessOptions options) {
      if (options.input.empty()) options.input = file + ":logits";
      return refusal([&] { run_sharpness(options); });
    };
    CHECK(contains(refused({.eps = {0}}), "--eps 0"));
    CHECK(contains(refused({.target = 4}), "expected 0 to 3"));
    CHECK(contains(refused({.target = 1, .labels = file + ":labels"}), "one of them"));
    CHECK(contains(refused_input({.labels = file + ":logits"}), "expected 6 labels"));
    CHECK(contains(refused_input({.labels = file + ":bad"}), "is -1: expected 0 to 3"));
    CHECK(contains(refused_input({.input = file + ":labels"}), "floating-point"));
  }
}
