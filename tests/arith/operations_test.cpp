// The exact operations by themselves and with round_pack: what each does with specials, signs of
// zero and the edges of its word. All pairs of small formats are in tests/exhaustive.
#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr uint64_t one = 0x3C00;  // binary16
constexpr uint64_t infinity = 0x7C00;
constexpr uint64_t nan = 0x7E00;
constexpr uint64_t minus = 0x8000;

Exact<uint64_t> half(uint64_t bits) { return decode<uint64_t>(fp16, bits); }

Rounded add_bits(uint64_t x, uint64_t y, Rounding r = nearest_even) {
  return round_pack(fp16, add(half(x), half(y), r.mode), r);
}
Rounded multiply_bits(uint64_t x, uint64_t y) {
  return round_pack(fp16, multiply(half(x), half(y)), nearest_even);
}
Rounded divide_bits(uint64_t x, uint64_t y) {
  return round_pack(fp16, divide(half(x), half(y)), nearest_even);
}
Rounded fma_bits(uint64_t x, uint64_t y, uint64_t z, Rounding r = nearest_even) {
  return round_pack(fp16, fma(half(x), half(y), half(z), r.mode), r);
}
Rounded root_bits(uint64_t x) { return round_pack(fp16, square_root(half(x)), nearest_even); }

bool is_invalid(const Rounded& r) { return r.bits == nan && has(r.flags, Flag::invalid); }
bool is_quiet_nan(const Rounded& r) { return r.bits == nan && !has(r.flags, Flag::invalid); }

}  // namespace

TEST_CASE("a sum of zeros of both signs is -0 rounding down and +0 otherwise") {
  for (const auto& row : mode_names) {
    const uint64_t expected = row.mode == Mode::down ? minus : 0;
    CHECK(add_bits(0, minus, {row.mode}).bits == expected);
    CHECK(add_bits(minus, 0, {row.mode}).bits == expected);
    CHECK(add_bits(one, minus | one, {row.mode}).bits == expected);
    CHECK(fma_bits(one, one, minus | one, {row.mode}).bits == expected);
    CHECK(fma_bits(0, minus | one, 0, {row.mode}).bits == expected);
  }
}

TEST_CASE("a sum of zeros of one sign keeps it in every mode") {
  for (const auto& row : mode_names) {
    CHECK(add_bits(minus, minus, {row.mode}).bits == minus);
    CHECK(add_bits(0, 0, {row.mode}).bits == 0);
    CHECK(fma_bits(0, minus | one, minus, {row.mode}).bits == minus);
  }
}

TEST_CASE("a number plus zero is the number") {
  for (const uint64_t zero : {uint64_t{0}, minus}) {
    CHECK(add_bits(one, zero).bits == one);
    CHECK(add_bits(zero, minus | one).bits == (minus | one));
    CHECK(add_bits(one, zero).flags == Flag::none);
  }
}

TEST_CASE("infinities of opposite sign do not add") {
  CHECK(is_invalid(add_bits(infinity, minus | infinity)));
  CHECK(add_bits(infinity, infinity).bits == infinity);
  CHECK(add_bits(infinity, minus | one).bits == infinity);
  CHECK(add_bits(one, minus | infinity).bits == (minus | infinity));
  CHECK_FALSE(has(add_bits(infinity, one).flags, Flag::overflow));
}

TEST_CASE("a signalling NaN is invalid wherever it goes") {
  constexpr uint64_t signalling = 0x7C01;
  CHECK(is_invalid(add_bits(signalling, one)));
  CHECK(is_invalid(add_bits(nan, minus | signalling)));
  CHECK(is_invalid(multiply_bits(0, signalling)));
  CHECK(is_invalid(divide_bits(signalling, 0)));
  CHECK(is_invalid(root_bits(signalling)));
  CHECK(is_invalid(fma_bits(one, one, signalling)));
}

TEST_CASE("quiet NaN operands raise nothing and come out as the one quiet NaN") {
  for (const uint64_t quiet : {nan, minus | nan, nan | 1}) {
    CHECK(is_quiet_nan(add_bits(quiet, one)));
    CHECK(is_quiet_nan(add_bits(infinity, quiet)));
    CHECK(is_quiet_nan(multiply_bits(0, quiet)));
    CHECK(is_quiet_nan(divide_bits(quiet, 0)));
    CHECK(is_quiet_nan(root_bits(quiet)));
    CHECK(is_quiet_nan(fma_bits(one, one, quiet)));
  }
}

