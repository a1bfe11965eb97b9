// Conversions against integral parts of doubles, for every code of small formats and of binary16 in
// every mode; and against the host's own conversion instructions in its four directions.
#include "ulpscope/arith/integers.hpp"

#include "ulpscope/round/names.hpp"

#include <cfenv>
#include <cmath>
#include <random>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace ulpscope;

namespace {

constexpr IntegerType int8{8, Sign::present};
constexpr IntegerType uint8{8, Sign::absent};
constexpr IntegerType int32{32, Sign::present};
constexpr IntegerType uint32{32, Sign::absent};
constexpr IntegerType int64{64, Sign::present};
constexpr IntegerType uint64{64, Sign::absent};

// A finite x as an integral double.
double integral(double x, Mode mode) {
  const double low = std::floor(x);
  const double rest = x - low;  // exact, or so small that only its sign and size matter
  if (plain::equal(rest, 0)) return x;
  const bool low_is_odd = std::fabs(std::fmod(low, 2)) > 0;
  switch (mode) {
    case Mode::nearest_even:
      return rest > 0.5 || (plain::equal(rest, 0.5) && low_is_odd) ? low + 1 : low;
    case Mode::nearest_away:
      return rest > 0.5 || (plain::equal(rest, 0.5) && x > 0) ? low + 1 : low;
    case Mode::nearest_zero:
      return rest > 0.5 || (plain::equal(rest, 0.5) && x < 0) ? low + 1 : low;
    case Mode::toward_zero: return x > 0 ? low : low + 1;
    case Mode::up: return low + 1;
    case Mode::down: return low;
    case Mode::away: return x > 0 ? low + 1 : low;
    case Mode::to_odd: return low_is_odd ? low : low + 1;
  }
  return x;
}

// (n - x) 2^32, cut toward zero.
int64_t expected_residue(double x, double n) {
  if (plain::equal(n, x)) return 0;
  const double scaled = x * 0x1p32;
  const double up = n * 0x1p32 - std::ceil(scaled);
  return static_cast<int64_t>(n > x ? up : n * 0x1p32 - std::floor(scaled));
}

bool in_range(double n, IntegerType type) {
  if (type.sign == Sign::absent) return n >= 0 && n < std::ldexp(1.0, type.width);
  return n >= -std::ldexp(1.0, type.width - 1) && n < std::ldexp(1.0, type.width - 1);
}

uint64_t two_complement(double n, int width) {
  const auto magnitude = static_cast<uint64_t>(std::fabs(n));
  return (n < 0 ? ~magnitude + 1 : magnitude) & low_mask<uint64_t>(width);
}

int mismatches_in(const Format& f, Mode mode, IntegerType type) {
  int mismatches = 0;
  for (uint64_t code = 0; code < plain::count(f); ++code) {
    const double x = plain::value(f, code);
    const auto r = to_integer(decode<uint64_t>(f, code), type, mode);
    const double n = std::isfinite(x) ? integral(x, mode) : x;
    bool good = false;
    if (std::isnan(x) || !in_range(n, type)) {
      const uint64_t all = low_mask<uint64_t>(type.width);
      const bool is_signed = type.sign == Sign::present;
      const uint64_t lowest = is_signed ? all ^ (all >> 1) : 0;
      const uint64_t largest = is_signed ? all >> 1 : all;
      good = r.bits == (x < 0 ? lowest : largest) &&
             r.flags == (Flag::invalid | Flag::residue_saturated);
    } else {
      const double distance = std::fabs(x - std::floor(x) - 0.5);
      good = r.bits == two_complement(n, type.width) && r.residue == expected_residue(x, n) &&
             has(r.flags, Flag::inexact) == !plain::equal(n, x) &&
             has(r.flags, Flag::tie) == plain::equal(distance, 0) &&
             has(r.flags, Flag::away) == (std::fabs(n) > std::fabs(x)) &&
             has(r.flags, Flag::broken_tie) == (distance > 0 && distance <= 0x1p-4) &&
             !has(r.flags, Flag::invalid | Flag::underflow | Flag::underflow_after |
                               Flag::subnormal | Flag::overflow | Flag::residue_saturated);
    }
    mismatches += good ? 0 : 1;
  }
  return mismatches;
}

int integral_mismatches(const Format& f, Mode mode) {
  int mismatches = 0;
  const auto values = plain::values(f);
  const double largest = plain::value(f, largest_finite_bits(f));
  for (uint64_t code = 0; code < plain::count(f); ++code) {
    const double x = values[code];
    const auto r = round_to_integral<uint64_t>(f, code, Rounding{mode}, Inexact::raised);
    const double found = plain::value(f, r.bits);
    bool good = false;
    if (!std::isfinite(x)) {
      good = plain::same(found, x) && has(r.flags, Flag::invalid) == plain::signals(f, code);
    } else {
      const double n = std::copysign(integral(x, mode), x);
      if (std::fabs(n) > largest) {
        good = has(r.flags, Flag::overflow) && std::fabs(n) < 2 * std::ceil(largest) + 1;
      } else if (plain::equal(n, 0) && f.zero == Zero::none) {
        good = has(r.flags, Flag::invalid);
      } else {
        good = (plain::equal(found, n) && (f.zero != Zero::both || plain::same(found, n))) &&
               r.residue == expected_residue(x, n) &&
               has(r.flags, Flag::inexact) == !plain::equal(n, x) &&
               !has(r.flags, Flag::invalid | Flag::overflow | Flag::underflow);
      }
    }
    mismatches += good ? 0 : 1;
  }
  return mismatches;
}

struct Direction {
  Mode mode;
  int host;
};
constexpr Direction directions[] = {{Mode::nearest_even, FE_TONEAREST},
                                    {Mode::toward_zero, FE_TOWARDZERO},
                                    {Mode::up, FE_UPWARD},
                                    {Mode::down, FE_DOWNWARD}};

// Numbers whose integral parts fill up to 66 bits.
uint64_t random_double(std::mt19937_64& random) {
  const uint64_t exponent = 1023 - 3 + random() % 70;
  return (random() & (sign_mask(fp64) | low_mask<uint64_t>(52))) | exponent << 52;
}

}  // namespace

