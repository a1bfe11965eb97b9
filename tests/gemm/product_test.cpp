#include "ulpscope/gemm/product.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/wide_sum.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>

#include "hardware/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Binary32 = Soft<fp32>;

// Rows of codes, and the operand that holds them.
struct Matrix {
  Format format;
  std::vector<std::vector<uint32_t>> rows;
  Operand operand;

  Matrix(const Format& f, std::vector<std::vector<uint32_t>> codes)
      : format(f),
        rows(std::move(codes)),
        operand(f, static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())) {
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t k = 0; k < rows[r].size(); ++k) {
        operand.set(static_cast<int64_t>(r), static_cast<int64_t>(k), rows[r][k]);
      }
    }
  }
};

Matrix random_matrix(OperandSource& source, const Format& f, size_t rows, size_t k, int spread) {
  std::vector<std::vector<uint32_t>> codes;
  for (size_t r = 0; r < rows; ++r) codes.push_back(source.codes(f, spread, k));
  return {f, std::move(codes)};
}

// The rules of the two kernels, spelled out over codes: a chain a group, groups and then parts
// added in binary32, one factor.
struct NaiveRules {
  size_t group;
  std::vector<size_t> parts;
  GemmScales scales;
};

uint32_t naive_product(const FusedSum& sum, const Format& f, const std::vector<uint32_t>& a,
                       const std::vector<uint32_t>& b, const NaiveRules& rules) {
  const auto chain = [&](size_t from, size_t length) {
    return Binary32::from_bits(
        fused_chain(sum, {f, f}, 0, &a[from], &b[from], static_cast<int>(length)));
  };
  Binary32 total(0.0);
  size_t from = 0;
  for (const size_t part : rules.parts) {
    const size_t end = from + part;
    Binary32 of_part(0.0);
    while (from < end) {
      const size_t length = rules.group == 0 ? part : std::min(rules.group, end - from);
      of_part = of_part + chain(from, length);
      from += length;
    }
    total = total + of_part;
  }
  const auto scale = Binary32::from_bits(rules.scales.a) * Binary32::from_bits(rules.scales.b);
  return (total * scale).bits();
}

// A single element.
uint32_t product_register(const GemmPlan& plan, const Operand& a, int64_t i, const Operand& b,
                          int64_t j) {
  uint32_t d = 0;
  product_row(plan, a, i, b, j, {&d, 1});
  return d;
}

// Every element of both ways, NaN equal to NaN; B as it is, and packed from its third row on.
int different(const GemmPlan& plan, const Matrix& a, const Matrix& b, const NaiveRules& rules) {
  int count = 0;
  Operand packed = b.operand;
  packed.pack();
  for (const auto& [operand, first] :
       {std::pair<const Operand*, size_t>{&b.operand, 0}, {&packed, 2}}) {
    std::vector<uint32_t> found(b.rows.size() - first);
    for (size_t i = 0; i < a.rows.size(); ++i) {
      product_row(plan, a.operand, static_cast<int64_t>(i), *operand, static_cast<int64_t>(first),
                  found);
      for (size_t j = 0; j < found.size(); ++j) {
        const uint32_t expected =
            naive_product(plan.unit->sum, a.format, a.rows[i], b.rows[first + j], rules);
        const bool both_nan = is_nan(fp32, found[j]) && is_nan(fp32, expected);
        count += !both_nan && found[j] != expected;
      }
    }
  }
  return count;
}

uint32_t binary32(double x) { return static_cast<uint32_t>(Binary32(x).bits()); }

}  // namespace

