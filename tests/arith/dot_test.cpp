// The sum before rounding against exact fractions, on long and short vectors of many formats; then
// the rules for zeros, infinities and NaN, and agreement with add where there are two terms.
#include "ulpscope/arith/dot.hpp"

#include "ulpscope/round/names.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include "arith/plain_model.hpp"
#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using boost::multiprecision::cpp_int;
using boost::multiprecision::cpp_rational;

cpp_rational power_of_two(int n) {
  const cpp_int power = cpp_int(1) << (n < 0 ? -n : n);
  return n < 0 ? cpp_rational(cpp_int(1), power) : cpp_rational(power);
}

// The value of a finite code, from its fields.
cpp_rational fraction(const Format& f, uint64_t code) {
  const uint64_t field = (code & exponent_mask(f)) >> f.trailing_bits;
  const bool normal = field != 0 || f.zero == Zero::none;
  cpp_int significand = code & trailing_mask(f);
  if (normal) significand += cpp_int(1) << f.trailing_bits;
  if (!normal && f.subnormals == Subnormals::absent) significand = 0;
  const int exponent = (normal ? static_cast<int>(field) : 1) - f.bias - f.trailing_bits;
  const cpp_rational magnitude = cpp_rational(significand) * power_of_two(exponent);
  return is_negative(f, code) ? cpp_rational(-magnitude) : magnitude;
}

// Whether x is what the header promises of a sum: its leading bits, and sticky if there are more.
bool is_sum(const Exact<uint128>& x, const cpp_rational& exact) {
  if (exact == 0) return x.kind == Kind::zero;
  if (x.kind != Kind::finite || x.negative != (exact < 0)) return false;
  cpp_int significand = static_cast<uint64_t>(x.significand >> 64);
  significand = (significand << 64) + static_cast<uint64_t>(x.significand);
  const cpp_rational size = exact < 0 ? cpp_rational(-exact) : exact;
  const cpp_rational unit = power_of_two(x.exponent);
  const cpp_rational low = cpp_rational(significand) * unit;
  if (!x.sticky) return low == size;
  return low < size && size < low + unit && bit_width(x.significand) == 126;
}

class Codes {
 public:
  explicit Codes(uint64_t seed) : random_(seed) {}
  uint64_t finite(const Format& f) {
    for (;;) {
      const uint64_t code = random_() & low_mask<uint64_t>(width(f));
      if (is_finite(f, code)) return code;
    }
  }
  std::vector<uint64_t> vector(const Format& f, uint64_t count) {
    std::vector<uint64_t> codes(count);
    for (uint64_t& code : codes) code = finite(f);
    return codes;
  }
  uint64_t below(uint64_t n) { return random_() % n; }

 private:
  std::mt19937_64 random_;
};

int sum_mismatches(const Format& f, const Format& g, int count, uint64_t longest, uint64_t seed) {
  Codes codes(seed);
  int mismatches = 0;
  for (int i = 0; i < count; ++i) {
    const uint64_t terms = codes.below(longest + 1);
    auto x = codes.vector(f, terms);
    auto y = codes.vector(g, terms);
    if (terms > 2 && i % 3 == 0) {  // cancels but for what lies between
      x.back() = negated_bits(f, x.front());
      y.back() = y.front();
    }
    cpp_rational product_sum = 0;
    cpp_rational plain_sum = 0;
    for (uint64_t k = 0; k < terms; ++k) {
      product_sum += fraction(f, x[k]) * fraction(g, y[k]);
      plain_sum += fraction(f, x[k]);
    }
    const auto product = dot(f, x.data(), g, y.data(), terms, nearest_even);
    const bool good =
        is_sum(product, product_sum) && is_sum(sum(f, x.data(), terms, nearest_even), plain_sum);
    mismatches += good ? 0 : 1;
  }
  return mismatches;
}

using H = Soft<fp16>;
constexpr uint64_t infinity = 0x7C00;
constexpr uint64_t quiet_nan = 0x7E00;

H half(uint64_t bits) { return H::from_bits(bits); }

}  // namespace

TEST_CASE("sums and dot products of small formats are the exact fractions") {
  for (const auto& [name, f] : plain::small_formats()) {
    CHECK_MESSAGE(sum_mismatches(f, f, 60, 20, 1) == 0, name);
    CHECK_MESSAGE(sum_mismatches(f, fp16, 20, 10, 2) == 0, name);
  }
}

