// The snippets of docs/unit_testing.md, word for word: unit_testing_page_test.cpp compares.
#include "ulpscope/arith/dot.hpp"
#include "ulpscope/arith/integers.hpp"
#include "ulpscope/arith/neighbours.hpp"
#include "ulpscope/arith/soft.hpp"
#include "ulpscope/interop/doctest.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("1.5 + 0.75 reaches the next binade and loses nothing") {
  using B = Soft<bf16>;
  const auto sum = add_to<B>(B(1.5), B(0.75));
  CHECK(sum.value == B(2.25));
  CHECK(sum.residue == 0);
  CHECK(has(sum.flags, Flag::carry_out));
}

TEST_CASE("rounding up to 2 is a carry of the rounding, not of the sum") {
  using B = Soft<bf16>;
  const auto sum = add_to<B>(B(0x1.fep0), B(0x1.8p-8));
  CHECK(sum.value == B(2.0));
  CHECK(has(sum.flags, Flag::round_carry));
  CHECK_FALSE(has(sum.flags, Flag::carry_out));
}

TEST_CASE("a residue of 2^-60 decides a tie") {
  using B = Soft<bf16>;
  const Soft<fp64> tie(1.0 + 0x1p-8);
  CHECK(has(convert_to<B>(tie).flags, Flag::tie));
  CHECK(convert_to<B>(tie).value == B(1.0));
  CHECK(add_to<B>(tie, Soft<fp64>(0x1p-60)).value == B(1.0 + 0x1p-7));
}

TEST_CASE("three nearest modes, one tie, two answers") {
  const Soft<fp32> tie(-1.0 - 0x1p-8);
  CHECK(Soft<bf16, nearest_even>(tie).bits() == 0xBF80);
  CHECK(Soft<bf16, nearest_away>(tie).bits() == 0xBF81);
  CHECK(Soft<bf16, nearest_zero>(tie).bits() == 0xBF80);
}

TEST_CASE("a same-sign residue makes the rounding of sums one-sided") {
  using B = Soft<bf16>;
  int64_t fair = 0;
  int64_t biased = 0;
  for (uint64_t x = 0x3F80; x < 0x4000; ++x) {  // every bf16 number in [1, 2)
    for (uint64_t y = 0x3F80; y < 0x4000; ++y) {
      const auto sum = Soft<fp64>(B::from_bits(x)) + Soft<fp64>(B::from_bits(y));  // exact
      fair += convert_to<B>(sum).residue;
      biased += add_to<B>(sum, Soft<fp64>(0x1p-30)).residue;
    }
  }
  constexpr int64_t pairs = 128 * 128;
  CHECK(fair == 0);
  const double mean_in_ulps = static_cast<double>(biased) / pairs / residue_one_ulp;
  CHECK(mean_in_ulps == doctest::Approx(0.25).epsilon(1e-6));
}

TEST_CASE("a dot product is rounded once, whatever cancels in it") {
  using B = Soft<bf16>;
  const Soft<fp32> x[] = {Soft<fp32>(1e30), Soft<fp32>(0x1.01p0), Soft<fp32>(-1e30)};
  const Soft<fp32> y[] = {Soft<fp32>(1.0), Soft<fp32>(1.0), Soft<fp32>(1.0)};
  const auto dot = dot_to<B>(x, y, 3);
  CHECK(dot.value == B(1.0));
  CHECK(has(dot.flags, Flag::tie));
  CHECK(dot.residue == -residue_one_ulp / 2);
}

TEST_CASE("the error of a chain of sums, counted in numbers between") {
  using B = Soft<bf16>;
  const B terms[] = {B(256), B(1), B(1), B(1)};
  B chain(0);
  for (const B term : terms) chain += term;
  const B exact = sum_to<B>(terms, 4).value;
  CHECK(chain == B(256));  // each 1 is half an ulp, and a tie to even
  CHECK(exact == B(260));  // 259 lies half way between 258 and 260
  CHECK(steps_between(bf16, chain.bits(), exact.bits()) == 2);
  CHECK(ulp(exact) == B(2));
  CHECK(to_integer<int32_t>(exact, Mode::nearest_even).value == 260);
}

TEST_CASE("E4M3 overflows to NaN unless it saturates") {
  using E4M3 = Soft<e4m3fn>;
  using Saturating = Soft<e4m3fn, saturating(nearest_even)>;
  CHECK(E4M3(464.0) == E4M3(448.0));  // the tie still rounds down
  CHECK(isnan(E4M3(465.0)));
  CHECK(Saturating(465.0) == Saturating(448.0));
  CHECK(has(convert_to<E4M3>(Soft<fp32>(465.0)).flags, Flag::overflow));
}

TEST_CASE("a product underflows gradually") {
  using H = Soft<fp16>;
  const auto product = multiply_to<H>(H(0x1p-14), H(0x1.8p-10));
  CHECK(product.value.bits() == 2);  // 1.5 x 2^-24 is a tie between codes 1 and 2
  CHECK(has(product.flags, Flag::subnormal));
  CHECK(has(product.flags, Flag::underflow));
}

TEST_CASE("a format that no chip has yet") {
  constexpr Format e3m4{.exponent_bits = 3,
                        .trailing_bits = 4,
                        .bias = 3,
                        .infinity = Infinity::absent,
                        .nan = Nan::none};
  using X = Soft<e3m4>;
  CHECK(X(31.0).bits() == 0x7F);  // the largest: 1.9375 x 2^4
  CHECK(X(1000.0) == X(31.0));    // no infinity, no NaN: it saturates
  CHECK(X(1.0) / X(3.0) == X(0.328125));
}

TEST_CASE("a format that a user names at run time") {
  const Format f = ieee_like(5, 7);
  const auto tenth = round_pack(f, decode<uint64_t>(fp32, 0x3DCCCCCD), upward);
  const auto x = decode<uint64_t>(f, tenth.bits);
  const Rounded square = round_pack(f, multiply(x, x), nearest_even);
  CHECK(is_finite(f, square.bits));
  CHECK(has(square.flags, Flag::inexact));
}

static_assert(Soft<bf16>(257) == Soft<bf16>(256));
static_assert(has(add_to<Soft<e5m2>>(Soft<e5m2>(1.75), Soft<e5m2>(1.75)).flags, Flag::carry_out));
