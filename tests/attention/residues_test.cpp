// The statistics of a run, site by site, against exact fractions: fused sums are judged by Boost's
// rationals, roundings by the residues that Soft's operations return.
#include <string>

#include "attention/gradient_problems.hpp"
#include "attention/naive_backward.hpp"
#include "attention/problems.hpp"
#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Rational = boost::multiprecision::cpp_rational;
using Integer = boost::multiprecision::cpp_int;

Rational power_of_two(int n) {
  const Integer power = Integer(1) << (n < 0 ? -n : n);
  return n < 0 ? Rational(Integer(1), power) : Rational(power);
}

// The value of a finite code, from its fields.
Rational value(const Format& f, uint64_t code) {
  const auto field =
      static_cast<int>((code >> f.trailing_bits) & low_mask<uint64_t>(f.exponent_bits));
  const uint64_t trailing = code & trailing_mask(f);
  const uint64_t significand = trailing + (field > 0 ? uint64_t{1} << f.trailing_bits : 0);
  const Rational magnitude =
      Rational(significand) * power_of_two(std::max(field, 1) - f.bias - f.trailing_bits);
  return is_negative(f, code) ? Rational(-magnitude) : magnitude;
}

// floor(log2 |x|), x != 0.
int binade(const Rational& x) {
  const Rational magnitude = abs(x);
  int n =
      static_cast<int>(msb(numerator(magnitude))) - static_cast<int>(msb(denominator(magnitude)));
  while (power_of_two(n) > magnitude) --n;
  while (power_of_two(n + 1) <= magnitude) ++n;
  return n;
}

// Result minus exact value in 2^-32 ulp, the ulp that of the larger of the two.
int64_t judge(const Format& f, const Rational& result, const Rational& exact) {
  int top = emin(f);
  if (exact != 0) top = std::max(top, binade(exact));
  if (result != 0) top = std::max(top, binade(result));
  const Rational units = (result - exact) * power_of_two(32 + f.trailing_bits - top);
  return static_cast<int64_t>(numerator(units) / denominator(units));  // toward zero
}

struct Expected {
  uint64_t count = 0, larger = 0, smaller = 0, largest = 0;
  int128 sum = 0;
  uint128 sum_squares = 0;
};

std::array<Expected, site_count> judge_all(const std::vector<FusedCall>& calls, const Plan& plan) {
  std::array<Expected, site_count> sites;
  for (const FusedCall& call : calls) {
    Rational exact = value(fp32, call.c);
    for (size_t k = 0; k < call.a.size(); ++k) {
      exact += value(call.a_format, call.a[k]) * value(plan.problem.format, call.b[k]);
    }
    const int64_t residue = judge(plan.map[call.site].format, value(fp32, call.stored), exact);
    Expected& site = sites[index(call.site)];
    const auto magnitude = static_cast<uint64_t>(std::abs(residue));
    ++site.count;
    site.larger += residue > 0;
    site.smaller += residue < 0;
    site.largest = std::max(site.largest, magnitude);
    site.sum += residue;
    const uint64_t capped = std::min(magnitude, uint64_t{1} << 47);
    site.sum_squares += uint128{capped} * capped;
  }
  return sites;
}

bool is_hardware(Site site) {
  using enum Site;
  for (const Site s : {scores, probability, rescale_factor, output_accumulate, log2_row_sum,
                       combine_exponential, combine_log}) {
    if (s == site) return true;
  }
  return false;
}

void fused_sums_agree(const Moments& m, const Expected& e) {
  CHECK(m.count == e.count);
  CHECK(m.skipped == 0);
  CHECK(m.larger == e.larger);
  CHECK(m.smaller == e.smaller);
  CHECK(m.ties + m.near_ties_above + m.near_ties_below == 0);  // not one rounding
  CHECK(m.largest == e.largest);
  CHECK((m.sum == e.sum));
  CHECK((m.sum_squares == e.sum_squares));
}

template <class Changed>
void statistics_are_exact(const OwnedProblem& owned, std::optional<Site> changed = {}) {
  std::vector<SiteOverride> overrides;
  if (changed) overrides.push_back({*changed, {Changed::format, Changed::rounding}});
  const Plan plan = plan_of(owned, overrides);
  const SiteStatistics sites = run_forward(plan, {}).sites;

  NaivePass<Soft<bf16>, Changed> naive(plan, changed);
  std::vector<FusedCall> calls;
  naive.calls = &calls;
  for (int64_t i = 0; i < plan.problem.rows; ++i) naive.row(i);

  const auto expected = judge_all(calls, plan);
  for (const Site site : {Site::scores, Site::output_accumulate}) {
    CAPTURE(std::string(row_of(site).name));
    fused_sums_agree(sites[index(site)].moments, expected[index(site)]);
  }
  for (const SiteRow& row : forward_sites()) {
    if (is_hardware(row.site)) continue;
    CAPTURE(std::string(row.name));
    const Moments& m = sites[index(row.site)].moments;
    CHECK(m.count - m.skipped == naive.totals[index(row.site)].count);
    CHECK((m.sum == naive.totals[index(row.site)].sum));
  }
}