TEST_CASE("sums and dot products of 16 to 64 bits are the exact fractions") {
  CHECK(sum_mismatches(fp16, fp16, 100, 30, 3) == 0);
  CHECK(sum_mismatches(bf16, bf16, 100, 30, 4) == 0);
  CHECK(sum_mismatches(fp32, fp32, 100, 30, 5) == 0);
  CHECK(sum_mismatches(fp64, fp64, 60, 20, 6) == 0);
  CHECK(sum_mismatches(fp64, e8m0fnu, 40, 20, 7) == 0);
  CHECK(sum_mismatches(ieee_like(13, 40), bf16, 5, 5, 8) == 0);
}

TEST_CASE("the widest significands and exponents fit") {
  constexpr Format widest = ieee_like(16, 63);
  const auto largest = largest_finite_bits<uint128>(widest);
  const auto minus = sign_mask<uint128>(widest);
  const uint128 x[] = {largest, 1, largest, largest};
  const uint128 y[] = {largest, 1, largest, largest};
  const uint128 z[] = {minus | largest, 1, largest, largest};
  const auto four = dot(widest, x, widest, y, 4, nearest_even);
  CHECK(exponent_of(four) == 2 * 32768 + 1);  // 3 x just below 2^65536
  CHECK(four.sticky);
  const auto two = dot(widest, x, widest, z, 3, nearest_even);
  CHECK(exponent_of(two) == 2 * smallest_positive_exponent(widest));
  CHECK_FALSE(two.sticky);
}

TEST_CASE("a sum of two and a dot product of one are what add and multiply give, in every mode") {
  for (const Format& f : {e4m3fn, e5m2, e4m3fnuz, e2m3fn}) {
    int mismatches = 0;
    for (const auto& row : mode_names) {
      const Rounding r{row.mode};
      for (uint64_t x = 0; x < plain::count(f); ++x) {
        for (uint64_t y = 0; y < plain::count(f); ++y) {
          const uint64_t pair[] = {x, y};
          const auto a = decode<uint64_t>(f, x);
          const auto b = decode<uint64_t>(f, y);
          const Rounded two = round_pack(f, sum(f, pair, 2, r), r);
          const Rounded one = round_pack(f, dot(f, &x, f, &y, 1, r), r);
          const Rounded added = round_pack(f, add(a, b, r.mode), r);
          const Rounded multiplied = round_pack(f, multiply(a, b), r);
          const bool good = two.bits == added.bits && two.residue == added.residue &&
                            two.flags == added.flags && one.bits == multiplied.bits &&
                            one.residue == multiplied.residue && one.flags == multiplied.flags;
          mismatches += good ? 0 : 1;
        }
      }
    }
    CHECK(mismatches == 0);
  }
}

TEST_CASE("a sum rounds once, however its terms cancel and in whichever order they come") {
  using S = Soft<fp32>;
  std::vector<S> x{S(1e30), S(1.0), S(-1e30), S(0x1p-24), S(1e-40)};
  const std::vector<S> ones(x.size(), S(1.0));
  do {
    const auto r = dot_to<S>(x.data(), ones.data(), x.size());
    CHECK(r.value == S(1.0 + 0x1p-23));  // a tie but for the 1e-40
    CHECK(has(r.flags, Flag::away));
    CHECK(has(r.flags, Flag::broken_tie));
    CHECK(sum_to<S>(x.data(), x.size()).residue == r.residue);
  } while (std::next_permutation(x.begin(), x.end()));
}

TEST_CASE("intermediate sums beyond the range do not overflow") {
  const H x[] = {H(60000), H(60000), H(-60000), H(-40000)};
  CHECK(sum_to<H>(x, 4).value == H(20000));
  CHECK(has(sum_to<H>(x, 2).flags, Flag::overflow));
}

