#include "ulpscope/reference/arithmetic.hpp"

#include "ulpscope/base/bits.hpp"

#include <cfenv>
#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr Format bfloat16{8, 7, 127};
constexpr Format binary32{8, 23, 127};
constexpr Format binary64{11, 52, 1023};
constexpr Format half{5, 10, 15};
constexpr Format e4m3{4, 3, 7, Infinity::absent, Nan::highest};
constexpr Format e5m2_format{5, 2, 15};
constexpr Format e2m1{2, 1, 1, Infinity::absent, Nan::none};

constexpr Mode all_modes[] = {Mode::nearest_even, Mode::nearest_away, Mode::nearest_zero,
                              Mode::toward_zero,  Mode::up,           Mode::down,
                              Mode::away,         Mode::to_odd};

uint64_t f32(float x) { return bit_cast<uint32_t>(x); }
uint64_t f64(double x) { return bit_cast<uint64_t>(x); }

// A result with words for its flags, and a code that fits 64 bits.
struct Result {
  uint64_t bits;
  int64_t residue;
  Flag flags;

  Result(const ReferenceResult& r)  // NOLINT(*explicit*)
      : bits(static_cast<uint64_t>(r.bits)), residue(r.residue), flags(r.flags) {}
  bool inexact() const { return has(flags, Flag::inexact); }
  bool overflow() const { return has(flags, Flag::overflow); }
  bool underflow() const { return has(flags, Flag::underflow); }
  bool underflow_after() const { return has(flags, Flag::underflow_after); }
  bool invalid() const { return has(flags, Flag::invalid); }
  bool divide_by_zero() const { return has(flags, Flag::divide_by_zero); }
  bool tie() const { return has(flags, Flag::tie); }
  bool broken_tie() const { return has(flags, Flag::broken_tie); }
  bool away() const { return has(flags, Flag::away); }
  bool truncated() const { return has(flags, Flag::residue_truncated); }
  bool has_residue() const { return !has(flags, Flag::residue_saturated); }
};

Result operate(const Format& f, Operation operation, uint64_t a, uint64_t b, uint64_t c = 0,
               Rounding r = {}) {
  return reference_operation(f, operation, a, b, c, r);
}
Result add(const Format& f, uint64_t a, uint64_t b, Rounding r = {}) {
  return operate(f, Operation::add, a, b, 0, r);
}
Result divide(const Format& f, uint64_t a, uint64_t b, Rounding r = {}) {
  return operate(f, Operation::div, a, b, 0, r);
}
Result root(const Format& f, uint64_t a, Rounding r = {}) {
  return operate(f, Operation::sqrt, a, 0, 0, r);
}
Result convert(const Format& from, uint64_t bits, const Format& to, Rounding r = {}) {
  return reference_convert(from, bits, to, r);
}
Result from_double(double x, const Format& to, Rounding r = {}) {
  return convert(binary64, f64(x), to, r);
}

// Finite codes and their values by a formula of their own, for the search by hand below.
struct Listed {
  uint64_t code;
  double value;
};
std::vector<Listed> finite_values(const Format& f) {
  std::vector<Listed> all;
  for (uint64_t code = 0; code < 256; ++code) {
    const int field = static_cast<int>(code >> f.trailing_bits) & ((1 << f.exponent_bits) - 1);
    const double trailing = static_cast<double>(code & ((1u << f.trailing_bits) - 1));
    const double fraction = std::ldexp(trailing, -f.trailing_bits) + (field > 0 ? 1 : 0);
    const double magnitude = std::ldexp(fraction, std::max(field, 1) - f.bias);
    const double largest = f.nan == Nan::highest ? 448 : 57344;
    if (magnitude <= largest) all.push_back({code, code >= 128 ? -magnitude : magnitude});
  }
  return all;
}

}  // namespace

TEST_CASE("the worked example: two equal maxima and a residue round away from zero") {
  const auto sum = add(binary32, 0xC01A0E2E, 0xC0130000);  // -2.40711546 + -2.296875
  CHECK(sum.bits == 0xC0968717);
  CHECK_FALSE(sum.inexact());
  const auto cast = convert(binary32, sum.bits, bfloat16, {});
  CHECK(cast.bits == 0xC097);
  CHECK(cast.inexact());
  CHECK(cast.away());
  CHECK_FALSE(cast.tie());
  // -0.014759540557861328 in units of 2^-5 x 2^-32.
  REQUIRE(cast.has_residue());
  CHECK(cast.residue == -2028535808);
  CHECK_FALSE(cast.truncated());
}