// Of the backward pass: two tiles of rows and of keys, and no column of delta beyond the head size.
template <class Changed>
void gradient_statistics_are_exact(Kernel kernel, const BackwardRules& kernel_rules,
                                   const std::vector<Site>& changed = {}) {
  const BackwardRules rules = in_small_tiles(kernel_rules);
  const Recipe recipe = recipe_with(rules, Alignment::top_left);
  const Shape shape{.rows = 34, .keys = 18, .dim = 32, .mask = causal_mask, .launch_heads = 60};
  const auto g = random_gradients(20, shape, Alignment::top_left);
  const Problem& p = g.owned.problem;
  std::vector<SiteOverride> overrides;
  for (const Site site : changed) {
    overrides.push_back({site, {Changed::format, Changed::rounding}});
  }
  const Plan plan = make_plan(recipe, chip_named("h200"), p, overrides);
  const BackwardPlan backward = make_backward_plan(plan, p);
  const SiteStatistics sites = run_backward(backward, g.inputs(), {}).sites;

  NaiveBackward<Soft<bf16>, Changed> twin(backward, kernel, changed);
  std::vector<FusedCall> calls;
  twin.calls = &calls;
  twin.sweep({.q = p.q, .k = p.k, .v = p.v, .dout = g.dout, .o = g.o, .lse = g.lse});
  twin.finish();

  using enum Site;
  const auto expected = judge_all(calls, plan);
  const std::array fused{bwd_scores, dp, dv_accumulate, dk_accumulate, dq_accumulate};
  for (const SiteRow& row : backward_sites()) {
    CAPTURE(std::string(row.name));
    const Moments& m = sites[index(row.site)].moments;
    if (std::find(fused.begin(), fused.end(), row.site) != fused.end()) {
      CHECK(m.count > 0);
      fused_sums_agree(m, expected[index(row.site)]);
    } else if (row.site != bwd_probability) {  // an instruction's, judged by 2^x itself
      CHECK(m.count - m.skipped == twin.totals[index(row.site)].count);
      CHECK((m.sum == twin.totals[index(row.site)].sum));
    }
  }
}

constexpr Shape small{.rows = 4, .keys = 80, .dim = 72};  // tiles of 64 keys

}  // namespace

TEST_CASE("residues of fused sums and roundings are those of exact fractions") {
  statistics_are_exact<Register>(random_problem(1, small));
}

TEST_CASE("residues stay exact where exponents are spread beyond 128 bits") {
  statistics_are_exact<Register>(random_problem(2, small, bf16, 1.0, 20));
  statistics_are_exact<Register>(random_problem(3, small, bf16, 1.0, 45));
}

TEST_CASE("residues of a changed site are taken against the same exact value") {
  statistics_are_exact<Soft<bf16>>(random_problem(4, small), Site::scores);
  statistics_are_exact<Soft<bf16, toward_zero>>(random_problem(5, small), Site::output_accumulate);
  statistics_are_exact<Soft<ieee_like(5, 7)>>(random_problem(6, small), Site::row_sum);
}

TEST_CASE("probabilities of more bits than a lane holds are judged in full") {
  statistics_are_exact<Register>(random_problem(7, small), Site::probability_cast);
  statistics_are_exact<Soft<ieee_like(8, 15)>>(random_problem(8, small), Site::probability_cast);
}

TEST_CASE("an infinite operand is skipped, not taken for an overflow") {
  OwnedProblem owned = random_problem(10, small);
  owned.q[0] = 0x7F80;
  const Moments m = run_forward(plan_of(owned), {}).sites[index(Site::scores)].moments;
  CHECK(m.skipped == 80);
  CHECK(m.overflow == 0);
}

TEST_CASE("scores that leave a saturating format are overflows, not errors") {
  OwnedProblem owned = random_problem(11, small);
  for (int64_t k = 0; k < small.dim; ++k) {
    owned.q[static_cast<size_t>(k)] = owned.k[static_cast<size_t>(k)] = code16(bf16, 4.0);
  }
  const Plan plan = plan_of(owned, {{Site::scores, {e4m3fn, saturating(nearest_even)}}});
  const Moments m = run_forward(plan, {}).sites[index(Site::scores)].moments;
  CHECK(m.overflow >= 1);
  CHECK(m.skipped == m.overflow);
}

TEST_CASE("residues of the backward pass are those of exact fractions, kernel by kernel") {
  gradient_statistics_are_exact<Register>(Kernel::fa2, fa2_backward);
  gradient_statistics_are_exact<Register>(Kernel::memeff, memeff_backward);
  gradient_statistics_are_exact<Register>(Kernel::cudnn, cudnn_backward);
  gradient_statistics_are_exact<Register>(Kernel::flex, flex_backward);
}

TEST_CASE("residues of a changed site of the backward pass: the same exact values") {
  gradient_statistics_are_exact<Soft<bf16, toward_zero>>(Kernel::fa2, fa2_backward,
                                                         {Site::dk_accumulate});
  gradient_statistics_are_exact<Soft<bf16, toward_zero>>(Kernel::cudnn, cudnn_backward, {Site::dp});
}
