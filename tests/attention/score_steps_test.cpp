// The row `kernel` and its plain twin end in the same bits, whatever terms the scores have, and so
// does memory-efficient attention with a bias.
#include "ulpscope/attention/score_steps.hpp"

#include "ulpscope/attention/recipes/kernel.hpp"
#include "ulpscope/attention/recipes/memeff_torch.hpp"
#include "ulpscope/base/error.hpp"

#include <set>
#include <string>

#include "attention/gradient_problems.hpp"
#include "attention/naive_backward.hpp"
#include "attention/naive_kernels.hpp"
#include "attention/naive_textbook.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Bf16 = Soft<bf16>;

constexpr uint32_t register_of(double x) { return Soft<fp32>(x).bits(); }

// A problem with terms, and the numbers that these look into.
struct WithTerms {
  OwnedProblem owned;
  std::vector<uint32_t> slopes, bias;
};

enum class Hiding { no, some };

WithTerms with_terms(uint64_t seed, const Shape& shape, const std::set<ScoreTerm>& terms,
                     std::array<int64_t, 2> bias_sizes = {0, 0}, Hiding hiding = Hiding::no) {
  WithTerms x{random_problem(seed, shape), {}, {}};
  Problem& p = x.owned.problem;
  if (terms.contains(ScoreTerm::soft_cap)) p.terms.cap = register_of(1.7);
  if (terms.contains(ScoreTerm::alibi)) p.terms.slopes = x.slopes = {register_of(0.1)};
  if (!terms.contains(ScoreTerm::bias)) return x;
  Random random(seed + 1);
  const int64_t rows = bias_sizes[0] == 0 ? p.rows : bias_sizes[0];
  const int64_t keys = bias_sizes[1] == 0 ? p.keys : bias_sizes[1];
  for (int64_t n = 0; n < rows * keys; ++n) {
    const bool hidden = hiding == Hiding::some && (n / keys == 2 || random.below(3) == 0);
    x.bias.push_back(hidden ? minus_infinity32 : register_of(random.bell()));
  }
  p.terms.bias = {{1, 1, rows, keys}, x.bias};
  return x;
}

Plan plan_for(const Recipe& recipe, const WithTerms& x, std::vector<SiteOverride> overrides = {}) {
  return make_plan(recipe, chip_named("h200"), x.owned.problem, overrides);
}

struct Codes {
  std::vector<uint64_t> o;
  std::vector<uint32_t> lse, dq, dk, dv;
};

Codes run_kernel(const WithTerms& x, std::span<const uint16_t> dout,
                 const std::vector<SiteOverride>& overrides = {}) {
  const Plan plan = plan_for(kernel_of_binary32, x, overrides);
  const Outputs forward = run_one_head(plan);
  std::vector<uint32_t> o;
  for (const uint64_t code : forward.o) o.push_back(detail::widened(bf16, code));
  Gradients g = run_backward(make_backward_plan(plan, x.owned.problem),
                             {.dout = dout, .o = o, .lse = forward.lse}, {.logging = Logging::on});
  for (auto* tensor : {&g.dq, &g.dk, &g.dv}) {
    for (uint32_t& value : *tensor) value = static_cast<uint32_t>(code_of(bf16, value));
  }
  return {forward.o, forward.lse, g.dq, g.dk, g.dv};
}

template <class T, class U>
size_t differences(const std::vector<T>& a, const std::vector<U>& b) {
  REQUIRE(a.size() == b.size());
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

// Elements in which pass and twin differ, all outputs.
size_t twin_differences(const WithTerms& x, std::optional<Site> changed = std::nullopt) {
  const Problem& p = x.owned.problem;
  Random random(99);
  const auto dout = random_codes(random, bf16, p.rows * p.dim);
  std::vector<SiteOverride> overrides;
  if (changed) overrides.push_back({*changed, {bf16, nearest_even}});
  const Codes pass = run_kernel(x, dout, overrides);
  NaiveTextbook<Bf16> twin(p, changed);
  std::vector<NaiveTextbook<Bf16>::Row> rows;
  std::vector<uint32_t> o, lse;
  for (int64_t i = 0; i < p.rows; ++i) {
    rows.push_back(twin.row(i));
    o.insert(o.end(), rows.back().o.begin(), rows.back().o.end());
    lse.push_back(rows.back().lse.bits());
  }
  const auto gradients = twin.gradients(dout, rows);
  return differences(pass.o, o) + differences(pass.lse, lse) + differences(pass.dq, gradients.dq) +
         differences(pass.dk, gradients.dk) + differences(pass.dv, gradients.dv);
}

using enum ScoreTerm;

}  // namespace

