// The fused sum against its rules in whole numbers of any size, and against the vectors that tell
// one model from another.
#include "ulpscope/hardware/fused_sum.hpp"

#include "ulpscope/hardware/chip.hpp"

#include <cmath>
#include <string>

#include "hardware/fused_sum_corners.hpp"
#include "hardware/operands.hpp"
#include <boost/multiprecision/cpp_int.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Integer = boost::multiprecision::cpp_int;

// ---- The rules again, by value: numbers are whole multiples of 2^-400 ---------------------------

constexpr int point = 400;

struct Number {
  Integer value;  // in 2^-point for C, 2^(-point/2) for a factor
  int exponent;   // of the binade; the smallest normal one for subnormals
};

Number number(const Format& f, uint64_t code, int unit) {
  const auto field = static_cast<int>((code & exponent_mask(f)) >> f.trailing_bits);
  const int exponent = std::max(field, 1) - f.bias;
  Integer magnitude = (code & trailing_mask(f)) + (field > 0 ? uint64_t{1} << f.trailing_bits : 0);
  magnitude <<= exponent - f.trailing_bits + unit;
  return {is_negative(f, code) ? Integer(-magnitude) : magnitude, exponent};
}

Integer cut_to(const Integer& x, int power) {  // to a multiple of 2^power, toward zero
  const Integer grid = Integer(1) << (power + point);
  return x / grid * grid;
}

uint32_t sum_by_value(const FusedSum& row, const Format& f, uint32_t c,
                      const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<Number> terms{number(fp32, c, point)};
  for (size_t k = 0; k < a.size(); ++k) {
    const Number x = number(f, a[k], point / 2);
    const Number y = number(f, b[k], point / 2);
    terms.push_back({x.value * y.value, x.exponent + y.exponent});
  }
  int largest = row.floor_exponent;
  for (const Number& term : terms) {
    if (term.value != 0) largest = std::max(largest, term.exponent);
  }
  Integer sum = 0;
  for (const Number& term : terms) sum += cut_to(term.value, largest - row.fraction_bits);
  if (sum == 0) return 0;
  const Integer magnitude = abs(sum);
  const int top = static_cast<int>(msb(magnitude)) - point;
  const uint32_t sign = sum < 0 ? 0x8000'0000 : 0;
  if (top > 127) return sign | 0x7F80'0000;
  const Integer kept = cut_to(magnitude, std::max(top, -126) - row.result_fraction_bits);
  if (kept == 0) return 0;
  const auto in_last_places = static_cast<uint32_t>(kept >> (std::max(top, -126) - 23 + point));
  return sign | ((static_cast<uint32_t>(std::max(top, -126) + 126) << 23) + in_last_places);
}

void check_random(OperandSource& source, const MatrixUnit& unit, int turns) {
  int different = 0;
  for (int i = 0; i < turns; ++i) {
    const int spread = i % 71;
    const auto terms = static_cast<size_t>(unit.sum.terms);
    const auto a = source.codes(unit.input, spread, terms);
    const auto b = source.codes(unit.input, spread, terms);
    const uint32_t c = source.code(fp32, i % 2 == 0 ? 2 * spread : 140);
    const uint32_t sum = fused_sum(unit.sum, unit.input, c, a.data(), b.data(), unit.sum.terms);
    different += sum != sum_by_value(unit.sum, unit.input, c, a, b);
  }
  CHECK(different == 0);
}

// ---- Single vectors on the H200's bf16 row
// -------------------------------------------------------

struct Product {
  double a;
  double b;
};

