#include "ulpscope/trace/moments.hpp"

#include <numeric>

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

Moments moments_of(std::initializer_list<Record> records) {
  Moments m;
  for (const Record& r : records) m.add(r);
  return m;
}

// 1 + n/16 of the last place of bf16, plus something below.
double between(double sixteenths) { return 1 + sixteenths * 0x1p-11; }

}  // namespace

TEST_CASE("an exact rounding is counted and nothing else") {
  const Moments m = moments_of({rounding_of(1.5, bf16)});
  Moments expected;
  expected.count = 1;
  expected.histogram.add(0);
  CHECK((m == expected));
}

TEST_CASE("errors are signed by value and by magnitude") {
  // 1 + 1/4 ulp is rounded down, -(1 + 1/4 ulp) up, 1 + 3/4 ulp up, and away from zero.
  const Moments m = moments_of({rounding_of(between(4), bf16), rounding_of(-between(4), bf16),
                                rounding_of(between(12), bf16)});
  CHECK(m.count == 3);
  CHECK(m.larger == 2);
  CHECK(m.smaller == 1);
  CHECK(m.away == 1);
  CHECK((m.sum == one_ulp / 4));
  CHECK((m.sum_away == -one_ulp / 4));
  CHECK((m.sum_squares == uint128{3} * (uint64_t{1} << 60)));
  CHECK(m.largest == uint64_t{1} << 30);
}

TEST_CASE("ties are counted, and those that went away from zero") {
  // 1 + 1/2 ulp goes down to even, 1 + 3/2 ulp up to even.
  const Moments m = moments_of({rounding_of(between(8), bf16), rounding_of(between(24), bf16)});
  CHECK(m.ties == 2);
  CHECK(m.ties_away == 1);
  CHECK(m.near_ties_above == 0);
  CHECK(m.near_ties_below == 0);
}

TEST_CASE("a near tie is told by the side to which its residue pushes") {
  const auto near = [](double sixteenths, Rounding r = nearest_even) {
    const Moments m = moments_of({rounding_of(between(sixteenths), bf16, r)});
    CHECK(m.ties == 0);
    return std::pair{m.near_ties_above, m.near_ties_below};
  };
  using Pair = std::pair<uint64_t, uint64_t>;
  CHECK(near(8 + 0x1p-20) == Pair{1, 0});
  CHECK(near(8 - 0x1p-20) == Pair{0, 1});
  CHECK(near(9) == Pair{1, 0});
  CHECK(near(7) == Pair{0, 1});
  CHECK(near(9 + 0x1p-20) == Pair{0, 0});
  CHECK(near(7 - 0x1p-20) == Pair{0, 0});
  // The discarded part decides, not the direction of rounding.
  CHECK(near(8.5, toward_zero) == Pair{1, 0});
  CHECK(near(8.5, away_from_zero) == Pair{1, 0});
  CHECK(near(7.5, toward_zero) == Pair{0, 1});
  CHECK(near(7.5, away_from_zero) == Pair{0, 1});
}

TEST_CASE("a near tie closer than 2^-32 ulp is still on its side") {
  const double closer = 0x1p-36;  // sixteenths: 2^-40 ulp
  for (const Rounding r : {nearest_even, toward_zero, away_from_zero}) {
    const Moments above = moments_of({rounding_of(between(8 + closer), bf16, r)});
    CHECK(above.near_ties_above == 1);
    CHECK(above.near_ties_below == 0);
    const Moments below = moments_of({rounding_of(between(8 - closer), bf16, r)});
    CHECK(below.near_ties_above == 0);
    CHECK(below.near_ties_below == 1);
  }
}

TEST_CASE("negative values have near ties of their magnitude") {
  const Moments m =
      moments_of({rounding_of(-between(8.5), bf16), rounding_of(-between(7.5), bf16)});
  CHECK(m.near_ties_above == 1);
  CHECK(m.near_ties_below == 1);
}

TEST_CASE("an error that was judged afterwards has no ties, near or exact") {
  Moments m;
  for (const int64_t residue : {one_ulp / 2, -one_ulp / 2, one_ulp * 17 / 32, -one_ulp * 15 / 32}) {
    m.add({residue, Flag::inexact | Flag::judged, false});
  }
  CHECK(m.count == 4);
  CHECK(m.ties + m.near_ties_above + m.near_ties_below == 0);
  CHECK(m.larger == 2);
}

TEST_CASE("overflows, infinities and NaN are skipped and stay out of every sum") {
  const Moments m = moments_of({rounding_of(1e10, fp16), rounding_of(HUGE_VAL, fp16),
                                rounding_of(std::nan(""), fp16), rounding_of(1e10, e4m3fn)});
  CHECK(m.count == 4);
  CHECK(m.skipped == 4);
  CHECK(m.overflow == 2);
  CHECK((m.sum == 0));
  CHECK((m.sum_squares == 0));
  CHECK(m.larger + m.smaller + m.histogram.zero() == 0);
}

TEST_CASE("flags are counted whether or not there is an error") {
  Moments m;
  m.add({0, Flag::carry_out | Flag::subnormal, false});
  m.add({1, Flag::inexact | Flag::round_carry | Flag::underflow, false});
  m.add({0, Flag::overflow | Flag::residue_saturated | Flag::carry_out, true});
  CHECK(m.carry_out == 2);
  CHECK(m.subnormal == 1);
  CHECK(m.round_carry == 1);
  CHECK(m.underflow == 1);
  CHECK(m.overflow == 1);
  CHECK(m.skipped == 1);
}

TEST_CASE("a square is capped at 2^15 ulp, a sum is not") {
  const Moments m = moments_of({error(one_ulp << 20), error(-(one_ulp << 20))});
  CHECK((m.sum_squares == uint128{2} << 94));
  CHECK((m.sum == 0));
  CHECK(m.largest == uint64_t{1} << 52);
}

TEST_CASE("bins, zeros and skipped make up the count") {
  RandomErrors random(1);
  Moments m;
  for (int i = 0; i < 1000; ++i) m.add(random.next());
  m.add(rounding_of(1e10, fp16));
  const auto& bins = m.histogram.counts();
  CHECK(std::accumulate(bins.begin(), bins.end(), m.histogram.zero() + m.skipped) == m.count);
}

TEST_CASE("merging is adding all, in any order") {
  RandomErrors random(2);
  Moments parts[3];
  Moments all;
  for (int i = 0; i < 3000; ++i) {
    const double x = static_cast<double>(random.word() >> 20) * (i % 2 == 0 ? 1 : -1);
    const Record records[] = {random.next(), rounding_of(x, fp16), rounding_of(x, bf16),
                              rounding_of(x * 0x1p-60, e4m3fn)};
    const Record& r = records[i % 4];
    parts[i % 3].add(r);
    all.add(r);
  }
  Moments forward;
  for (const Moments& part : parts) forward.merge(part);
  Moments backward = parts[2];
  backward.merge(parts[1]);
  backward.merge(parts[0]);
  CHECK((forward == all));
  CHECK((backward == all));
  CHECK(all.skipped > 0);
  CHECK(all.underflow > 0);
}
