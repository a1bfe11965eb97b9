// Exact sums of many columns against exact_dot, on every instruction set: near and far exponents,
// starts that cancel, windows, specials, columns that begin inside a block.
#include "ulpscope/attention/exact_products.hpp"

#include <cmath>

#include "attention/exact_rows.hpp"
#include "attention/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Operand random_operand(Random& random, const Format& f, int64_t rows, int64_t length, int spread) {
  Operand operand(f, rows, length, 40);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < length; ++k) {
      const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
      const double x = std::ldexp(random.below(9) == 0 ? 0.0 : random.bell(), n);
      const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
      operand.set(r, k, round_pack(f, exact, toward_zero).bits);
    }
  }
  return operand;
}

struct Tally {
  int64_t held = 0;
  int64_t left = 0;
  int64_t different = 0;
};

// Rows of `a` with a tile of the columns that begins at `first`, terms from `from` on.
void compare(const Operand& a, const Operand& b, int64_t first, int64_t from, int64_t length,
             const std::vector<uint32_t>& start, Tally& tally) {
  ColumnTile tile;
  tile.measure(b, first, b.rows() - first, from, length);
  const uint32_t* const begin = start.empty() ? nullptr : start.data();
  for (int64_t i = 0; i < a.rows(); ++i) {
    const int64_t skipped = i % 3;
    const ExactDots products({a, i, from},
                             {tile, skipped, begin == nullptr ? nullptr : begin + skipped}, length);
    const int64_t count = b.rows() - first - skipped;
    ExactValues row;
    products.row(0, count, row);
    for (int64_t j = 0; j < count; ++j) {
      const auto at = static_cast<size_t>(j);
      if (!is_held(row, at)) {
        ++tally.left;
        continue;
      }
      ++tally.held;
      const auto expected = products(j);
      // Two numbers with a gap between them may hold what 126 bits do not.
      tally.different += !expected.sticky && !equal(held_value(row, at), expected);
    }
  }
}

Tally compare_random(uint64_t seed, const Format& fa, const Format& fb, int spread_a,
                     int spread_b) {
  Random random(seed);
  Tally tally;
  for (const int64_t length : {1, 16, 63, 128}) {
    const Operand a = random_operand(random, fa, 5, length + 2, spread_a);
    Operand b = random_operand(random, fb, 100, length + 2, spread_b);
    b.pack();
    std::vector<uint32_t> start(100);
    for (auto& one : start) {
      one = bit_cast<uint32_t>(static_cast<float>(std::ldexp(random.bell(), spread_b)));
    }
    compare(a, b, 0, 0, length, {}, tally);
    compare(a, b, 37, 2, length, start, tally);
  }
  return tally;
}

}  // namespace

TEST_CASE("products of rows with near exponents are held, and exact") {
  on_every_instruction_set([](bool) {
    for (const Format& f : {bf16, fp16, tf32, e4m3fn, e5m2}) {
      const Tally tally = compare_random(1, f, f, 3, 3);
      CHECK(tally.different == 0);
      CHECK(100 * tally.left < tally.held);
    }
    const Tally tally = compare_random(2, ieee_like(5, 7), fp16, 2, 4);
    CHECK(tally.different == 0);
    CHECK(100 * tally.left < tally.held);
  });
}

TEST_CASE("a row of far exponents goes by windows") {
  on_every_instruction_set([](bool) {
    for (uint64_t seed = 3; seed < 9; ++seed) {
      for (const int spread : {8, 16, 25}) {
        const Tally tally = compare_random(seed, bf16, bf16, spread, 1);
        CHECK(tally.different == 0);
        CHECK(100 * tally.left < tally.held);
      }
      const Tally tally = compare_random(seed, bf16, bf16, 60, 1);
      CHECK(tally.different == 0);
      CHECK(tally.held > 0);
    }
  });
}

