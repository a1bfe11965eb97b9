#include "ulpscope/trace/tie_bias.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <cmath>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

double mean(const Format& f, int terms, Residue residue, Rounding r = nearest_even) {
  return tie_bias(f, terms, residue, r).mean_ulp;
}

// All ordered pairs of significands, added and rounded one by one.
double mean_of_pairs(const Format& f) {
  const uint64_t first = uint64_t{1} << f.trailing_bits;
  double sum = 0;
  for (uint64_t a = first; a < 2 * first; ++a) {
    for (uint64_t b = first; b < 2 * first; ++b) {
      const Exact<uint64_t> exact{
          .significand = a + b, .exponent = -f.trailing_bits, .kind = Kind::finite, .sticky = true};
      // One more place below, so that the sticky bit has a place to lie in.
      Exact<uint64_t> x = exact;
      x.significand <<= 20;
      x.exponent -= 20;
      sum += static_cast<double>(round_pack(f, x, nearest_even).residue) / 0x1p32;
    }
  }
  return sum / (static_cast<double>(first) * static_cast<double>(first));
}

}  // namespace

TEST_CASE("two terms and a residue of their sign give a quarter of an ulp, at every width") {
  for (const Format& f : {e5m2, e4m3fn, bf16, fp16, tf32}) {
    CHECK(mean(f, 2, Residue::same_sign) == doctest::Approx(0.25).epsilon(1e-9));
    CHECK(mean(f, 2, Residue::opposite_sign) == doctest::Approx(-0.25).epsilon(1e-9));
    CHECK(std::abs(mean(f, 2, Residue::none)) < 1e-12);
  }
}

TEST_CASE("the mean is that of all pairs, one by one") {
  // Each residue is cut by less than one of its 2^-32 units.
  for (const Format& f : {e5m2, e4m3fn, bf16}) {
    CHECK(std::abs(mean(f, 2, Residue::same_sign) - mean_of_pairs(f)) < 0x1p-31);
  }
}

TEST_CASE("the published means of three, four and eight terms are met") {
  // Sampled with E5M2, E4M3, BF16, FP16 and TF32 outputs: 0.145 to 0.153 for three terms whose law
  // is this one, 0.124 to 0.125 for four, 0.062 to 0.067 for eight.
  CHECK(mean(bf16, 3, Residue::same_sign) > 0.140);
  CHECK(mean(bf16, 3, Residue::same_sign) < 0.155);
  CHECK(mean(bf16, 4, Residue::same_sign) == doctest::Approx(0.125).epsilon(0.01));
  CHECK(mean(bf16, 8, Residue::same_sign) == doctest::Approx(0.0625).epsilon(0.01));
}

TEST_CASE("the closed form is the mean wherever the residue decides ties alone") {
  for (const int terms : {2, 3, 4, 8}) {
    const auto bias = tie_bias(fp16, terms, Residue::same_sign, nearest_even);
    CHECK(bias.mean_ulp == doctest::Approx(bias.closed_form).epsilon(0.01));
  }
}

TEST_CASE("one term never needs rounding up; truncation loses whatever is below") {
  CHECK(std::abs(mean(bf16, 1, Residue::same_sign)) < 1e-9);
  CHECK(mean(bf16, 2, Residue::same_sign, toward_zero) == doctest::Approx(-0.25).epsilon(1e-9));
}

TEST_CASE("sums beyond the format and counts beyond the limit are refused") {
  CHECK_THROWS_AS(tie_bias(e2m1fn, 8, Residue::none, nearest_even), Error);
  CHECK_THROWS_AS(tie_bias(fp32, 2, Residue::none, nearest_even), Error);
  CHECK_THROWS_AS(tie_bias(bf16, 18, Residue::none, nearest_even), Error);
  CHECK_THROWS_AS(tie_bias(bf16, 0, Residue::none, nearest_even), Error);
}