TEST_SUITE("gemm product") {
  TEST_CASE("every kernel on every chip gives what its rules say over codes") {
    OperandSource source(4);
    for (const auto& recipe : gemm_recipes()) {
      for (const auto& chip : chips) {
        if (std::none_of(chip.units.begin(), chip.units.end(), [&](const MatrixUnit& unit) {
              return unit.sum.terms != 0 && unit.input == recipe.input;
            })) {
          continue;
        }
        for (const size_t k : {1U, 31U, 128U, 300U}) {
          const int spread = recipe.input.exponent_bits == 4 ? 7 : 20;
          const Matrix a = random_matrix(source, recipe.input, 6, k, spread);
          const Matrix b = random_matrix(source, recipe.input, 7, k, spread);
          const auto plan = make_gemm_plan(recipe, chip, static_cast<int64_t>(k), {});
          const NaiveRules rules{static_cast<size_t>(recipe.group), {k}, {}};
          CAPTURE(recipe.name);
          CAPTURE(chip.name);
          CAPTURE(k);
          CHECK(different(plan, a, b, rules) == 0);
        }
      }
    }
  }

  TEST_CASE("parts of k are products of their own, added in binary32") {
    OperandSource source(5);
    const Matrix a = random_matrix(source, bf16, 20, 520, 6);
    const Matrix b = random_matrix(source, bf16, 20, 520, 6);
    const auto& recipe = gemm_recipe_named("cublas-bf16");
    const auto plan = make_gemm_plan(recipe, chip_named("h200"), 520, {.parts = 4});
    CHECK(different(plan, a, b, {0, {192, 128, 128, 72}, {}}) == 0);
    CHECK(different(plan, a, b, {0, {520}, {}}) > 0);
  }

  TEST_CASE("a part shorter than a group, and a short last group, are chains of their own") {
    OperandSource source(6);
    const Matrix a = random_matrix(source, e4m3fn, 8, 720, 4);
    const Matrix b = random_matrix(source, e4m3fn, 8, 720, 4);
    const auto& recipe = gemm_recipe_named("cublaslt-e4m3");
    const auto whole = make_gemm_plan(recipe, chip_named("h200"), 720, {});
    CHECK(different(whole, a, b, {128, {720}, {}}) == 0);
    CHECK(different(whole, a, b, {64, {720}, {}}) > 0);
    CHECK(different(whole, a, b, {0, {720}, {}}) > 0);
    const auto split = make_gemm_plan(recipe, chip_named("h200"), 720, {.parts = 5});
    CHECK(different(split, a, b, {128, {192, 192, 128, 128, 80}, {}}) == 0);
  }

  TEST_CASE("the scales are one product, and the sum is multiplied with it once") {
    OperandSource source(7);
    const Matrix a = random_matrix(source, e4m3fn, 16, 256, 4);
    const Matrix b = random_matrix(source, e4m3fn, 16, 256, 4);
    const GemmScales scales{binary32(0.0123), binary32(0.377)};
    const auto plan = make_gemm_plan(gemm_recipe_named("cublaslt-e4m3"), chip_named("h200"), 256,
                                     {.scales = scales});
    CHECK(different(plan, a, b, {128, {256}, scales}) == 0);
    // One factor after the other rounds differently.
    int other_order = 0;
    for (int64_t i = 0; i < 16; ++i) {
      const auto plain = make_gemm_plan(*plan.recipe, *plan.chip, 256, {});
      const auto sum = Binary32::from_bits(product_register(plain, a.operand, i, b.operand, i));
      const auto twice = sum * Binary32::from_bits(scales.a) * Binary32::from_bits(scales.b);
      other_order += twice.bits() != product_register(plan, a.operand, i, b.operand, i);
    }
    CHECK(other_order > 0);
  }

  TEST_CASE("infinities and NaN go the way of the fused sums") {
    const uint32_t one = 0x3F80;
    const uint32_t infinity = 0x7F80;
    std::vector<uint32_t> plain(64, one);
    auto infinite = plain;
    infinite[40] = infinity;
    auto nan = plain;
    nan[3] = 0x7FC0;
    auto zero = plain;
    zero[40] = 0;
    const Matrix a(bf16, {plain, infinite, nan});
    const Matrix b(bf16, {plain, zero});
    const auto plan = make_gemm_plan(gemm_recipe_named("cublas-bf16"), chip_named("h200"), 64, {});
    const auto d = [&](int64_t i, int64_t j) {
      return output_code(plan, product_register(plan, a.operand, i, b.operand, j));
    };
    CHECK(d(0, 0) == 0x4280);  // 64
    CHECK(d(1, 0) == infinity);
    CHECK(d(1, 1) == 0x7FFF);  // infinity times zero
    CHECK(d(2, 0) == 0x7FFF);
  }

  TEST_CASE("D is rounded once, from the binary32 sum") {
    // 1 + 2^-8 is half way between 1 and 1 + 2^-7 in bf16; 2^-20 above it, it is not.
    const Matrix a(bf16, {{0x3F80, 0x3B80, 0}, {0x3F80, 0x3B80, 0x3580}});
    const Matrix b(bf16, {{0x3F80, 0x3F80, 0x3F80}});
    const auto plan = make_gemm_plan(gemm_recipe_named("cublas-bf16"), chip_named("h200"), 3, {});
    CHECK(output_code(plan, product_register(plan, a.operand, 0, b.operand, 0)) == 0x3F80);
    CHECK(output_code(plan, product_register(plan, a.operand, 1, b.operand, 0)) == 0x3F81);
    const auto wide =
        make_gemm_plan(gemm_recipe_named("cublas-bf16"), chip_named("h200"), 3, {.output = fp32});
    CHECK(output_code(wide, product_register(wide, a.operand, 1, b.operand, 0)) == 0x3F80'8008);
  }

  TEST_CASE("the exact product is the sum of all products times both scales") {
    OperandSource source(8);
    const GemmScales scales{binary32(0.1), binary32(3.7)};
    for (const int spread : {3, 120}) {  // the second does not fit 126 bits
      const Matrix a = random_matrix(source, bf16, 4, 50, spread);
      const Matrix b = random_matrix(source, bf16, 4, 50, 3);
      const ExactProducts exact(a.operand, b.operand, scales);
      const auto scale = Soft<fp64>(Binary32::from_bits(scales.a)) *
                         Soft<fp64>(Binary32::from_bits(scales.b));  // 48 bits: exact
      for (size_t i = 0; i < 4; ++i) {
        for (size_t j = 0; j < 4; ++j) {
          WideSum sum;
          for (size_t k = 0; k < 50; ++k) {
            const auto x = decode<uint64_t>(bf16, a.rows[i][k]);
            const auto y = decode<uint64_t>(bf16, b.rows[j][k]);
            if (x.kind != Kind::finite || y.kind != Kind::finite) continue;
            sum.add(x.significand * y.significand, x.exponent + y.exponent,
                    x.negative != y.negative);
          }
          const auto leading = sum.leading();
          const double expected =
              std::ldexp(static_cast<double>(leading.magnitude), leading.exponent) *
              (leading.negative ? -1 : 1) * static_cast<double>(scale);
          const auto found = exact.at(static_cast<int64_t>(i), static_cast<int64_t>(j));
          const double value = bit_cast<double>(round_pack(fp64, found, nearest_even).bits);
          CHECK(value == doctest::Approx(expected).epsilon(0x1p-51));
        }
      }
    }
  }

  TEST_CASE("what a kernel or chip cannot do is refused") {
    const auto& h200 = chip_named("h200");
    const auto& plain = gemm_recipe_named("cublas-bf16");
    CHECK_THROWS_WITH_AS(make_gemm_plan(plain, h200, 64, {.scales = {binary32(2), binary32(1)}}),
                         doctest::Contains("takes no scales"), Error);
    CHECK_THROWS_WITH_AS(make_gemm_plan(plain, chip_named("sm70"), 64, {}),
                         doctest::Contains("do not multiply bf16"), Error);
    CHECK_THROWS_WITH_AS(make_gemm_plan(plain, h200, 64, {.output = fp64}),
                         doctest::Contains("--out-format fp64"), Error);
    CHECK_THROWS_WITH_AS(make_gemm_plan(plain, h200, 64, {.parts = 2}),
                         doctest::Contains("--split-k 2"), Error);
  }

  TEST_CASE("notes say what no recording holds") {
    const auto& h200 = chip_named("h200");
    const auto& plain = gemm_recipe_named("cublas-bf16");
    const auto& slow = gemm_recipe_named("cublaslt-e4m3");
    CHECK(product_notes(make_gemm_plan(plain, h200, 1024, {})).empty());
    CHECK(product_notes(make_gemm_plan(slow, h200, 4096, {.output = fp32})).empty());
    // One note, and it has these words.
    const auto notes = [&](const GemmPlan& plan, const char* words) {
      const auto all = product_notes(plan);
      CAPTURE(words);
      REQUIRE(all.size() == 1);
      CHECK(all[0].find(words) != std::string::npos);
    };
    notes(make_gemm_plan(plain, h200, 4096, {}), "without a cut only up to 1024");
    notes(make_gemm_plan(plain, h200, 4096, {.parts = 3}), "three cuts");
    notes(make_gemm_plan(plain, h200, 64, {.output = fp32}), "D in fp32");
    notes(make_gemm_plan(plain, chip_named("sm80"), 64, {}), "on sm80");
    notes(make_gemm_plan(gemm_recipe_named("cublas-fp16"), h200, 64, {}), "not recorded");
  }
}