TEST_CASE("every code of a small format converts to integers as its double does") {
  for (const auto& [name, f] : plain::small_formats()) {
    for (const auto& row : mode_names) {
      for (const IntegerType type :
           {int8, uint8, int32, uint32, int64, uint64, IntegerType{1, Sign::present},
            IntegerType{1, Sign::absent}, IntegerType{5, Sign::present}}) {
        CHECK_MESSAGE(mismatches_in(f, row.mode, type) == 0, name, row.name, type.width);
      }
    }
  }
}

TEST_CASE("every binary16 number converts to integers as its double does") {
  for (const auto& row : mode_names) {
    for (const IntegerType type : {int8, uint32, int64, IntegerType{11, Sign::absent}}) {
      CHECK_MESSAGE(mismatches_in(fp16, row.mode, type) == 0, row.name, type.width);
    }
  }
}

TEST_CASE("every code of a small format and of binary16 rounds to its integral value") {
  for (const auto& row : mode_names) {
    for (const auto& [name, f] : plain::small_formats()) {
      CHECK_MESSAGE(integral_mismatches(f, row.mode) == 0, name, row.name);
    }
    CHECK_MESSAGE(integral_mismatches(fp16, row.mode) == 0, row.name);
  }
}

#if defined(__x86_64__)
TEST_CASE("binary64 to 64- and 32-bit integers is what this machine's instructions do") {
  const int before = std::fegetround();
  for (const auto& direction : directions) {
    std::mt19937_64 random(21);
    int mismatches = 0;
    std::fesetround(direction.host);
    for (int i = 0; i < 100'000; ++i) {
      const uint64_t code = i % 10 == 0 ? random() : random_double(random);
      volatile double x = bit_cast<double>(code);
      const long long host64 = _mm_cvtsd_si64(_mm_set_sd(x));
      const int host32 = _mm_cvtsd_si32(_mm_set_sd(x));
      const ToInteger how{OutOfRange::indefinite, Inexact::raised};
      const auto number = Soft<fp64>::from_bits(code);
      const bool same = to_integer<int64_t>(number, direction.mode, how).value == host64 &&
                        to_integer<int32_t>(number, direction.mode, how).value == host32;
      mismatches += same ? 0 : 1;
    }
    std::fesetround(before);
    CHECK(mismatches == 0);
  }
}
#endif

TEST_CASE("64-bit integers to binary32 and binary64 are what this machine's conversions do") {
  const int before = std::fegetround();
  for (const auto& direction : directions) {
    std::mt19937_64 random(22);
    int mismatches = 0;
    std::fesetround(direction.host);
    for (int i = 0; i < 100'000; ++i) {
      volatile auto x = static_cast<int64_t>(random()) >> (random() % 64);
      volatile float single = static_cast<float>(x);
      volatile double wide = static_cast<double>(x);
      const auto exact = exact_integer<uint128>(static_cast<uint64_t>(x), int64);
      const Rounding r{direction.mode};
      const bool same = round_pack(fp32, exact, r).bits == bit_cast<uint32_t>(float{single}) &&
                        round_pack(fp64, exact, r).bits == bit_cast<uint64_t>(double{wide});
      mismatches += same ? 0 : 1;
    }
    std::fesetround(before);
    CHECK(mismatches == 0);
  }
}