TEST_CASE("zero times infinity is invalid, also under a NaN addend") {
  CHECK(is_invalid(multiply_bits(0, infinity)));
  CHECK(is_invalid(multiply_bits(minus | infinity, 0)));
  CHECK(is_invalid(fma_bits(0, infinity, one)));
  CHECK(is_invalid(fma_bits(0, infinity, nan)));
  CHECK(is_invalid(fma_bits(infinity, one, minus | infinity)));
}

TEST_CASE("the sign of a product and a quotient is the product of the signs") {
  CHECK(multiply_bits(minus | one, minus | one).bits == one);
  CHECK(multiply_bits(minus | one, 0).bits == minus);
  CHECK(multiply_bits(infinity, minus | one).bits == (minus | infinity));
  CHECK(divide_bits(0, minus | one).bits == minus);
  CHECK(divide_bits(one, minus | infinity).bits == minus);
  CHECK(divide_bits(minus | infinity, one).bits == (minus | infinity));
}

TEST_CASE("a number divided by zero is an infinity that says so") {
  const Rounded r = divide_bits(minus | one, 0);
  CHECK(r.bits == (minus | infinity));
  CHECK(has(r.flags, Flag::divide_by_zero));
  CHECK_FALSE(has(r.flags, Flag::overflow));
  CHECK_FALSE(has(divide_bits(infinity, 0).flags, Flag::divide_by_zero));
  CHECK(is_invalid(divide_bits(0, minus)));
  CHECK(is_invalid(divide_bits(infinity, infinity)));
}

TEST_CASE("square roots of negative numbers are invalid, of -0 they are -0") {
  CHECK(is_invalid(root_bits(minus | one)));
  CHECK(is_invalid(root_bits(minus | infinity)));
  CHECK(root_bits(minus).bits == minus);
  CHECK(root_bits(infinity).bits == infinity);
  CHECK(root_bits(0x4400).bits == 0x4000);  // 4
  CHECK(root_bits(0x4400).flags == Flag::none);
  CHECK(root_bits(0x0001).bits == 0x0C00);  // 2^-24
}

TEST_CASE("exact quotients are exact and others keep a sticky rest") {
  const auto exact = divide(half(0x4600), half(0x4200));  // 6 / 3
  CHECK_FALSE(exact.sticky);
  CHECK(round_pack(fp16, exact, nearest_even).bits == 0x4000);
  CHECK(divide(half(one), half(0x4200)).sticky);
}

TEST_CASE("a term too small to meet the other's bits still makes the sum inexact") {
  const Rounded r = add_bits(0x7BFF, 0x0001);  // 65504 + 2^-24
  CHECK(r.bits == 0x7BFF);
  CHECK(has(r.flags, Flag::inexact));
  CHECK(add_bits(0x7BFF, 0x8001, toward_zero).bits == 0x7BFE);
  CHECK(add_bits(0x7BFF, 0x0001, upward).bits == infinity);
}

TEST_CASE("cancellation is exact") {
  const Rounded r = add_bits(0x3C01, minus | one);  // 1 + 2^-10 - 1
  CHECK(r.bits == 0x1400);
  CHECK(r.flags == Flag::none);
}

TEST_CASE("a fused multiply-add rounds once where a product and a sum round twice") {
  const auto x = decode<uint64_t>(fp32, 0x3F800800);  // 1 + 2^-12
  const auto minus_one = decode<uint64_t>(fp32, 0xBF800000);
  const Rounded fused = round_pack(fp32, fma(x, x, minus_one, Mode::nearest_even), nearest_even);
  CHECK(bit_cast<float>(static_cast<uint32_t>(fused.bits)) == 0x1p-11F + 0x1p-24F);
  CHECK(fused.residue == 0);
}

TEST_CASE("the product of the widest significands fits its word") {
  constexpr Format widest = ieee_like(1, 62);
  const auto x = decode<uint128>(widest, largest_finite_bits(widest));
  const auto square = multiply(x, x);
  CHECK(bit_width(square.significand) == 124);
  CHECK_FALSE(square.sticky);
}

TEST_CASE("flags of the operands are handed on by every kind of result") {
  const auto flagged = [](Exact<uint64_t> x) {
    x.flags = Flag::carry_out;
    return x;
  };
  for (const uint64_t bits : {uint64_t{0}, one, infinity, nan}) {
    const auto x = flagged(half(bits));
    CHECK(has(add(x, half(one), Mode::nearest_even).flags, Flag::carry_out));
    CHECK(has(add(half(infinity), x, Mode::nearest_even).flags, Flag::carry_out));
    CHECK(has(multiply(half(one), x).flags, Flag::carry_out));
    CHECK(has(divide(x, half(one)).flags, Flag::carry_out));
    CHECK(has(square_root(x).flags, Flag::carry_out));
  }
}