TEST_CASE("many terms of one sign carry into bits that no single one has") {
  const std::vector<H> x(100'000, half(0x7BFF));
  const auto r = dot_to<Soft<fp64>>(x.data(), x.data(), x.size());
  CHECK(static_cast<double>(r.value) == 65504.0 * 65504.0 * 100'000.0);
  CHECK(r.residue == 0);
  CHECK(has(r.flags, Flag::carry_out));
}

TEST_CASE("a carry is told by the largest term") {
  const H x[] = {H(1.5), H(0.25), H(-0.5)};
  CHECK_FALSE(has(sum_to<H>(x, 1).flags, Flag::carry_out));
  CHECK_FALSE(has(sum_to<H>(x, 2).flags, Flag::carry_out));
  const H y[] = {H(1.5), H(0.25), H(0.25)};
  CHECK(has(sum_to<H>(y, 3).flags, Flag::carry_out));
}

TEST_CASE("zeros of one sign keep it; other zero sums are -0 rounding down and +0 otherwise") {
  const H plus = half(0);
  const H minus = half(0x8000);
  const H one(1);
  struct Case {
    std::vector<H> terms;
    bool negative;
    bool negative_down;
  };
  const Case cases[] = {{{}, false, false},
                        {{plus, plus}, false, false},
                        {{minus, minus}, true, true},
                        {{minus, plus}, false, true},
                        {{one, -one}, false, true},
                        {{one, -one, plus}, false, true},
                        {{minus, one, -one}, false, true}};
  for (const auto& row : mode_names) {
    for (const Case& c : cases) {
      std::vector<uint64_t> codes;
      for (const H term : c.terms) codes.push_back(term.bits());
      const auto x = sum(fp16, codes.data(), codes.size(), Rounding{row.mode});
      CHECK(x.kind == Kind::zero);
      CHECK(x.negative == (row.mode == Mode::down ? c.negative_down : c.negative));
    }
  }
  CHECK(dot_to<H>(&minus, &one, 1).value.bits() == 0x8000);
}

TEST_CASE("infinities of one sign win, of both signs are invalid") {
  const H x[] = {H(1), half(infinity), H(-65504)};
  CHECK(sum_to<H>(x, 3).value.bits() == infinity);
  CHECK_FALSE(has(sum_to<H>(x, 3).flags, Flag::overflow | Flag::invalid));
  const H y[] = {H(1), half(infinity), -half(infinity)};
  CHECK(sum_to<H>(y, 3).value.bits() == quiet_nan);
  CHECK(has(sum_to<H>(y, 3).flags, Flag::invalid));
  CHECK(sum_to<H>(y, 2).value.bits() == infinity);
  CHECK(sum_to<H>(y + 2, 1).value.bits() == (0x8000 | infinity));
}

TEST_CASE("infinity times zero is invalid whatever else there is") {
  const H x[] = {half(quiet_nan), half(infinity)};
  const H y[] = {H(1), H(0)};
  CHECK(has(dot_to<H>(x, y, 2).flags, Flag::invalid));
  CHECK_FALSE(has(dot_to<H>(x, y, 1).flags, Flag::invalid));
}

TEST_CASE("a NaN is quiet about infinities of both signs, and the first one is handed on") {
  using Propagating = Soft<fp16, Rounding{.policy = {.nan = NanRule::propagate}}>;
  const Propagating x[] = {Propagating::from_bits(infinity),
                           Propagating::from_bits(0x8000 | infinity),
                           Propagating::from_bits(0xFE05), Propagating::from_bits(0x7E06)};
  const auto r = sum_to<Propagating>(x, 4);
  CHECK(r.value.bits() == 0xFE05);
  CHECK_FALSE(has(r.flags, Flag::invalid));
  const H signalling[] = {H(1), half(0x7C01)};
  CHECK(sum_to<H>(signalling, 2).value.bits() == quiet_nan);
  CHECK(has(sum_to<H>(signalling, 2).flags, Flag::invalid));
}

TEST_CASE("the destination's policy flushes operands before they are multiplied") {
  using Flushing = Soft<fp32, Rounding{.policy = {.flush = Flush::inputs}}>;
  const H tiny = half(1);
  const H one(1);
  CHECK(dot_to<Flushing>(&tiny, &one, 1).value == Flushing(0.0));
  CHECK(static_cast<double>(dot_to<Soft<fp32>>(&tiny, &one, 1).value) == 0x1p-24);
  const uint64_t bits = 1;
  const Rounding flushing = Flushing::rounding;
  CHECK(dot(fp16, &bits, fp16, &bits, 1, flushing).kind == Kind::zero);
  CHECK(dot(fp16, &bits, fp16, &bits, 1, nearest_even).kind == Kind::finite);
}

namespace {

constexpr Soft<bf16> three_numbers[] = {Soft<bf16>(3.0), Soft<bf16>(-2.0), Soft<bf16>(0.5)};
static_assert(dot_to<Soft<bf16>>(three_numbers, three_numbers, 3).value == Soft<bf16>(13.25));

}  // namespace