uint32_t single(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

uint32_t hopper(std::initializer_list<Product> products, uint32_t c = 0) {
  std::vector<uint32_t> a(16, 0);
  std::vector<uint32_t> b(16, 0);
  size_t k = 0;
  for (const Product& p : products) {
    a[k] = Soft<bf16>(p.a).bits();
    b[k++] = Soft<bf16>(p.b).bits();
  }
  return fused_sum(matrix_unit(chip_named("h200"), bf16).sum, bf16, c, a.data(), b.data(), 16);
}

template <Format F>
void check_corners(int terms) {
  const FusedSum& row = matrix_unit(chip_named("h200"), F).sum;
  for (const cuda::Corner& corner : cuda::corners<F>(terms)) {
    CAPTURE(corner.question);
    CAPTURE(format_name(F));
    std::vector<uint32_t> a(static_cast<size_t>(terms), 0);
    std::vector<uint32_t> b(static_cast<size_t>(terms), 0);
    for (size_t k = 0; k < corner.products.size(); ++k) {
      a[k] = corner.products[k].a;
      b[k] = corner.products[k].b;
    }
    CHECK(fused_sum(row, F, corner.c, a.data(), b.data(), terms) == corner.expected);
  }
}

}  // namespace

TEST_CASE("random sums follow the rules, on every chip") {
  OperandSource source(1);
  for (const Chip& chip : chips) {
    if (chip.name == "h200") continue;
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms == 0) continue;
      CAPTURE(std::string(chip.name));
      CAPTURE(format_name(unit.input));
      check_random(source, unit, 4000);
    }
  }
}

TEST_CASE("the vectors that an H200 answered have the same answers here") {
  check_corners<bf16>(16);
  check_corners<fp16>(16);
  check_corners<tf32>(8);
}

TEST_CASE("the grid has a floor at 2^-133") {
  const auto one_step_below = [](int n) { return single(std::ldexp(1.0, n) - 0x1p-149); };
  CHECK(hopper({{0x1p-63, 0x1p-64}, {-0x1p-76, 0x1p-76}}) == one_step_below(-127));
  CHECK(hopper({{0x1p-65, 0x1p-65}, {-0x1p-77, 0x1p-78}}) == one_step_below(-130));
  CHECK(hopper({{0x1p-66, 0x1p-67}, {-0x1p-79, 0x1p-79}}) == one_step_below(-133));
  CHECK(hopper({{0x1p-67, 0x1p-67}, {-0x1p-79, 0x1p-80}}) == single(0x1p-134));
}

TEST_CASE("zero products do not raise the grid") {
  CHECK(hopper({{0, 0x1p126}, {0x1p-10, 1}, {-0x1p-10, 1}, {0x1p-15, 0x1p-15}}) == single(0x1p-30));
}