TEST_CASE("the textbook's kernel computes what its formulas say, whatever the mask") {
  CHECK(twin_differences(with_terms(1, {.rows = 20, .keys = 300, .dim = 16}, {})) == 0);
  CHECK(twin_differences(
            with_terms(2, {.rows = 140, .keys = 130, .dim = 24, .mask = causal_mask}, {})) == 0);
  CHECK(twin_differences(with_terms(
            3, {.rows = 30, .keys = 200, .dim = 16, .mask = {.left = 9, .right = 2}}, {})) == 0);
}

TEST_CASE("every term of the score, alone and with the others, forward and backward") {
  const Shape shape{.rows = 18, .keys = 150, .dim = 16};
  CHECK(twin_differences(with_terms(4, shape, {soft_cap})) == 0);
  CHECK(twin_differences(with_terms(5, shape, {alibi})) == 0);
  CHECK(twin_differences(with_terms(6, shape, {bias})) == 0);
  CHECK(twin_differences(with_terms(7, shape, {soft_cap, alibi, bias})) == 0);
  const Shape window{.rows = 140, .keys = 140, .dim = 8, .mask = {.left = 130, .right = 3}};
  CHECK(twin_differences(with_terms(8, window, {soft_cap, alibi, bias})) == 0);
}

TEST_CASE("a bias is broadcast over rows, over keys and over both") {
  const Shape shape{.rows = 5, .keys = 40, .dim = 8, .mask = causal_mask};
  CHECK(twin_differences(with_terms(9, shape, {bias}, {1, 40})) == 0);
  CHECK(twin_differences(with_terms(10, shape, {bias}, {5, 1})) == 0);
  CHECK(twin_differences(with_terms(11, shape, {bias}, {1, 1})) == 0);
}