TEST_CASE("the worked example without the residue is a tie and goes to even") {
  const auto sum = add(binary32, 0xC01A0000, 0xC0130000);
  const auto cast = convert(binary32, sum.bits, bfloat16, {});
  CHECK(cast.bits == 0xC096);
  CHECK(cast.tie());
  CHECK_FALSE(cast.away());
  CHECK(cast.residue == int64_t{1} << 31);  // + half an ulp
}

TEST_CASE("every mode takes its neighbour of a tie, of a little more and of a little less") {
  struct Case {
    Mode mode;
    uint64_t less, tie, more, negative_tie;
  };
  // Between 1 + 2^-7 (0x3F81) and 1 + 2^-6 (0x3F82) in bf16.
  const Case cases[] = {
      {Mode::nearest_even, 0x3F81, 0x3F82, 0x3F82, 0xBF82},
      {Mode::nearest_away, 0x3F81, 0x3F82, 0x3F82, 0xBF82},
      {Mode::nearest_zero, 0x3F81, 0x3F81, 0x3F82, 0xBF81},
      {Mode::toward_zero, 0x3F81, 0x3F81, 0x3F81, 0xBF81},
      {Mode::up, 0x3F82, 0x3F82, 0x3F82, 0xBF81},
      {Mode::down, 0x3F81, 0x3F81, 0x3F81, 0xBF82},
      {Mode::away, 0x3F82, 0x3F82, 0x3F82, 0xBF82},
      {Mode::to_odd, 0x3F81, 0x3F81, 0x3F81, 0xBF81},
  };
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.mode));
    const Rounding r{c.mode};
    CHECK(from_double(0x1.03p0 - 0x1p-50, bfloat16, r).bits == c.less);
    CHECK(from_double(0x1.03p0, bfloat16, r).bits == c.tie);
    CHECK(from_double(0x1.03p0 + 0x1p-50, bfloat16, r).bits == c.more);
    CHECK(from_double(-0x1.03p0, bfloat16, r).bits == c.negative_tie);
  }
  CHECK(from_double(0x1.05p0, bfloat16, {Mode::to_odd}).bits == 0x3F83);
  CHECK(from_double(0x1.01p0, bfloat16, {}).bits == 0x3F80);
}

TEST_CASE("an exact sum of nothing is +0, and -0 when rounding down") {
  for (const Mode mode : all_modes) {
    const Rounding r{mode};
    const uint64_t cancelled = mode == Mode::down ? 0x8000 : 0;
    CHECK(add(bfloat16, 0x3F80, 0xBF80, r).bits == cancelled);
    CHECK(add(bfloat16, 0x0000, 0x8000, r).bits == cancelled);
    CHECK(add(bfloat16, 0x8000, 0x8000, r).bits == 0x8000);
    CHECK(add(bfloat16, 0x0000, 0x0000, r).bits == 0);
    CHECK(operate(bfloat16, Operation::sub, 0x8000, 0, 0, r).bits == 0x8000);
    CHECK(operate(bfloat16, Operation::fma, 0x3F80, 0x3F80, 0xBF80, r).bits == cancelled);
    CHECK(operate(bfloat16, Operation::fma, 0x8000, 0x3F80, 0x8000, r).bits == 0x8000);
    CHECK(operate(bfloat16, Operation::mul, 0x8000, 0x3F80, 0, r).bits == 0x8000);
    CHECK(divide(bfloat16, 0x8000, 0xBF80, r).bits == 0);
    CHECK(root(bfloat16, 0x8000, r).bits == 0x8000);
  }
}