TEST_CASE("binary64 rounds to integral values as nearbyint does") {
  const int before = std::fegetround();
  for (const auto& direction : directions) {
    std::mt19937_64 random(23);
    int mismatches = 0;
    std::fesetround(direction.host);
    for (int i = 0; i < 50'000; ++i) {
      const uint64_t code = random_double(random);
      volatile double x = bit_cast<double>(code);
      volatile double host = std::nearbyint(x);
      const auto r = round_to_integral(Soft<fp64>::from_bits(code), direction.mode);
      mismatches += r.value.bits() == bit_cast<uint64_t>(double{host}) ? 0 : 1;
    }
    std::fesetround(before);
    CHECK(mismatches == 0);
  }
}

TEST_CASE("integers of every width come back from binary80-like numbers unchanged") {
  using Wide = Soft<ieee_like(15, 63)>;
  std::mt19937_64 random(24);
  for (int width = 1; width <= 64; ++width) {
    for (const Sign sign : {Sign::present, Sign::absent}) {
      const IntegerType type{width, sign};
      const uint64_t top = uint64_t{1} << (width - 1);
      for (const uint64_t bits : {uint64_t{0}, top, top - 1, low_mask<uint64_t>(width), random()}) {
        const auto exact = exact_integer<Uint256>(bits, type);
        const auto packed = round_pack<uint128>(Wide::format, exact, nearest_even);
        CHECK(packed.residue == 0);
        const auto back =
            to_integer(decode<Uint256>(Wide::format, packed.bits), type, Mode::nearest_even);
        CHECK(back.bits == (bits & low_mask<uint64_t>(width)));
        CHECK(back.flags == Flag::none);
      }
    }
  }
}

TEST_CASE("small integers convert to every small format as their doubles do") {
  for (const auto& [name, f] : plain::small_formats()) {
    bool same = true;
    for (const auto& row : mode_names) {
      for (int n = -300; n <= 300; ++n) {
        const auto exact = exact_integer<uint64_t>(static_cast<uint64_t>(n), int64);
        const auto as_double = decode<uint64_t>(fp64, bit_cast<uint64_t>(static_cast<double>(n)));
        const Rounded a = round_pack(f, exact, Rounding{row.mode});
        const Rounded b = round_pack(f, as_double, Rounding{row.mode});
        same = same && a.bits == b.bits && a.residue == b.residue && a.flags == b.flags;
      }
    }
    CHECK_MESSAGE(same, name);
  }
}

