// Against comparisons of doubles, all pairs of small formats and across formats.
#include "ulpscope/arith/compare.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "arith/plain_model.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

Relation expected_relation(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return Relation::unordered;
  return x < y ? Relation::less : x > y ? Relation::greater : Relation::equal;
}

template <class Word>
int mismatches_between(const Format& f, const Format& g) {
  const auto xs = plain::values(f);
  const auto ys = plain::values(g);
  int mismatches = 0;
  for (uint64_t x = 0; x < xs.size(); ++x) {
    for (uint64_t y = 0; y < ys.size(); ++y) {
      const auto a = decode<Word>(f, x);
      const auto b = decode<Word>(g, y);
      const auto quiet = compare(a, b, Signal::quiet);
      const auto always = compare(a, b, Signal::always);
      const Relation expected = expected_relation(xs[x], ys[y]);
      const bool signalling = plain::signals(f, x) || plain::signals(g, y);
      const bool good = quiet.relation == expected && always.relation == expected &&
                        quiet.flags == flag_if(signalling, Flag::invalid) &&
                        always.flags == flag_if(expected == Relation::unordered, Flag::invalid);
      mismatches += good ? 0 : 1;
    }
  }
  return mismatches;
}

}  // namespace

TEST_CASE("all pairs of small formats compare as doubles do") {
  for (const auto& [name, f] : plain::small_formats()) {
    CHECK_MESSAGE(mismatches_between<uint64_t>(f, f) == 0, name);
  }
}

TEST_CASE("numbers of different formats compare by value") {
  for (const auto& [name, f] : plain::small_formats()) {
    CHECK_MESSAGE(mismatches_between<uint128>(f, e5m2) == 0, name);
    CHECK_MESSAGE(mismatches_between<Uint256>(e4m3fnuz, f) == 0, name);
  }
  CHECK(compare(Soft<bf16>(1.0), Soft<fp64>(1.0 + 0x1p-52)).less());
  CHECK(compare(Soft<fp64>(-1.0 - 0x1p-52), Soft<bf16>(-1.0)).less());
  CHECK(compare(Soft<e8m0fnu>(4.0), Soft<fp16>(4.0)).equal());
}

TEST_CASE("binary64 numbers compare as the host compares them") {
  std::mt19937_64 random(3);
  int mismatches = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t x = random();
    const uint64_t y = i % 2 == 0 ? random() : x + random() % 5 - 2;  // neighbours as well
    const auto c = compare(Soft<fp64>::from_bits(x), Soft<fp64>::from_bits(y));
    const Relation expected = expected_relation(bit_cast<double>(x), bit_cast<double>(y));
    mismatches += c.relation == expected ? 0 : 1;
  }
  CHECK(mismatches == 0);
}

TEST_CASE("each predicate holds for its relations only") {
  const Comparison less{Relation::less, Flag::none};
  const Comparison equal{Relation::equal, Flag::none};
  const Comparison greater{Relation::greater, Flag::none};
  const Comparison unordered{Relation::unordered, Flag::none};
  CHECK((less.less() && less.less_equal() && !less.equal() && !less.greater_equal()));
  CHECK((equal.equal() && equal.less_equal() && equal.greater_equal() && !equal.less()));
  CHECK((greater.greater() && greater.greater_equal() && !greater.less_equal()));
  CHECK((unordered.unordered() && !unordered.less_equal() && !unordered.greater_equal()));
  CHECK_FALSE((unordered.less() || unordered.equal() || unordered.greater()));
  CHECK_FALSE((less.unordered() || less.greater() || equal.greater() || greater.less()));
}

TEST_CASE("a policy that flushes does not touch a comparison") {
  using Flushing = Soft<fp16, Rounding{.policy = {.flush = Flush::both}}>;
  CHECK(compare(Flushing::from_bits(1), Flushing(0)).greater());
}

TEST_CASE("the total order of binary16 goes from -NaN over -0 and +0 to +NaN") {
  const uint64_t ascending[] = {0xFFFF, 0xFE00, 0xFDFF, 0xFC01, 0xFC00, 0xFBFF, 0x8001, 0x8000,
                                0x0000, 0x0001, 0x7BFF, 0x7C00, 0x7C01, 0x7DFF, 0x7E00, 0x7FFF};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      CHECK(total_order(fp16, ascending[i], ascending[j]) == (i <= j));
    }
  }
}

TEST_CASE("the total order puts every code in its own place and agrees with the values") {
  for (const auto& [name, f] : plain::small_formats()) {
    std::vector<uint64_t> codes;
    for (uint64_t code = 0; code < plain::count(f); ++code) codes.push_back(code);
    std::sort(codes.begin(), codes.end(),
              [&f = f](uint64_t x, uint64_t y) { return !total_order(f, y, x); });
    bool rises = true;
    for (size_t i = 1; i < codes.size(); ++i) {
      const double below = plain::value(f, codes[i - 1]);
      const double above = plain::value(f, codes[i]);
      rises = rises && !total_order(f, codes[i], codes[i - 1]) && !(below > above);
      const bool zeros = plain::equal(below, 0) && plain::equal(above, 0);
      rises = rises && !(zeros && !std::signbit(below) && std::signbit(above));
    }
    CHECK_MESSAGE(rises, name);
    if (f.nan == Nan::minus_zero) CHECK_MESSAGE(codes.back() == nan_bits(f), name);
  }
}

TEST_CASE("codes of more than 64 bits have a total order too") {
  using Wide = Soft<ieee_like(15, 63)>;
  const auto minus = sign_mask<uint128>(Wide::format);
  CHECK(total_order(Wide::from_bits(minus), Wide::from_bits(0)));
  CHECK_FALSE(total_order(Wide::from_bits(0), Wide::from_bits(minus)));
  CHECK(compare(Wide(2.0), Wide(1.5)).greater());
}

static_assert(compare(Soft<bf16>(1.5), Soft<fp32>(2.0)).less());
