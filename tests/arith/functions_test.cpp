// exp, exp2, log, log2 and tanh: known values, exact cases, specials, and the arguments that make
// the rounding test fail. All of binary16 and bfloat16 against MPFR is in tests/oracles.
#include "ulpscope/arith/functions.hpp"

#include "ulpscope/arith/elementary.hpp"
#include "ulpscope/arith/soft_functions.hpp"

#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Narrow = Exact<uint64_t>;

Narrow single(uint64_t bits) { return decode<uint64_t>(fp32, bits); }
template <class Word = uint64_t>
Exact<Word> power_of_two(int exponent, bool negative = false) {
  return {.significand = 1, .exponent = exponent, .kind = Kind::finite, .negative = negative};
}
template <class Word = uint64_t>
Exact<Word> integer(uint64_t n, bool negative = false) {
  return {.significand = static_cast<Word>(n), .kind = Kind::finite, .negative = negative};
}
template <class Word>
bool is_number(const Exact<Word>& x, int64_t n) {
  const auto size = static_cast<uint64_t>(n < 0 ? -n : n);
  return x.kind == Kind::finite && !x.sticky && x.negative == (n < 0) && x.exponent >= 0 &&
         static_cast<Word>(x.significand << x.exponent) == static_cast<Word>(size);
}

using Function = Narrow (*)(const Narrow&);
const std::vector<Function> all_functions{exp_exact, exp2_exact, log_exact, log2_exact, tanh_exact};

constexpr Narrow infinity = exact_infinity<uint64_t>(false);
constexpr Narrow minus_infinity = exact_infinity<uint64_t>(true);
constexpr Narrow zero = exact_zero<uint64_t>(false);
constexpr Narrow minus_zero = exact_zero<uint64_t>(true);

}  // namespace