TEST_CASE("a bias of minus infinity hides pairs, and a row that it hides is empty") {
  const auto x =
      with_terms(12, {.rows = 6, .keys = 140, .dim = 8}, {soft_cap, bias}, {0, 0}, Hiding::some);
  CHECK(twin_differences(x) == 0);
  const Outputs outputs = run_one_head(plan_for(kernel_of_binary32, x));
  CHECK(outputs.lse[2] == 0x7F80'0000);
  CHECK(outputs.o[2 * 8] == 0);
  CHECK(outputs.lse[3] != 0x7F80'0000);
}

TEST_CASE("every step of the terms rounds at its own site") {
  const auto x = with_terms(13, {.rows = 6, .keys = 40, .dim = 8}, {soft_cap, alibi, bias});
  Random random(14);
  const auto dout = random_codes(random, bf16, 6 * 8);
  const Codes plain = run_kernel(x, dout);
  for (const Site site :
       {Site::cap_argument, Site::cap_tanh, Site::capped_score, Site::alibi_score,
        Site::biased_score, Site::bwd_cap_argument, Site::bwd_cap_tanh, Site::bwd_capped_score,
        Site::bwd_alibi_score, Site::bwd_biased_score, Site::cap_slope, Site::ds_cap}) {
    INFO(row_of(site).name);
    CHECK(twin_differences(x, site) == 0);
    const Codes changed = run_kernel(x, dout, {{site, {e5m2, nearest_even}}});
    const bool forward = index(site) < index(Site::delta);
    CHECK((forward ? differences(changed.o, plain.o) : differences(changed.dq, plain.dq)) > 0);
  }
}

TEST_CASE("logging changes no bit, and counts a rounding a score") {
  const auto x =
      with_terms(15, {.rows = 30, .keys = 200, .dim = 8, .mask = causal_mask}, {soft_cap, bias});
  const Plan plan = plan_for(kernel_of_binary32, x);
  TileLog log(plan.tile_rows, plan.problem.keys, plan.problem.dim);
  CHECK(run_one_head(plan, log) == run_one_head(plan));
  const auto result = run_forward(plan, {.threads = 2});
  const auto count = [&](Site site) { return result.sites[index(site)].moments.count; };
  const uint64_t pairs = 30 * 200 - 30 * 29 / 2;
  CHECK(count(Site::scores) == pairs);
  CHECK(count(Site::cap_tanh) == pairs);
  CHECK(count(Site::biased_score) == pairs);
  CHECK(count(Site::alibi_score) == 0);
}

TEST_CASE("memory-efficient attention adds a bias before the product with log2 e") {
  for (const auto& shape : {Shape{.rows = 70, .keys = 150, .dim = 32},
                            Shape{.rows = 90, .keys = 80, .dim = 40, .mask = causal_mask}}) {
    const auto x = with_terms(16, shape, {bias});
    const Plan plan = plan_for(memeff_torch, x);
    const Outputs outputs = run_one_head(plan);
    const NaiveMemeff twin(x.owned.problem);
    for (int64_t i = 0; i < shape.rows; ++i) {
      const NaiveOutput row = twin.row(i);
      CHECK(row.lse == outputs.lse[static_cast<size_t>(i)]);
      for (int64_t d = 0; d < shape.dim; ++d) {
        REQUIRE(row.o[static_cast<size_t>(d)] == outputs.o[static_cast<size_t>(i * shape.dim + d)]);
      }
    }
  }
}

TEST_CASE("and adds it again in the backward pass, before the LSE is taken off") {
  const auto x = with_terms(18, {.rows = 40, .keys = 70, .dim = 16}, {bias});
  const Problem& p = x.owned.problem;
  const Plan plan = plan_for(memeff_torch, x);
  const BackwardPlan backward = make_backward_plan(plan, p);
  const Outputs forward = run_one_head(plan);
  std::vector<uint32_t> o;
  for (const uint64_t code : forward.o) o.push_back(detail::widened(bf16, code));
  Random random(19);
  const auto dout = random_codes(random, bf16, p.rows * p.dim);
  const Gradients tiled =
      run_backward(backward, {.dout = dout, .o = o, .lse = forward.lse}, {.logging = Logging::off});
  NaiveBackward<Bf16, Bf16> twin(backward, Kernel::memeff, {});
  twin.sweep({.q = p.q, .k = p.k, .v = p.v, .dout = dout, .o = o, .lse = forward.lse});
  twin.finish();
  const auto bits = [](const Registers& values) {
    std::vector<uint32_t> result;
    for (const Register value : values) result.push_back(value.bits());
    return result;
  };
  CHECK(differences(tiled.dq, bits(twin.dq)) == 0);
  CHECK(differences(tiled.dk, bits(twin.dk)) == 0);
  CHECK(differences(tiled.dv, bits(twin.dv)) == 0);
}

TEST_CASE("kernels without a term refuse it and name those that take it") {
  const Shape shape{.rows = 4, .keys = 9, .dim = 32};
  const auto refusal = [&](const Recipe& recipe, ScoreTerm term) -> std::string {
    try {
      plan_for(recipe, with_terms(17, shape, {term}));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      return error.what();
    }
    return "taken";
  };
  CHECK(
      refusal(fa2_torch, soft_cap) ==
      "kernel fa2-torch takes no --softcap here; expected one of paper-pv, paper-o, kernel, exact");
  CHECK(refusal(memeff_torch, alibi) ==
        "kernel memeff-torch takes no --alibi here; expected one of paper-pv, paper-o, kernel, "
        "exact");
  CHECK(refusal(fa2_torch, bias) ==
        "kernel fa2-torch takes no attention bias here; expected one of memeff-torch, paper-pv, "
        "paper-o, kernel, exact");
  CHECK(refusal(memeff_torch, bias) == "taken");
}