TEST_CASE("E4M3: half way above 448 stays, more becomes NaN or saturates") {
  CHECK(from_double(464, e4m3).bits == 0x7E);  // 448 is even
  CHECK_FALSE(from_double(464, e4m3).overflow());
  CHECK(from_double(464, e4m3).residue == -(int64_t{1} << 31));
  CHECK(from_double(465, e4m3).bits == 0x7F);
  CHECK(from_double(-465, e4m3).bits == 0x7F);
  CHECK(from_double(465, e4m3).overflow());
  CHECK(from_double(-465, e4m3, {Mode::nearest_even, Overflow::saturate}).bits == 0xFE);
  CHECK(from_double(465, e4m3, {Mode::nearest_even, Overflow::saturate}).overflow());
  CHECK(from_double(450, e4m3, {Mode::to_odd}).bits == 0x7E);
  CHECK(from_double(450, e4m3, {Mode::to_odd}).overflow());  // the odd neighbour would be 480
  CHECK(from_double(450, e4m3, {Mode::toward_zero}).bits == 0x7E);
  CHECK_FALSE(from_double(450, e4m3, {Mode::toward_zero}).overflow());
  CHECK(add(e4m3, 0x7E, 0x7E).bits == 0x7F);
}

TEST_CASE("beyond the largest finite number every mode has its answer") {
  struct Case {
    Mode mode;
    uint64_t positive, negative;
  };
  const Case cases[] = {
      {Mode::nearest_even, 0x7C, 0xFC}, {Mode::nearest_away, 0x7C, 0xFC},
      {Mode::nearest_zero, 0x7C, 0xFC}, {Mode::toward_zero, 0x7B, 0xFB},
      {Mode::up, 0x7C, 0xFB},           {Mode::down, 0x7B, 0xFC},
      {Mode::away, 0x7C, 0xFC},         {Mode::to_odd, 0x7B, 0xFB},
  };
  for (const Case& c : cases) {
    CAPTURE(static_cast<int>(c.mode));
    for (const double x : {65536.0, 1e300}) {
      const auto positive = from_double(x, e5m2_format, {c.mode});
      const auto negative = from_double(-x, e5m2_format, {c.mode});
      CHECK(positive.bits == c.positive);
      CHECK(negative.bits == c.negative);
      CHECK(positive.overflow());
      CHECK(positive.inexact());
      CHECK_FALSE(positive.has_residue());
    }
    const Rounding saturate{c.mode, Overflow::saturate};
    CHECK(from_double(1e300, e5m2_format, saturate).bits == 0x7B);
    CHECK(from_double(-1e300, e2m1, {c.mode}).bits == 0xF);
  }
}

TEST_CASE("infinities and NaN pass as the format allows") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Rounding saturate{Mode::nearest_even, Overflow::saturate};
  CHECK(from_double(-infinity, e5m2_format).bits == 0xFC);
  CHECK_FALSE(from_double(-infinity, e5m2_format).overflow());
  CHECK(from_double(-infinity, e5m2_format, saturate).bits == 0xFB);
  CHECK(from_double(-infinity, e4m3).bits == 0x7F);
  CHECK(from_double(-infinity, e4m3, saturate).bits == 0xFE);
  CHECK(from_double(-infinity, e2m1).bits == 0xF);
  CHECK(from_double(-nan, e5m2_format).bits == 0x7E);
  CHECK(from_double(nan, e4m3, saturate).bits == 0x7F);
  CHECK_FALSE(from_double(nan, e4m3).invalid());
  CHECK(from_double(nan, e2m1).invalid());
}

TEST_CASE("invalid operations and division by zero are flagged") {
  const uint64_t infinity = 0x7F80;
  const uint64_t one = 0x3F80;
  const uint64_t nan = 0x7FC0;
  const auto difference = operate(bfloat16, Operation::sub, infinity, infinity, 0, {});
  CHECK(difference.bits == nan);
  CHECK(difference.invalid());
  const auto product = operate(bfloat16, Operation::mul, infinity, 0x8000, 0, {});
  CHECK(product.bits == nan);
  CHECK(product.invalid());
  CHECK(operate(bfloat16, Operation::fma, infinity, 0, nan, {}).invalid());
  CHECK_FALSE(operate(bfloat16, Operation::fma, one, one, nan, {}).invalid());
  CHECK(operate(bfloat16, Operation::fma, infinity, one, infinity | 0x8000, {}).invalid());
  CHECK(divide(bfloat16, 0, 0x8000).invalid());
  CHECK(divide(bfloat16, infinity, infinity).invalid());
  CHECK(root(bfloat16, one | 0x8000).invalid());
  CHECK(root(bfloat16, infinity).bits == infinity);
  const auto pole = divide(bfloat16, one, 0x8000);
  CHECK(pole.bits == 0xFF80);
  CHECK(pole.divide_by_zero());
  CHECK_FALSE(pole.inexact());
  CHECK(divide(e4m3, 0x38, 0).bits == 0x7F);
  CHECK(divide(bfloat16, one, 0, {Mode::nearest_even, Overflow::saturate}).bits == 0x7F7F);
  CHECK_FALSE(divide(bfloat16, infinity, 0).divide_by_zero());
  CHECK(divide(bfloat16, one | 0x8000, infinity).bits == 0x8000);
}