TEST_CASE("62 bits of e, ln 2, log2 3, sqrt 2 and tanh 1") {
  // 64 bits of each, cut, as MPFR 4.2 prints them.
  CHECK(exp_exact(integer(1)).significand == 0xADF8'5458'A2BB'4A9A >> 2);
  CHECK(log_exact(integer(2)).significand == 0xB172'17F7'D1CF'79AB >> 2);
  CHECK(log2_exact(integer(3)).significand == 0xCAE0'0D1C'FDEB'43CF >> 2);
  CHECK(exp2_exact(power_of_two(-1)).significand == 0xB504'F333'F9DE'6484 >> 2);
  CHECK(tanh_exact(integer(1)).significand == 0xC2F7'D5A8'A79C'A2AC >> 2);
  CHECK(exp_exact(integer(1)).exponent == 1 - 61);
  CHECK(tanh_exact(integer(1)).exponent == -62);
}

TEST_CASE("what is a number is not sticky") {
  CHECK(is_number(exp_exact(zero), 1));
  CHECK(is_number(exp_exact(minus_zero), 1));
  CHECK(is_number(exp2_exact(minus_zero), 1));
  CHECK(log_exact(integer(1)).kind == Kind::zero);
  CHECK(log2_exact(integer(1)).kind == Kind::zero);
  CHECK_FALSE(log_exact(integer(1)).negative);
  for (int n = -2000; n <= 2000; ++n) {
    if (n == 0) continue;
    const auto size = static_cast<uint64_t>(n < 0 ? -n : n);
    const auto power = exp2_exact(integer(size, n < 0));
    CHECK(power.significand == 1);
    CHECK(power.exponent == n);
    CHECK_FALSE(power.sticky);
    CHECK(is_number(log2_exact(power_of_two(n)), n));
  }
  // However the significand is scaled.
  CHECK(
      exp2_exact(Narrow{.significand = 3 << 20, .exponent = -20, .kind = Kind::finite}).exponent ==
      3);
  CHECK(is_number(log2_exact(Narrow{.significand = 8, .exponent = -1, .kind = Kind::finite}), 2));
  CHECK(log_exact(Narrow{.significand = 8, .exponent = -3, .kind = Kind::finite}).kind ==
        Kind::zero);
}

TEST_CASE("everything else is, and has two bits less than the word") {
  for (const Function function : all_functions) {
    for (uint64_t bits = 0x2000'0001; bits < 0x4200'0000; bits += 0x10'0123) {
      const Narrow y = function(single(bits));
      CHECK(y.sticky);
      CHECK(bit_width(y.significand) == 62);
    }
  }
}

TEST_CASE("infinities and zeros go where the limits go") {
  CHECK(exp_exact(infinity).kind == Kind::infinity);
  CHECK(exp2_exact(infinity).kind == Kind::infinity);
  CHECK(log_exact(infinity).kind == Kind::infinity);
  CHECK(log2_exact(infinity).kind == Kind::infinity);
  CHECK(exp_exact(minus_infinity).kind == Kind::zero);
  CHECK(exp2_exact(minus_infinity).kind == Kind::zero);
  CHECK_FALSE(exp_exact(minus_infinity).negative);
  CHECK(is_number(tanh_exact(infinity), 1));
  CHECK(is_number(tanh_exact(minus_infinity), -1));
  CHECK(tanh_exact(zero).kind == Kind::zero);
  CHECK_FALSE(tanh_exact(zero).negative);
  CHECK(tanh_exact(minus_zero).negative);
}

TEST_CASE("the logarithm of a zero divides by zero, that of a negative number is invalid") {
  for (const Function function : {Function{log_exact}, Function{log2_exact}}) {
    for (const Narrow& nothing : {zero, minus_zero}) {
      const Narrow y = function(nothing);
      CHECK(y.kind == Kind::infinity);
      CHECK(y.negative);
      CHECK(y.flags == Flag::divide_by_zero);
    }
    for (const Narrow& below : {minus_infinity, integer(1, true), integer(8, true)}) {
      CHECK(function(below).kind == Kind::nan);
      CHECK(function(below).flags == Flag::invalid);
    }
  }
}

TEST_CASE("a NaN passes, payload, sign and flags") {
  for (const Function function : all_functions) {
    const Narrow nan{.significand = 5, .kind = Kind::nan, .negative = true, .flags = Flag::invalid};
    const Narrow y = function(nan);
    CHECK(y.kind == Kind::nan);
    CHECK(y.significand == 5);
    CHECK(y.negative);
    CHECK(y.flags == Flag::invalid);
  }
}

TEST_CASE("flags of the operand are handed on by every kind of result") {
  for (const Function function : all_functions) {
    for (const double value : {0.0, -0.0, 1.0, -1.0, 0.7, -0.7, 0x1p-100, -0x1p-100, 1e30, -1e30}) {
      Narrow x = single(bit_cast<uint32_t>(static_cast<float>(value)));
      x.flags = Flag::carry_out;
      CHECK(has(function(x).flags, Flag::carry_out));
    }
    Narrow x = infinity;
    x.flags = Flag::carry_out;
    CHECK(has(function(x).flags, Flag::carry_out));
    CHECK(has(function(negated(x)).flags, Flag::carry_out));
  }
}

TEST_CASE("tiny arguments leave 1, or the argument, by less than a unit") {
  constexpr uint64_t one = uint64_t{1} << 61;
  constexpr uint64_t below_one = (uint64_t{1} << 62) - 1;
  for (const int exponent : {-63, -64, -149, -16000, -65600}) {
    for (const Function function : {Function{exp_exact}, Function{exp2_exact}}) {
      const Narrow above = function(power_of_two(exponent));
      CHECK(above.significand == one);
      CHECK(above.exponent == -61);
      CHECK(above.sticky);
      const Narrow below = function(power_of_two(exponent, true));
      CHECK(below.significand == below_one);
      CHECK(below.exponent == -62);
      CHECK(below.sticky);
    }
    const Narrow y = tanh_exact(power_of_two(exponent, true));
    CHECK(y.significand == below_one);
    CHECK(y.exponent == exponent - 62);
    CHECK(y.negative);
    CHECK(y.sticky);
    const Narrow z =
        tanh_exact(Narrow{.significand = 3, .exponent = exponent, .kind = Kind::finite});
    CHECK(z.significand == (uint64_t{3} << 60) - 1);
    CHECK(z.exponent == exponent - 60);
  }
}

TEST_CASE("series that come close to a number of 62 bits are told from it") {
  // e^x = 1 + x + x^2/2 + x^3/6: with x = 2^-k, the bits of each term are far apart.
  const Narrow y = exp_exact(power_of_two(-30));
  CHECK(y.significand == (uint64_t{1} << 61) + (uint64_t{1} << 31) + 1);
  const Narrow z = exp_exact(power_of_two(-61));
  CHECK(z.significand == (uint64_t{1} << 61) + 1);
  const Narrow below = exp_exact(power_of_two(-62, true));  // 1 - 2^-62 + 2^-125
  CHECK(below.significand == (uint64_t{1} << 62) - 1);
  CHECK(below.exponent == -62);
  // tanh x = x - x^3/3 + 2 x^5/15: 2^-20 (1 - 2^-40/3 + ..), 2^22/3 = 1398101.33
  const Narrow t = tanh_exact(power_of_two(-20));
  CHECK(t.significand == (uint64_t{1} << 62) - 1398102);
  CHECK(t.exponent == -82);
  // ln(1 + x) = x - x^2/2 + x^3/3: 2^-20 (1 - 2^-21 + 2^-40/3 - 2^-62)
  const Narrow l =
      log_exact(Narrow{.significand = (1 << 20) + 1, .exponent = -20, .kind = Kind::finite});
  CHECK(l.significand == (uint64_t{1} << 62) - (uint64_t{1} << 41) + 1398101 - 1);
  CHECK(l.exponent == -82);
}

TEST_CASE("arguments on both sides of ln 2 give powers on both sides of 2") {
  const Narrow above{.significand = 0xB172'17F7'D1CF'79AC, .exponent = -64, .kind = Kind::finite};
  Narrow below = above;
  --below.significand;  // ln 2 lies between
  CHECK(exp_exact(above).significand == uint64_t{1} << 61);
  CHECK(exp_exact(above).exponent == 1 - 61);
  CHECK(exp_exact(below).significand == (uint64_t{1} << 62) - 1);
  CHECK(exp_exact(below).exponent == -61);
  CHECK(exp_exact(negated(above)).significand == (uint64_t{1} << 62) - 1);
  CHECK(exp_exact(negated(above)).exponent == -63);
  CHECK(exp_exact(negated(below)).significand == uint64_t{1} << 61);
  CHECK(exp_exact(negated(below)).exponent == -1 - 61);
}

TEST_CASE("where two limbs do not prove the bits four do") {
  const Narrow hard = power_of_two(-61);
  CHECK_FALSE(detail::Exponential::attempt<2>(hard).proved);
  CHECK(detail::Exponential::attempt<4>(hard).proved);
  CHECK(detail::Exponential::attempt<2>(integer(1)).proved);
}

TEST_CASE("the first bits are the same in every word") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200; ++i) {
    const Narrow x = single((random() & 0x807F'FFFF) | (107 + random() % 24) << 23);
    const auto widened = [&]<class Word>(Word) {
      return Exact<Word>{.significand = static_cast<Word>(x.significand),
                         .exponent = x.exponent,
                         .kind = Kind::finite,
                         .negative = x.negative};
    };
    const auto middle = widened(uint128{});
    const auto wide = widened(Uint256{});
    const auto check = [](const Narrow& a, const Exact<uint128>& b, const Exact<Uint256>& c) {
      CHECK(a.kind == b.kind);
      CHECK(a.significand == static_cast<uint64_t>(b.significand >> 64));
      CHECK(b.significand == static_cast<uint128>(c.significand >> 128));
      CHECK(b.exponent == c.exponent + (b.kind == Kind::finite ? 128 : 0));
    };
    check(exp_exact(x), exp_exact(middle), exp_exact(wide));
    check(exp2_exact(x), exp2_exact(middle), exp2_exact(wide));
    check(log_exact(x), log_exact(middle), log_exact(wide));
    check(log2_exact(x), log2_exact(middle), log2_exact(wide));
    check(tanh_exact(x), tanh_exact(middle), tanh_exact(wide));
  }
}

TEST_CASE("the 60-bit values for residues agree to 54 bits") {
  const auto near = [](const Narrow& found, const Narrow& proved) {
    const int width = bit_width(found.significand);
    const auto leading = (found.significand << (64 - width)) >> 2;
    const auto apart = static_cast<int64_t>(leading - proved.significand);
    return exponent_of(found) == exponent_of(proved) && apart < 128 && apart > -128;
  };
  for (uint64_t bits = 0x3000'0001; bits < 0x4280'0000; bits += 0x8'0001) {
    CHECK(near(exp_value(single(bits)), exp_exact(single(bits))));
    CHECK(near(log_value(single(bits)), log_exact(single(bits))));
  }
}

TEST_CASE("the error bounds hold, measured with twice the limbs") {
  std::mt19937_64 random(11);
  uint64_t worst_exp = 0;
  for (int i = 0; i < 3000; ++i) {
    const Fixed<2> r = Fixed<2>{{random(), random()}} * detail::ln2<2>();
    const Fixed<4> same{{0, 0, r.limbs[0], r.limbs[1]}};
    const Fixed<2> low = cut<2>(detail::expm1_fraction(same)) - detail::expm1_fraction(r);
    REQUIRE(low.limbs[1] == 0);
    worst_exp = std::max(worst_exp, low.limbs[0]);
    const Fixed<2> d = r >> 19;
    const Fixed<4> same_d = Fixed<4>{{0, 0, d.limbs[0], d.limbs[1]}};
    const Fixed<2> off =
        cut<2>(detail::log1p_fraction(same_d)) - detail::log1p_fraction(d) + Fixed<2>::units(4);
    REQUIRE(off < Fixed<2>::units(9));
  }
  CHECK(worst_exp < detail::exp_error(2));
  CHECK(worst_exp > 50);  // the bound is 4096; it is not idle
}

TEST_CASE("from 2^20 on a power is far outside every format") {
  for (const Function function : {Function{exp_exact}, Function{exp2_exact}}) {
    const Narrow large = function(power_of_two(20));
    CHECK(round_pack(fp64, large, nearest_even).bits == 0x7FF0'0000'0000'0000);
    CHECK(round_pack(fp64, large, toward_zero).bits == 0x7FEF'FFFF'FFFF'FFFF);
    const Narrow small = function(power_of_two(1000, true));
    CHECK(round_pack(fp64, small, nearest_even).bits == 0);
    CHECK(round_pack(fp64, small, upward).bits == 1);
    CHECK(has(round_pack(fp64, small, nearest_even).flags, Flag::underflow));
  }
  CHECK(exp_exact(power_of_two(19)).exponent == 756387 - 61);  // 2^19 log2 e = 756387.65
}

TEST_CASE("far from zero tanh stays below 1") {
  for (const int exponent : {5, 6, 100, 60000}) {
    const Narrow y = tanh_exact(power_of_two(exponent, true));
    CHECK(y.negative);
    CHECK(y.significand == (uint64_t{1} << 62) - 1);
    CHECK(y.exponent == -62);
  }
  CHECK(round_pack(fp32, tanh_exact(integer(100)), toward_zero).bits == 0x3F7F'FFFF);
  CHECK(round_pack(fp32, tanh_exact(integer(100)), nearest_even).bits == 0x3F80'0000);
}

TEST_CASE("Soft numbers have the functions, rounded once") {
  using B = Soft<bf16>;
  using D = Soft<fp64>;
  CHECK(exp(B(1.0)) == B(2.71875));
  CHECK(exp2(B(-3.0)) == B(0.125));
  CHECK(log2(B(0.125)) == B(-3.0));
  CHECK(log(B(1.0)) == B(0.0));
  CHECK(tanh(B(-0.0)).bits() == 0x8000);
  CHECK(log(D(2.0)).bits() == 0x3FE6'2E42'FEFA'39EF);
  CHECK(exp(D(1.0)).bits() == 0x4005'BF0A'8B14'5769);
  CHECK(isnan(log(B(-1.0))));
  // From binary32 to bf16 in one rounding, with what it threw away.
  const auto y = exp_to<B>(Soft<fp32>(1.0F));
  CHECK(y.value == B(2.71875));
  CHECK(y.residue == 128'690'013);  // (2.71875 - e) 2^6 2^32, cut
  CHECK(has(y.flags, Flag::inexact));
  const auto huge = exp_to<Soft<e4m3fn>>(Soft<fp32>(7.0F));
  CHECK(isnan(huge.value));
  CHECK(has(huge.flags, Flag::overflow));
  CHECK(has(log_to<B>(B(0.0)).flags, Flag::divide_by_zero));
  CHECK(tanh_to<Soft<bf16, upward>>(B(0x1p-100)).value.bits() == B(0x1p-100).bits());
  CHECK(exp2_to<B>(B(0.5)).value == B(1.4140625));
  CHECK(log2_to<B>(B(3.0)).value == B(1.5859375));
}

TEST_CASE("formats of 64 significant bits have them too") {
  constexpr Format extended{.exponent_bits = 15, .trailing_bits = 63, .bias = 16383};
  using X = Soft<extended>;
  const X e = exp(X(1.0));
  CHECK(static_cast<uint64_t>(e.bits()) == 0x2DF8'5458'A2BB'4A9B);  // the hidden bit is not stored
  CHECK(static_cast<uint64_t>(e.bits() >> 64) == 0x2000);
}

TEST_CASE("everything is a constant expression") {
  using H = Soft<fp16>;
  static_assert(exp(H(1.0)).bits() == 0x4170);
  static_assert(exp2(H(0.5)).bits() == 0x3DA8);
  static_assert(log(H(2.0)).bits() == 0x398C);
  static_assert(log2(H(3.0)).bits() == 0x3E57);
  static_assert(tanh(H(1.0)).bits() == 0x3A18);
}
