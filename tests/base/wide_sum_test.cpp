#include "ulpscope/base/wide_sum.hpp"

#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// The same number in plain two's complement, bit by bit: slow, and obviously right.
class BitSum {
 public:
  void add(uint64_t magnitude, int exponent, bool negative) {
    std::vector<bool> term(bits, false);
    for (int i = 0; i < 64; ++i) {
      if ((magnitude >> i & 1) != 0)
        term[static_cast<size_t>(exponent - WideSum::lowest + i)] = true;
    }
    if (negative) negate(term);
    add_to(sum_, term);
  }
  bool is_negative() const { return sum_.back(); }

  // The 126 highest bits from the highest set one down, or all bits of a number below 2^64 units.
  WideSum::Leading leading() const {
    std::vector<bool> x = sum_;
    if (is_negative()) negate(x);
    int top = bits - 1;
    while (top >= 0 && !x[static_cast<size_t>(top)]) --top;
    const int from = top < 64 ? 0 : top - 125;
    WideSum::Leading result{0, WideSum::lowest + from, is_negative(), false};
    for (int i = top; i >= 0; --i) {
      const bool bit = x[static_cast<size_t>(i)];
      if (i >= from) {
        result.magnitude |= bit ? uint128{1} << (i - from) : 0;
      } else {
        result.sticky = result.sticky || bit;
      }
    }
    if (from < 0) result.magnitude <<= 0;
    return result;
  }

 private:
  static constexpr int bits = 704;

  static void add_to(std::vector<bool>& x, const std::vector<bool>& y) {
    bool carry = false;
    for (size_t i = 0; i < x.size(); ++i) {
      const int total = x[i] + y[i] + carry;
      x[i] = (total & 1) != 0;
      carry = total > 1;
    }
  }
  static void negate(std::vector<bool>& x) {
    x.flip();
    std::vector<bool> one(x.size(), false);
    one[0] = true;
    add_to(x, one);
  }

  std::vector<bool> sum_ = std::vector<bool>(bits, false);
};

// Equal as numbers: the magnitudes may be written with different powers of two.
bool same_value(WideSum::Leading a, WideSum::Leading b) {
  if (a.magnitude == 0 || b.magnitude == 0) return a.magnitude == b.magnitude;
  for (auto* x : {&a, &b}) {
    while ((x->magnitude & 1) == 0) {
      x->magnitude >>= 1;
      ++x->exponent;
    }
  }
  return a.magnitude == b.magnitude && a.exponent == b.exponent && a.negative == b.negative &&
         a.sticky == b.sticky;
}

}  // namespace

TEST_CASE("an empty sum is zero") {
  const WideSum sum;
  CHECK((sum.leading().magnitude == 0));
  CHECK_FALSE(sum.is_negative());
  CHECK_FALSE(sum.leading().sticky);
}

TEST_CASE("large terms that cancel leave the small one") {
  WideSum s;
  s.add(1, 100, false);
  s.add(1, -200, false);
  s.add(1, 100, true);
  const auto left = s.leading();
  CHECK(same_value(left, {1, -200, false, false}));
}

TEST_CASE("bits below the 126 highest are told of, not kept") {
  WideSum s;
  s.add(1, 0, false);
  s.add(1, -125, false);
  CHECK_FALSE(s.leading().sticky);
  CHECK(same_value(s.leading(), {(uint128{1} << 125) | 1, -125, false, false}));
  s.add(1, -126, false);
  CHECK(s.leading().sticky);
  s.add(1, -126, true);
  CHECK_FALSE(s.leading().sticky);
  s.add(1, WideSum::lowest, true);
  // 1 + 2^-125 less a little: the last bit kept is borrowed, all below are set.
  CHECK(same_value(s.leading(), {uint128{1} << 125, -125, false, true}));
}

TEST_CASE("the largest and the smallest products of binary32 have room") {
  constexpr uint64_t largest = uint64_t{0xFFFFFF} * 0xFFFFFF;
  WideSum s;
  for (int i = 0; i < 1000; ++i) s.add(largest, 104 + 104, true);
  s.add(1, -298, true);
  CHECK(s.is_negative());
  CHECK(s.leading().sticky);
  for (int i = 0; i < 1000; ++i) s.add(largest, 104 + 104, false);
  CHECK(same_value(s.leading(), {1, -298, true, false}));
  s.add(1, -298, false);
  CHECK((s.leading().magnitude == 0));
}

TEST_CASE("random sums are those of plain bits") {
  std::mt19937_64 random(1);
  for (int turn = 0; turn < 400; ++turn) {
    WideSum sum;
    BitSum expected;
    const int spread = 1 + turn % 500;
    for (int i = 0; i < 12; ++i) {
      const uint64_t magnitude = random() >> (random() % 64);
      const int exponent =
          WideSum::lowest + static_cast<int>(random() % static_cast<uint64_t>(spread));
      const bool negative = (random() & 1) != 0;
      sum.add(magnitude, exponent, negative);
      expected.add(magnitude, exponent, negative);
      REQUIRE(sum.is_negative() == expected.is_negative());
      REQUIRE(same_value(sum.leading(), expected.leading()));
    }
  }
}

TEST_CASE("a sum is a constant expression") {
  constexpr auto leading = [] {
    WideSum s;
    s.add(3, 10, false);
    s.add(1, 11, true);
    return s.leading();
  }();
  static_assert(!leading.negative && !leading.sticky);
  CHECK(same_value(leading, {1, 10, false, false}));
}

TEST_CASE("sums of parts add up to the sum of the whole") {
  std::mt19937_64 random(11);
  WideSum whole;
  WideSum parts[2];
  for (int i = 0; i < 2000; ++i) {
    const uint64_t magnitude = random();
    const auto exponent = WideSum::lowest + static_cast<int>(random() % 500);
    const bool negative = (random() & 1) != 0;
    whole.add(magnitude, exponent, negative);
    parts[random() & 1].add(magnitude, exponent, negative);
  }
  CHECK_FALSE(parts[0] == whole);
  parts[0].add(parts[1]);
  CHECK(parts[0] == whole);
}
