#include "ulpscope/format/subset.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_CASE("a subset is decided by precision and both ends of the range") {
  CHECK(is_subset(bf16, fp32));
  CHECK(is_subset(fp16, tf32));
  CHECK(is_subset(e4m3fn, fp16));
  CHECK(is_subset(e5m2, fp16));
  CHECK(is_subset(fp32, fp64));
  CHECK_FALSE(is_subset(bf16, fp16));
  CHECK_FALSE(is_subset(fp16, bf16));
  CHECK_FALSE(is_subset(fp32, bf16));
  CHECK_FALSE(is_subset(e5m2, e4m3fn));
  CHECK_FALSE(is_subset(e4m3fn, e5m2));
  for (const auto& row : catalogue) CHECK(is_subset(row.format, row.format));
}

TEST_CASE("a larger top number in the same binade is no subset") {
  constexpr Format all_numbers{4, 3, 7, Infinity::absent,
                               Nan::none};  // reaches 480 where e4m3fn has NaN
  CHECK_FALSE(is_subset(all_numbers, e4m3fn));
  CHECK_FALSE(is_subset(e4m3fn, all_numbers));  // there is no NaN
  CHECK(is_subset(e4m3fn, Format{4, 4, 7, Infinity::absent, Nan::highest}));
}

TEST_CASE("a format with -0 is no subset of one without") {
  CHECK(is_subset(e4m3fnuz, fp16));
  CHECK(is_subset(e4m3fnuz, fnuz_like(5, 4, 16)));
  CHECK_FALSE(is_subset(e4m3fn, fnuz_like(6, 5, 32)));
}

TEST_CASE("a format with signs is no subset of one without") {
  const Format scale{
      8, 1, 128, Infinity::absent, Nan::highest, Zero::positive, Subnormals::present, Sign::absent};
  CHECK(is_subset(e8m0fnu, bf16));
  CHECK_FALSE(is_subset(e8m0fnu, e5m2));
  CHECK(is_subset(scale, bf16));
  CHECK_FALSE(is_subset(bf16, scale));
  CHECK_FALSE(is_subset(scale, e8m0fnu));  // it has a zero
}

TEST_CASE("subnormals need subnormals, or a longer exponent") {
  Format flushed = fp16;
  flushed.subnormals = Subnormals::absent;
  CHECK(is_subset(flushed, fp16));
  CHECK_FALSE(is_subset(fp16, flushed));
  Format wide = fp32;
  wide.subnormals = Subnormals::absent;
  CHECK(is_subset(fp16, wide));
}

TEST_CASE("whether one small format is a subset of another is what their values say") {
  // Every value of one looked up among those of the other, by bits of binary64.
  const auto values = [](const Format& f) {
    std::set<uint64_t> all;
    for (uint64_t bits = 0; bits >> width(f) == 0; ++bits) {
      all.insert(bit_cast<uint64_t>(double_value(f, bits)));
    }
    return all;
  };
  int subsets = 0;
  for (const auto& inner : catalogue) {
    for (const auto& outer : catalogue) {
      if (width(inner.format) > 8 || width(outer.format) > 8) continue;
      const auto x = values(inner.format);
      const auto y = values(outer.format);
      const bool contained = std::includes(y.begin(), y.end(), x.begin(), x.end());
      CHECK_MESSAGE(is_subset(inner.format, outer.format) == contained, inner.name, " in ",
                    outer.name);
      subsets += contained ? 1 : 0;
    }
  }
  CHECK(subsets > 11);
}