TEST_CASE("a zero sum is +0, whatever the signs of the zeros") {
  CHECK(hopper({{-0.0, 1}}, 0x8000'0000) == 0);
  CHECK(hopper({{1, 1}, {-1, 1}}) == 0);
  CHECK(hopper({{1, 1}}, single(-1)) == 0);
  CHECK(hopper({}, 0x8000'0000) == 0);
}

TEST_CASE("the header's examples") {
  CHECK(hopper({{0x1p-12, 0x1p-13}}, single(1)) == single(1));
  const auto four = {Product{0x1p-12, 0x1p-13}, Product{0x1p-12, 0x1p-13},
                     Product{0x1p-12, 0x1p-13}, Product{0x1p-12, 0x1p-13}};
  CHECK(hopper(four, single(1)) == single(1 + 0x1p-23));
  CHECK(hopper({{0.25, 1}}, single(0x1p24)) == single(0x1p24));
  CHECK(hopper({{-0.25, 1}}, single(0x1p24)) == single(0x1p24));  // cut before, not borrowed
}

TEST_CASE("a step of zero products returns C, on every chip with a result of 24 bits") {
  OperandSource source(3);
  for (const Chip& chip : chips) {
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms == 0) continue;
      const std::vector<uint32_t> zeros(32, 0);
      std::vector<uint32_t> minus(32, static_cast<uint32_t>(sign_mask(unit.input)));
      for (int i = 0; i < 2000; ++i) {
        uint32_t c = source.code(fp32, 140);
        if (c == 0x8000'0000) c = 0;  // the one C that does not come back
        // FP8's accumulator has 13 fraction bits, and so has every C that it ever returned.
        if (unit.sum.result_fraction_bits == 13) c &= ~low_mask<uint32_t>(10);
        if (is_zero(fp32, c)) c = 0;
        const auto sum = [&](const std::vector<uint32_t>& a) {
          return fused_sum(unit.sum, unit.input, c, a.data(), zeros.data(), unit.sum.terms);
        };
        REQUIRE(sum(zeros) == c);
        REQUIRE(sum(minus) == c);
      }
    }
  }
}

TEST_CASE("the order of the products is of no account") {
  OperandSource source(4);
  const MatrixUnit& unit = matrix_unit(chip_named("h200"), bf16);
  for (int i = 0; i < 2000; ++i) {
    auto a = source.codes(bf16, i % 20, 16);
    auto b = source.codes(bf16, i % 20, 16);
    const uint32_t c = source.code(fp32, 10);
    const uint32_t sum = fused_sum(unit.sum, bf16, c, a.data(), b.data(), 16);
    for (size_t k = 15; k > 0; --k) {
      const size_t other = source.below(k + 1);
      std::swap(a[k], a[other]);
      std::swap(b[k], b[other]);
    }
    REQUIRE(fused_sum(unit.sum, bf16, c, a.data(), b.data(), 16) == sum);
  }
}

TEST_CASE("missing terms are zero terms") {
  OperandSource source(5);
  const MatrixUnit& unit = matrix_unit(chip_named("h200"), fp16);
  for (int i = 0; i < 500; ++i) {
    auto a = source.codes(fp16, 5, 16);
    const auto b = source.codes(fp16, 5, 16);
    const auto shown = static_cast<int>(source.below(16));
    const uint32_t sum = fused_sum(unit.sum, fp16, 0x3F80'0000, a.data(), b.data(), shown);
    for (size_t k = static_cast<size_t>(shown); k < 16; ++k) a[k] = 0;
    REQUIRE(fused_sum(unit.sum, fp16, 0x3F80'0000, a.data(), b.data(), 16) == sum);
  }
}

TEST_CASE("a chain hands the result of a step to the next as its C") {
  OperandSource source(6);
  const FusedSum& ampere = matrix_unit(chip_named("sm80"), bf16).sum;
  for (int i = 0; i < 500; ++i) {
    const auto a = source.codes(bf16, 6, 21);
    const auto b = source.codes(bf16, 6, 21);
    uint32_t c = fused_sum(ampere, bf16, 0x4000'0000, &a[0], &b[0], 8);
    c = fused_sum(ampere, bf16, c, &a[8], &b[8], 8);
    c = fused_sum(ampere, bf16, c, &a[16], &b[16], 5);
    REQUIRE(fused_chain(ampere, Factors{bf16, bf16}, 0x4000'0000, a.data(), b.data(), 21) == c);
  }
  const std::vector<uint32_t> none;
  CHECK(fused_chain(ampere, Factors{bf16, bf16}, 0x4000'0000, none.data(), none.data(), 0) ==
        0x4000'0000);
}

TEST_CASE("Hopper's FP8 result has 13 fraction bits in a binary32") {
  const FusedSum& row = matrix_unit(chip_named("h200"), e4m3fn).sum;
  const std::vector<uint32_t> one(32, Soft<e4m3fn>(1.0).bits());
  const std::vector<uint32_t> zeros(32, 0);
  const auto with_c = [&](double c) {
    return fused_sum(row, e4m3fn, single(c), one.data(), zeros.data(), 32);
  };
  CHECK(with_c(1 + 0x1p-13) == single(1 + 0x1p-13));
  CHECK(with_c(1 + 0x1p-14) == single(1));
  CHECK(with_c(-(1 + 0x1.8p-13)) == single(-(1 + 0x1p-13)));
}

TEST_CASE("a fused sum is a constant expression") {
  constexpr uint16_t a[] = {0x3F80};
  constexpr uint16_t b[] = {0x4000};
  constexpr FusedSum hopper_row{.terms = 16, .fraction_bits = 25, .floor_exponent = -133};
  static_assert(fused_sum(hopper_row, bf16, 0x3F80'0000, a, b, 1) == 0x4040'0000);  // 1 + 1 * 2
  CHECK(fused_sum(hopper_row, bf16, 0, a, b, 1) == 0x4000'0000);
}