TEST_CASE("an integer out of range is invalid alone, and the rule says what comes back") {
  using S = Soft<fp32>;
  struct Row {
    S x;
    uint32_t saturated, with_zero, indefinite;  // signed
    uint32_t unsigned_saturated, unsigned_with_zero, unsigned_indefinite;
  };
  const S nan = S::from_bits(0x7FC00000);
  const S infinity = S::from_bits(0x7F800000);
  const Row rows[] = {
      {S(1e10), 0x7FFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
      {S(-1e10), 0x80000000, 0x80000000, 0x80000000, 0, 0, 0xFFFFFFFF},
      {infinity, 0x7FFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF},
      {-infinity, 0x80000000, 0x80000000, 0x80000000, 0, 0, 0xFFFFFFFF},
      {nan, 0x7FFFFFFF, 0, 0x80000000, 0xFFFFFFFF, 0, 0xFFFFFFFF},
      {-nan, 0x7FFFFFFF, 0, 0x80000000, 0xFFFFFFFF, 0, 0xFFFFFFFF}};
  for (const Row& row : rows) {
    const auto check = [&](OutOfRange rule, uint32_t expected, uint32_t expected_unsigned) {
      const ToInteger how{rule, Inexact::raised};
      const auto a = to_integer<int32_t>(row.x, Mode::nearest_even, how);
      const auto b = to_integer<uint32_t>(row.x, Mode::nearest_even, how);
      CHECK(static_cast<uint32_t>(a.value) == expected);
      CHECK(b.value == expected_unsigned);
      CHECK(a.flags == (Flag::invalid | Flag::residue_saturated));
      CHECK(b.flags == (Flag::invalid | Flag::residue_saturated));
    };
    check(OutOfRange::saturate, row.saturated, row.unsigned_saturated);
    check(OutOfRange::saturate_nan_zero, row.with_zero, row.unsigned_with_zero);
    check(OutOfRange::indefinite, row.indefinite, row.unsigned_indefinite);
  }
}

TEST_CASE("the rounding decides what is out of range") {
  using D = Soft<fp64>;
  CHECK(to_integer<int8_t>(D(127.5), Mode::toward_zero).value == 127);
  CHECK(has(to_integer<int8_t>(D(127.5), Mode::nearest_even).flags, Flag::invalid));
  CHECK(to_integer<int8_t>(D(-128.5), Mode::nearest_even).value == -128);
  CHECK(has(to_integer<int8_t>(D(-128.5), Mode::down).flags, Flag::invalid));
  CHECK(to_integer<uint8_t>(D(-0.5), Mode::nearest_even).flags == (Flag::inexact | Flag::tie));
  CHECK(to_integer<uint8_t>(D(-0.5), Mode::down).flags ==
        (Flag::invalid | Flag::residue_saturated));
  CHECK(has(to_integer(
                Exact<uint128>{
                    .significand = (uint128{1} << 65) - 1, .exponent = -1, .kind = Kind::finite},
                uint64, Mode::nearest_even)
                .flags,
            Flag::invalid));  // 2^64 - 1/2
  CHECK(to_integer<uint64_t>(D(0x1p64), Mode::nearest_even).flags ==
        (Flag::invalid | Flag::residue_saturated));
  CHECK(to_integer<int64_t>(D(-0x1p63), Mode::nearest_even).flags == Flag::none);
}

TEST_CASE("a silent conversion loses its fraction without the inexact flag") {
  using H = Soft<fp16>;
  const ToInteger silent{OutOfRange::saturate, Inexact::silent};
  const auto r = to_integer<int32_t>(H(2.75), Mode::toward_zero, silent);
  CHECK(r.value == 2);
  CHECK(r.flags == Flag::none);
  CHECK(r.residue == -(residue_one_ulp / 4) * 3);
  CHECK(has(round_to_integral(H(2.75), Mode::up).flags, Flag::inexact));
  CHECK(round_to_integral(H(2.75), Mode::up, Inexact::silent).flags == Flag::away);
}

TEST_CASE("an integral value that the format lacks is overflow, or NaN for a missing zero") {
  const auto eight = round_to_integral(Soft<e2m3fn>(7.5), Mode::nearest_even);
  CHECK(static_cast<double>(eight.value) == 7.5);
  CHECK(has(eight.flags, Flag::overflow));
  const auto infinite = round_to_integral(Soft<e3m4>(15.5), Mode::up);
  CHECK(infinite.value.bits() == infinity_bits(e3m4));
  CHECK(isnan(round_to_integral(Soft<e8m0fnu>(0.25), Mode::nearest_even).value));
  CHECK(static_cast<double>(round_to_integral(Soft<e8m0fnu>(0.25), Mode::up).value) == 1.0);
}

TEST_CASE("a stochastic conversion goes up for as many draws as the fraction says") {
  const auto x = decode<uint64_t>(fp32, 0x40500000);  // 3.25
  int64_t residues = 0;
  int up = 0;
  for (uint64_t draw = 0; draw < 16; ++draw) {
    const auto r = to_integer(x, int32, Stochastic{Variant::a, 4}, draw);
    up += r.bits == 4 ? 1 : 0;
    residues += r.residue;
  }
  CHECK(up == 4);
  CHECK(residues == 0);
}

TEST_CASE("the policy of the number says whether subnormals are read as zero") {
  using Flushing = Soft<fp16, Rounding{.policy = {.flush = Flush::inputs}}>;
  CHECK(to_integer<int32_t>(Flushing::from_bits(1), Mode::up).value == 0);
  CHECK(to_integer<int32_t>(Soft<fp16>::from_bits(1), Mode::up).value == 1);
  CHECK(round_to_integral(Flushing::from_bits(0x8001), Mode::down).value.bits() == 0x8000);
}

TEST_CASE("integers of C++ convert by their own type") {
  CHECK(integer_to<Soft<bf16>>(uint8_t{255}).value == Soft<bf16>(255.0));
  CHECK(integer_to<Soft<bf16>>(int8_t{-1}).value == Soft<bf16>(-1.0));
  CHECK(integer_to<Soft<bf16>>(257).residue == -(residue_one_ulp / 2));
  CHECK(integer_to<Soft<bf16, upward>>(~uint64_t{0}).value == Soft<bf16, upward>(0x1p64));
  CHECK(integer_to<Soft<fp16>>(0).value.bits() == 0);
  CHECK(has(integer_to<Soft<fp16>>(100'000).flags, Flag::overflow));
}

static_assert(to_integer<int32_t>(Soft<bf16>(-2.5), Mode::nearest_even).value == -2);
static_assert(round_to_integral(Soft<bf16>(-0.25), Mode::nearest_even).value.bits() == 0x8000);