TEST_CASE("underflow means tiny before rounding and inexact; its ulp is the smallest number") {
  const double smallest = 0x1p-133;
  const auto quarter = from_double(2.25 * smallest, bfloat16);
  CHECK(quarter.bits == 2);
  CHECK(quarter.underflow());
  CHECK(quarter.residue == -(int64_t{1} << 30));
  CHECK_FALSE(from_double(3 * smallest, bfloat16).underflow());
  // Rounds up to the smallest normal number, and was tiny before that.
  const auto edge = from_double(0x1p-126 - smallest / 4, bfloat16);
  CHECK(edge.bits == 0x0080);
  CHECK(edge.underflow());
  CHECK(from_double(-smallest / 2, bfloat16).bits == 0x8000);
  CHECK(from_double(0x1p-1074, bfloat16, {Mode::up}).bits == 1);
  CHECK(from_double(0x1p-1074, bfloat16, {Mode::up}).residue == (int64_t{1} << 32) - 1);
  CHECK(from_double(0x1p-1074, bfloat16, {Mode::up}).truncated());
}

TEST_CASE("a carry into the next binade keeps the quantum of the exact value") {
  const auto r = from_double(2 - 0x1p-9, bfloat16);  // a quarter of 2^-7 below 2
  CHECK(r.bits == 0x4000);
  CHECK(r.residue == int64_t{1} << 30);
}

TEST_CASE("fma rounds once") {
  const auto x = f32(1 + 0x1p-12f);
  const auto fused = operate(binary32, Operation::fma, x, x, f32(-1.0f), {});
  CHECK(fused.bits == f32(0x1p-11f + 0x1p-24f));
  CHECK_FALSE(fused.inexact());
}

TEST_CASE("square roots: bits, and a residue against the irrational value") {
  const auto r = root(binary32, f32(2.0f));
  CHECK(r.bits == 0x3FB504F3);
  // 0x3FB504F3 - sqrt(2) = -2.4203e-8 = -0.2030286 ulp (2^-23)
  REQUIRE(r.has_residue());
  CHECK(std::abs(static_cast<double>(r.residue) * 0x1p-32 -
                 (1.41421353816986083984375L - std::sqrt(2.0L)) * 0x1p23L) < 0x1p-31);
  CHECK(r.truncated());
  const auto above = root(binary32, f32(2.0f), {Mode::up});
  CHECK(above.residue == r.residue + (int64_t{1} << 32) - 1);
  CHECK(root(binary32, f32(2.25f)).bits == f32(1.5f));
  CHECK(root(binary32, f32(2.25f)).residue == 0);
  CHECK(root(binary64, f64(2.0)).bits == 0x3FF6A09E667F3BCD);
  CHECK(root(binary32, 1).bits == 0x1A3504F3);  // sqrt(2^-149)
}

TEST_CASE("operands of different formats round once into the result") {
  const ReferenceOperand a{e4m3, 0x39};           // 1.125
  const ReferenceOperand b{bfloat16, 0x3F81};     // 1.0078125
  const ReferenceOperand c{binary64, f64(1e-9)};  // pushes a tie up
  const Result product = reference_result({half, Operation::mul, {{a, b, c}}}, nearest_even);
  CHECK(from_double(1.125 * 1.0078125, half).bits == product.bits);
  CHECK_FALSE(product.inexact());
  const ReferenceOperand one{binary32, f32(1.0f)};
  const ReferenceOperand tie{binary32, f32(0x1p-8f)};
  const ReferenceOperand sum{binary64, f64(1.00390625)};
  const auto rounded = [&](const ReferenceCase& x) {
    return Result(reference_result(x, nearest_even)).bits;
  };
  CHECK(rounded({bfloat16, Operation::add, {{one, tie, c}}}) == 0x3F80);
  CHECK(rounded({bfloat16, Operation::fma, {{one, sum, c}}}) == 0x3F81);
}

