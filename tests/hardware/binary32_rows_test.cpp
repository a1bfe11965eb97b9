// Rows by the host's arithmetic against the chip's instructions, which Soft computes.
#include "ulpscope/hardware/binary32_rows.hpp"

#include "ulpscope/hardware/scalar.hpp"

#include <cfenv>
#include <vector>

#include "hardware/operands.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

constexpr Rounding ftz{.mode = Mode::nearest_even, .policy = {.flush = Flush::both}};

// Numbers of all sizes, edges and special values.
std::vector<uint32_t> operands(uint64_t seed) {
  OperandSource source(seed);
  std::vector<uint32_t> x{0,           0x8000'0000, 1,           0x8000'0001, 0x007F'FFFF,
                          0x0080'0000, 0x8080'0000, 0x0080'0001, 0x3F7F'FFFF, 0x3F80'0000,
                          0x3F80'0001, 0xBF80'0000, 0x7F7F'FFFF, 0xFF7F'FFFF, 0x7F80'0000,
                          0xFF80'0000, 0x7FC0'1234, 0xFF80'0001, 0x3F00'0000, 0x0100'0000};
  for (const int spread : {0, 3, 30, 127}) {
    for (int i = 0; i < 300; ++i) x.push_back(source.code(fp32, spread));
  }
  // Two factors of a product near the smallest normal number.
  for (int i = 0; i < 300; ++i) x.push_back(source.code(fp32, 64, 1));
  return x;
}

// Whether a row of every x with one y is what `single` makes of each, under any host rounding.
template <class RowFunction, class Single>
int differences(const RowFunction& row, const Single& single) {
  const auto x = operands(1);
  const auto y = operands(2);
  int different = 0;
  constexpr int directions[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (size_t j = 0; j < y.size(); ++j) {
    std::vector<uint32_t> found(x.size());
    std::fesetround(directions[j % 4]);
    row(x, y[j], found);
    std::fesetround(FE_TONEAREST);
    for (size_t i = 0; i < x.size(); ++i) different += found[i] != single(x[i], y[j]);
  }
  return different;
}

std::vector<uint32_t> repeated(uint32_t y, size_t count) { return std::vector<uint32_t>(count, y); }

}  // namespace

TEST_CASE("products are fmul's, subnormals kept or flushed") {
  const auto kept = [](uint32_t x, uint32_t y) { return fmul(x, y); };
  const auto flushed = [](uint32_t x, uint32_t y) { return fmul<ftz>(x, y); };
  CHECK(differences([](Row32 x, uint32_t y,
                       std::span<uint32_t> to) { multiply_row(x, y, Flush::none, to); },
                    kept) == 0);
  CHECK(differences([](Row32 x, uint32_t y,
                       std::span<uint32_t> to) { multiply_row(x, y, Flush::both, to); },
                    flushed) == 0);
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) {
              multiply_rows(x, repeated(y, x.size()), Flush::none, to);
            },
            kept) == 0);
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) {
              multiply_rows(x, repeated(y, x.size()), Flush::both, to);
            },
            flushed) == 0);
}

TEST_CASE("sums are fadd's, subnormals kept or flushed") {
  const auto kept = [](uint32_t x, uint32_t y) { return fadd(x, y); };
  const auto flushed = [](uint32_t x, uint32_t y) { return fadd<ftz>(x, y); };
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) { add_to_row(x, y, Flush::none, to); },
            kept) == 0);
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) { add_to_row(x, y, Flush::both, to); },
            flushed) == 0);
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) {
              add_rows(x, repeated(y, x.size()), Flush::none, to);
            },
            kept) == 0);
  CHECK(differences(
            [](Row32 x, uint32_t y, std::span<uint32_t> to) {
              add_rows(x, repeated(y, x.size()), Flush::both, to);
            },
            flushed) == 0);
}

TEST_CASE(
    "a flushed product stays if it rounds up to the smallest normal number at full precision") {
  const auto flushed = [](uint32_t x, uint32_t y) {
    uint32_t result = 0;
    multiply_row({&x, 1}, y, Flush::both, {&result, 1});
    return result;
  };
  CHECK(flushed(0x0080'0000, 0x3F7F'FFFF) == 0);            // 2^-126 (1 - 2^-24)
  CHECK(flushed(0x8080'0001, 0x3F7F'FFFF) == 0x8080'0000);  // -2^-126 (1 + 2^-24 - 2^-47)
  CHECK(flushed(0x0080'0001, 0x3F7F'FFFE) == 0x0080'0000);  // 2^-126 (1 - 2^-46)
}

TEST_CASE("a row may be computed in place") {
  std::vector<uint32_t> x = operands(3);
  const auto before = x;
  multiply_row(x, 0x4040'0000, Flush::none, x);
  for (size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == fmul(before[i], 0x4040'0000));
}

TEST_CASE("the columns of a lane are added in ascending order, one rounding each") {
  const auto all = operands(4);
  for (size_t from = 0; from + 64 < all.size(); from += 16) {
    const uint32_t* const p = &all[from];
    for (const ColumnGroups& groups :
         {ColumnGroups{0, 2, 8, 0, 64}, ColumnGroups{2, 2, 8, 3, 61}, ColumnGroups{6, 2, 8, 20, 40},
          ColumnGroups{0, 64, 64, 1, 64}, ColumnGroups{5, 1, 4, 0, 64},
          ColumnGroups{4, 2, 8, 64, 64}}) {
      uint32_t expected = 0x3E80'0000;
      for (int64_t c = groups.begin; c < groups.end; ++c) {
        const bool mine = c >= groups.start && (c - groups.start) % groups.stride < groups.width;
        if (mine) expected = fadd(expected, p[c]);
      }
      REQUIRE(sum_columns(0x3E80'0000, p, groups) == expected);
    }
  }
}

TEST_CASE("a maximum is fmaximum over all, in any order") {
  const auto all = operands(5);
  for (size_t from = 0; from + 9 < all.size(); ++from) {
    const Row32 row(&all[from], 9);
    uint32_t expected = 0xFF80'0000;
    for (const uint32_t x : row) expected = fmaximum(expected, x);
    REQUIRE(maximum_of_row(0xFF80'0000, row) == expected);
  }
  const std::vector<uint32_t> nans(3, 0x7FC0'0000);
  CHECK(maximum_of_row(0xFF80'0000, nans) == 0xFF80'0000);
  CHECK(maximum_of_row(0xFFC0'0000, nans) == gpu_nan);
  CHECK(maximum_of_row(0x8000'0000, std::vector<uint32_t>{0, 0x8000'0000}) == 0);
  CHECK(maximum_of_row(0x8000'0000, {}) == 0x8000'0000);
}
