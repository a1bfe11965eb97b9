// Against std::remainder on doubles, which is exact: all pairs of small formats, random pairs of
// the larger ones. Quotients beyond that are checked by powers of two modulo 3.
#include "ulpscope/arith/remainder.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

template <class Word>
Rounded remainder_bits(const Format& f, uint64_t x, uint64_t y, Rounding r = nearest_even) {
  return round_pack(f, remainder(decode<Word>(f, x), decode<Word>(f, y)), r);
}

bool exists(const std::vector<double>& values, double x) {
  for (const double value : values) {
    if (plain::equal(value, x)) return true;
  }
  return false;
}

template <class Float, class Bits>
int random_mismatches(const Format& f, int count) {
  std::mt19937_64 random(7);
  int mismatches = 0;
  for (int i = 0; i < count; ++i) {
    const auto x = static_cast<Bits>(random());
    const auto y = static_cast<Bits>(random());
    const Float expected = std::remainder(bit_cast<Float>(x), bit_cast<Float>(y));
    const Rounded r = remainder_bits<uint128>(f, x, y);
    const bool same = std::isnan(expected) ? is_nan(f, r.bits) : r.bits == bit_cast<Bits>(expected);
    mismatches += same && (std::isnan(expected) || r.residue == 0) ? 0 : 1;
  }
  return mismatches;
}

}  // namespace

TEST_CASE("remainders of all pairs of small formats are those of doubles") {
  for (const auto& [name, f] : plain::small_formats()) {
    const auto values = plain::values(f);
    int mismatches = 0;
    for (uint64_t x = 0; x < plain::count(f); ++x) {
      for (uint64_t y = 0; y < plain::count(f); ++y) {
        const double expected = std::remainder(values[x], values[y]);
        const Rounded r = remainder_bits<uint64_t>(f, x, y);
        const bool no_number = std::isnan(values[x]) || std::isnan(values[y]);
        bool good = false;
        if (std::isnan(expected)) {
          const bool raised = plain::signals(f, x) || plain::signals(f, y) || !no_number;
          good = r.bits == nan_bits(f) && has(r.flags, Flag::invalid) == (raised || !has_nan(f));
        } else if (plain::equal(expected, 0) && f.zero == Zero::none) {
          good = has(r.flags, Flag::invalid);
        } else if (expected < 0 && f.sign == Sign::absent) {
          good = has(r.flags, Flag::invalid);
        } else if (!exists(values, expected)) {
          const double size = std::fabs(plain::value(f, r.bits));
          const double smallest = plain::value(f, smallest_positive_bits(f));
          good = f.subnormals == Subnormals::absent && std::fabs(expected) < smallest &&
                 (plain::equal(size, 0) || plain::equal(size, smallest)) &&
                 has(r.flags, Flag::underflow);
        } else {
          const double sign_as_held =
              plain::equal(expected, 0) && f.zero != Zero::both ? 0.0 : expected;
          good = plain::same(plain::value(f, r.bits), sign_as_held) &&
                 (std::isinf(expected) || r.residue == 0) &&
                 !has(r.flags, Flag::inexact | Flag::invalid);
        }
        mismatches += good ? 0 : 1;
      }
    }
    CHECK_MESSAGE(mismatches == 0, name);
  }
}

TEST_CASE("remainders of binary32 and binary64 are the host's") {
  CHECK(random_mismatches<float, uint32_t>(fp32, 100'000) == 0);
  CHECK(random_mismatches<double, uint64_t>(fp64, 20'000) == 0);
}

TEST_CASE("remainders of binary16 are those of doubles") {
  std::mt19937_64 random(11);
  int mismatches = 0;
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t x = random() & 0xFFFF;
    const uint64_t y = random() & 0xFFFF;
    const double expected = std::remainder(plain::value(fp16, x), plain::value(fp16, y));
    const Rounded r = remainder_bits<uint64_t>(fp16, x, y);
    mismatches += plain::same(plain::value(fp16, r.bits), expected) ? 0 : 1;
  }
  CHECK(mismatches == 0);
}

TEST_CASE("a half way quotient goes to the even neighbour") {
  using H = Soft<fp16>;
  CHECK(remainder(H(1.0), H(2.0)) == H(1.0));     // n = 0
  CHECK(remainder(H(3.0), H(2.0)) == H(-1.0));    // n = 2
  CHECK(remainder(H(5.0), H(2.0)) == H(1.0));     // n = 2
  CHECK(remainder(H(-3.0), H(2.0)) == H(1.0));    // n = -2
  CHECK(remainder(H(-5.0), H(-2.0)) == H(-1.0));  // n = 2
}

TEST_CASE("a zero remainder has the sign of x in every mode") {
  const uint64_t minus_six = 0xC600;
  const uint64_t three = 0x4200;
  for (const Rounding r : {nearest_even, downward, upward}) {
    CHECK(remainder_bits<uint64_t>(fp16, minus_six, three, r).bits == 0x8000);
    CHECK(remainder_bits<uint64_t>(fp16, 0x4600, 0xC200, r).bits == 0x0000);
    CHECK(remainder_bits<uint64_t>(fp16, 0x8000, three, r).bits == 0x8000);
  }
}

TEST_CASE("an infinite divisor leaves x, a zero divisor and an infinite dividend are invalid") {
  const uint64_t infinity = 0x7C00;
  CHECK(remainder_bits<uint64_t>(fp16, 0xC600, infinity).bits == 0xC600);
  CHECK(remainder_bits<uint64_t>(fp16, 0x8000, infinity).bits == 0x8000);
  for (const auto& r :
       {remainder_bits<uint64_t>(fp16, 0x3C00, 0), remainder_bits<uint64_t>(fp16, infinity, 0x3C00),
        remainder_bits<uint64_t>(fp16, 0, 0x8000)}) {
    CHECK(r.bits == nan_bits(fp16));
    CHECK(has(r.flags, Flag::invalid));
    CHECK_FALSE(has(r.flags, Flag::divide_by_zero));
  }
  CHECK_FALSE(has(remainder_bits<uint64_t>(fp16, infinity, 0x7E00).flags, Flag::invalid));
}

TEST_CASE("the largest exponent differences keep the quotient's last bit") {
  constexpr Format widest = ieee_like(15, 63);  // 2^n rem 3 is 1 for even n, -1 for odd n
  const auto power = [](int n) {
    return Exact<Uint256>{.significand = 1, .exponent = n, .kind = Kind::finite};
  };
  const Exact<Uint256> three{.significand = 3, .exponent = -16000, .kind = Kind::finite};
  for (const int n : {16383, 16382, 9000, 1, 0, -15999}) {
    const auto r = remainder(power(n), three);
    CHECK(exponent_of(r) == -16000);
    CHECK(r.negative == (n % 2 != 0));
    CHECK(round_pack<uint128>(widest, r, nearest_even).residue == 0);
  }
}

TEST_CASE("operands of other formats are divided as they are and the remainder is rounded once") {
  using B = Soft<bf16>;
  const auto r = remainder_to<B>(Soft<fp64>(1.0 + 0x1p-9), Soft<fp32>(4.0));
  CHECK(r.value == B(1.0));
  CHECK(r.residue == -(residue_one_ulp / 4));
  CHECK(has(r.flags, Flag::inexact));
}

static_assert(remainder(Soft<fp64>(1e300), Soft<fp64>(1e-300)).bits() ==
              remainder(Soft<fp64>(1e300), Soft<fp64>(-1e-300)).bits());