TEST_CASE("one-bit significands: a tie between two powers goes to the even code") {
  constexpr Format powers{4, 0, 7};
  CHECK(from_double(1.5, powers).bits == 0x8);   // between 7 and 8
  CHECK(from_double(3.0, powers).bits == 0x8);   // between 8 and 9
  CHECK(from_double(0x1p-7, powers).bits == 0);  // half of the smallest: zero is even
  CHECK(from_double(3.0, powers, {Mode::to_odd}).bits == 0x9);
  CHECK(from_double(3.0, powers, {Mode::nearest_away}).bits == 0x9);
}

TEST_CASE("all pairs of the 8-bit formats agree with a search of the whole list") {
  for (const Format& f : {e4m3, e5m2_format}) {
    const auto all = finite_values(f);
    for (const Listed& x : all) {
      for (const Listed& y : all) {
        const double exact = x.value * y.value;  // exact in double
        const auto result = operate(f, Operation::mul, x.code, y.code, 0, {});
        if (std::abs(exact) > all[all.size() / 2 - 1].value) continue;
        const Listed* best = &all.front();
        for (const Listed& z : all) {
          const double better = std::abs(best->value - exact) - std::abs(z.value - exact);
          if (better > 0 || (!(better < 0) && z.code % 2 == 0)) best = &z;
        }
        REQUIRE((result.bits & 0x7F) == (best->code & 0x7F));
        REQUIRE((result.bits & 0x80) == ((x.code ^ y.code) & 0x80));
      }
    }
  }
}

TEST_CASE("binary64 and binary32 agree with the processor in four directions") {
  const std::pair<Mode, int> modes[] = {{Mode::nearest_even, FE_TONEAREST},
                                        {Mode::toward_zero, FE_TOWARDZERO},
                                        {Mode::up, FE_UPWARD},
                                        {Mode::down, FE_DOWNWARD}};
  std::mt19937_64 random(20240611);
  for (int i = 0; i < 400; ++i) {
    // Exponents within 64 of each other, so that sums meet; every tenth anywhere at all.
    const auto draw = [&](int width) {
      const uint64_t bits = random();
      const uint64_t near_one = (uint64_t{0x3E0 + bits % 64} << 52) | (random() >> 12);
      const uint64_t sign = bits & (uint64_t{1} << 63);
      const uint64_t code = i % 10 == 0 ? random() : near_one | sign;
      return width == 64 ? code : f32(static_cast<float>(bit_cast<double>(code)));
    };
    const uint64_t a = draw(64), b = draw(64), a32 = draw(32), b32 = draw(32);
    for (const auto& [mode, host] : modes) {
      volatile double x = bit_cast<double>(a), y = bit_cast<double>(b);
      volatile float x32 = bit_cast<float>(static_cast<uint32_t>(a32));
      volatile float y32 = bit_cast<float>(static_cast<uint32_t>(b32));
      std::fesetround(host);
      volatile double sum = x + y, product = x * y, quotient = x / y, root_x = std::sqrt(x);
      volatile float sum32 = x32 + y32, product32 = x32 * y32, quotient32 = x32 / y32;
      std::fesetround(FE_TONEAREST);
      const Rounding r{mode};
      const auto same = [](double host_result, uint64_t ours) {
        return std::isnan(host_result) ? ours == 0x7FF8000000000000 : f64(host_result) == ours;
      };
      const auto same32 = [](float host_result, uint64_t ours) {
        return std::isnan(host_result) ? ours == 0x7FC00000 : f32(host_result) == ours;
      };
      CAPTURE(a);
      CAPTURE(b);
      REQUIRE(same(sum, operate(binary64, Operation::add, a, b, 0, r).bits));
      REQUIRE(same(product, operate(binary64, Operation::mul, a, b, 0, r).bits));
      REQUIRE(same(quotient, operate(binary64, Operation::div, a, b, 0, r).bits));
      REQUIRE(same(root_x, operate(binary64, Operation::sqrt, a, 0, 0, r).bits));
      REQUIRE(same32(sum32, add(binary32, a32, b32, r).bits));
      REQUIRE(same32(product32, operate(binary32, Operation::mul, a32, b32, 0, r).bits));
      REQUIRE(same32(quotient32, divide(binary32, a32, b32, r).bits));
    }
  }
}
