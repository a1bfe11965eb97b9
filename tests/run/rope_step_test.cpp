#include "ulpscope/run/rope_step.hpp"

#include "ulpscope/analysis/rope.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/tensor/open.hpp"

#include <cmath>

#include "made_inputs.hpp"
#include "tensor/files.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::vector<double> numbers(const Operand16& x) {
  std::vector<double> list;
  for (const uint16_t code : x.codes) list.push_back(double_value(x.format, uint64_t{code}));
  return list;
}

ProblemOptions unrotated(const std::string& file) {
  ProblemOptions options;
  options.inputs.input = file;
  return options;
}

ProblemOptions rotated(const std::string& file, RopeStep step) {
  ProblemOptions options = unrotated(file);
  options.rope = std::move(step);
  return options;
}

// Q and K in binary32, of which few are numbers of bf16.
std::string wide_file(const TemporaryFolder& here) {
  std::vector<Tensor> tensors;
  for (const char* role : {"q", "k", "v"}) {
    Tensor tensor = make_tensor({role, Element::fp32, {2, 6, 8}});
    float x = role[0] == 'q' ? 0.7F : 1.3F;
    for (auto& word : words<uint32_t>(tensor)) {
      word = bit_cast<uint32_t>(x);
      x = -0.83F * x + 0.3F;
    }
    tensors.push_back(std::move(tensor));
  }
  const auto path = here.path() / "wide.safetensors";
  write_safetensors(path, tensors);
  return path.string();
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

TEST_SUITE("rope step") {
  TEST_CASE("every row is rotated to its place, in every head and layout, by every recipe") {
    const TemporaryFolder here;
    for (const Layout layout : {Layout::bhsd, Layout::bshd, Layout::sbhd}) {
      const auto file = made_file(here, layout_name(layout) + ".safetensors",
                                  {.batch = 2, .rows = 5, .keys = 7, .dim = 8, .layout = layout});
      const ProblemOperands plain = load_operands(unrotated(file));
      for (const auto& recipe : rope_recipes) {
        const RopeStep step{.recipe = std::string(recipe.name), .base = 500, .row = 11, .key = 9};
        const ProblemOperands turned = load_operands(rotated(file, step));
        const Rope rope(recipe, 8, 500);
        std::vector<double> row(8);
        const auto check = [&](const Operand16& before, const Operand16& after, int64_t first) {
          const auto x = numbers(before);
          const auto y = numbers(after);
          const auto rows = static_cast<size_t>(before.sizes[2]);
          for (size_t i = 0; i < x.size() / 8; ++i) {
            rope.rotate(std::span(x).subspan(8 * i, 8), first + static_cast<int64_t>(i % rows),
                        row);
            for (size_t d = 0; d < 8; ++d) {
              // The one rounding of fp32 into the dump's format: nothing where it is bf16 already.
              const auto bits =
                  round_pack(bf16, decode<uint128>(fp64, bit_cast<uint64_t>(row[d])), nearest_even);
              CHECK(y[8 * i + d] == double_value(bf16, static_cast<uint64_t>(bits.bits)));
            }
          }
        };
        check(plain.q, turned.q, 11);
        check(plain.k, turned.k, 9);
        CHECK(turned.v.codes == plain.v.codes);
        CHECK(turned.q.hash == plain.q.hash);
      }
    }
  }

  TEST_CASE("a part of a problem is rotated as the whole") {
    const TemporaryFolder here;
    const auto file = made_file(here, "x.safetensors", {.rows = 6, .keys = 6, .dim = 8});
    const auto options = rotated(file, {.recipe = "hf-bf16", .row = 3});
    const ProblemOperands whole = load_operands(options);
    const ProblemOperands part = ProblemInputs(options).read({.batch = 0, .first = 1, .end = 2});
    CHECK(part.q.codes ==
          std::vector<uint16_t>(whole.q.codes.begin() + 2 * 48, whole.q.codes.end()));
    CHECK(part.k.codes == std::vector<uint16_t>(whole.k.codes.begin() + 48, whole.k.codes.end()));
  }

  TEST_CASE("on bf16 numbers fp32 is cast; on wider ones it rounds once and errs less") {
    const TemporaryFolder here;
    const auto narrow = made_file(here, "x.safetensors", {.rows = 9, .keys = 9, .dim = 8});
    CHECK(load_operands(rotated(narrow, {.recipe = "fp32"})).q.codes ==
          load_operands(rotated(narrow, {.recipe = "cast"})).q.codes);
    const auto wide = wide_file(here);
    const Tensor exact = open_tensors(wide, {}).read("q");
    const auto error_of = [&](const char* recipe) {
      auto options = rotated(wide, {.recipe = recipe, .row = 100});
      options.inputs.format = bf16;
      options.inputs.cast = nearest_even;
      const auto q = numbers(load_operands(options).q);
      const Rope rope(rope_recipe_named("fp32"), 8);
      std::vector<double> x(8), row(8);
      double sum = 0;
      for (size_t i = 0; i < 12; ++i) {
        for (size_t d = 0; d < 8; ++d) {
          x[d] = static_cast<double>(
              bit_cast<float>(static_cast<uint32_t>(element_bits(exact, 8 * i + d))));
        }
        rope.rotate(x, 100 + static_cast<int64_t>(i % 6), row);
        for (size_t d = 0; d < 8; ++d) sum += std::abs(q[8 * i + d] - row[d]);
      }
      return sum;
    };
    CHECK(error_of("fp32") < error_of("cast"));
    CHECK(error_of("cast") < error_of("hf-bf16"));
  }

  TEST_CASE("position 0 changes nothing, and a distance is what scores depend on") {
    const TemporaryFolder here;
    const auto file = made_file(here, "x.safetensors", {.rows = 1, .keys = 1, .dim = 8});
    const ProblemOperands plain = load_operands(unrotated(file));
    for (const char* recipe : {"fp32", "cast", "hf-bf16"}) {
      CHECK(load_operands(rotated(file, {.recipe = recipe})).q.codes == plain.q.codes);
      CHECK(load_operands(rotated(file, {.recipe = recipe, .row = 1})).q.codes != plain.q.codes);
    }
  }

  TEST_CASE("a run says how its dump was rotated, and is another run than without") {
    const TemporaryFolder here;
    const auto file = made_file(here, "x.safetensors", {.rows = 24, .keys = 24, .gradients = true});
    const auto run = [&](std::optional<RopeStep> step) {
      auto options = options_for(file, {});
      options.rope = std::move(step);
      return *run_attention(options);
    };
    const auto plain = run({});
    const auto cast = run(RopeStep{.recipe = "cast"});
    const auto later = run(RopeStep{.recipe = "cast", .row = 1});
    CHECK(cast["inputs"][0]["note"] == "rotated by RoPE cast, base 10000, from position 0");
    CHECK(contains(cast["notes"].back().get<std::string>(), "rotated by RoPE before the kernel"));
    CHECK_FALSE(cast["inputs"][2].contains("note"));
    CHECK(plain["fingerprint"] != cast["fingerprint"]);
    CHECK(later["fingerprint"] != cast["fingerprint"]);
    CHECK(cast["outputs"].size() == plain["outputs"].size());
  }

  TEST_CASE("a run is not resumed with another rope") {
    const TemporaryFolder here;
    const auto file = made_file(here, "x.safetensors", {.rows = 24, .keys = 24});
    auto options = options_for(file, here.path() / "shard");
    options.rope = RopeStep{.recipe = "cast"};
    CHECK(run_attention_shard(options, {.number = 1, .count = 2})->computed == 1);
    options.earlier = Earlier::resumed;
    options.rope->recipe = "hf-bf16";
    const auto refused =
        usage_refusal([&] { run_attention_shard(options, {.number = 1, .count = 2}); });
    CAPTURE(refused);
    CHECK(contains(refused, "rotated by RoPE cast"));
    CHECK(contains(refused, "hf-bf16"));
  }

  TEST_CASE("what makes no sense is refused in one line") {
    const TemporaryFolder here;
    const auto file = made_file(here, "x.safetensors", {.rows = 5, .keys = 7, .dim = 8});
    const auto refused = [&](RopeStep step) {
      return usage_refusal([&] { load_operands(rotated(file, std::move(step))); });
    };
    CHECK(contains(refused({.recipe = "fp64"}), "fp32, cast, hf-bf16"));
    CHECK(contains(refused({.recipe = "cast"}), "5 queries and 7 keys"));
    CHECK(contains(refused({.recipe = "cast", .row = -1, .key = 0}), "--rope-shift -1"));
    CHECK(contains(refused({.recipe = "cast", .row = 0, .key = 1 << 20}), "k has 7 rows"));
    CHECK(contains(refused({.recipe = "cast", .base = 1, .key = 0}), "above 1"));
    auto options = rotated(wide_file(here), {.recipe = "cast"});
    options.inputs.format = fp16;
    options.inputs.cast = nearest_even;
    CHECK(contains(usage_refusal([&] { load_operands(options); }), "expected --rope fp32"));
    options.rope->recipe = "fp32";
    CHECK(load_operands(options).q.format == fp16);
  }
}