TEST_CASE("factors of 24 bits enter in halves") {
  on_every_instruction_set([](bool) {
    for (const int spread : {1, 10, 20}) {
      const Tally tally = compare_random(10, fp32, bf16, spread, 2);
      CHECK(tally.different == 0);
      CHECK(100 * tally.left < tally.held);
    }
    const Tally tally = compare_random(11, ieee_like(8, 15), fp16, 12, 2);
    CHECK(tally.different == 0);
    CHECK(100 * tally.left < tally.held);
  });
}

TEST_CASE("a wide row of zeros before far columns is zero") {
  on_every_instruction_set([](bool) {
    Random random(12);
    const Operand a(fp32, 1, 128, 40);
    for (const int spread : {1, 6, 9}) {
      Operand b = random_operand(random, bf16, 40, 128, spread);
      b.pack();
      Tally tally;
      compare(a, b, 0, 0, 128, {}, tally);
      CHECK(tally.held + tally.left == 40);
      CHECK(tally.different == 0);
    }
  });
}

TEST_CASE("columns of far exponents, and of subnormals, are exact where they are held") {
  on_every_instruction_set([](bool) {
    Tally all;
    for (uint64_t seed = 20; seed < 26; ++seed) {
      for (const int spread : {6, 11, 14, 30}) {
        const Tally tally = compare_random(seed, bf16, bf16, 4, spread);
        CHECK(tally.different == 0);
        all.held += tally.held;
        all.left += tally.left;
      }
    }
    CHECK(all.held > 0);
    CHECK(all.left > 0);
    Random random(30);
    Operand a(bf16, 3, 32);
    Operand b(bf16, 40, 32);
    for (int64_t k = 0; k < 32; ++k) {
      for (int64_t r = 0; r < 3; ++r) a.set(r, k, static_cast<uint64_t>(random.below(0x180)));
      for (int64_t r = 0; r < 40; ++r) b.set(r, k, static_cast<uint64_t>(random.below(0x180)));
    }
    b.pack();
    Tally tally;
    compare(a, b, 0, 0, 32, {}, tally);
    CHECK(tally.different == 0);
    CHECK(100 * tally.left < tally.held);
  });
}

TEST_CASE("infinities and NaN are held nowhere") {
  on_every_instruction_set([](bool) {
    Random random(40);
    Operand a = random_operand(random, bf16, 2, 16, 1);
    Operand b = random_operand(random, bf16, 3, 16, 1);
    a.set(1, 5, 0x7F80);
    b.set(2, 6, 0x7FC0);
    b.pack();
    ColumnTile tile;
    tile.measure(b, 0, 3, 0, 16);
    const std::vector<uint32_t> start{0x7F80'0000, 0x3F80'0000, 0};
    ExactValues row;
    ExactDots({a, 0, 0}, {tile}, 16).row(0, 3, row);
    CHECK(is_held(row, 0));
    CHECK(is_held(row, 1));
    CHECK_FALSE(is_held(row, 2));
    ExactDots({a, 0, 0}, {tile, 0, start.data()}, 16).row(0, 3, row);
    CHECK_FALSE(is_held(row, 0));
    CHECK(is_held(row, 1));
    ExactDots({a, 1, 0}, {tile}, 16).row(0, 3, row);
    for (size_t j = 0; j < 3; ++j) CHECK_FALSE(is_held(row, j));
  });
}

TEST_CASE("a start that cancels the products leaves what is small") {
  on_every_instruction_set([](bool) {
    Operand a(bf16, 1, 2);
    Operand b(bf16, 1, 2);
    a.set(0, 0, code16(bf16, 1));
    a.set(0, 1, code16(bf16, 0x1p-90));
    b.set(0, 0, code16(bf16, 3));
    b.set(0, 1, code16(bf16, 5));
    b.pack();
    ColumnTile tile;
    tile.measure(b, 0, 1, 0, 2);
    const uint32_t minus_three = 0xC040'0000;
    ExactValues row;
    ExactDots({a, 0, 0}, {tile, 0, &minus_three}, 2).row(0, 1, row);
    CHECK(row.high[0] == 0x1.4p-88);
    CHECK(row.low[0] == 0);
  });
}
