#include "ulpscope/trace/residue_histogram.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using H = ResidueHistogram;

constexpr int64_t one_ulp = int64_t{1} << 32;

// The bin by looking for it between the edges.
int bin_by_edges(int64_t residue) {
  const double ulp = static_cast<double>(residue) / static_cast<double>(one_ulp);
  for (int bin = 0; bin < H::bins; ++bin) {
    if (ulp >= H::lower_edge(bin) && ulp < H::lower_edge(bin + 1)) return bin;
  }
  return -1;
}

uint64_t total(const H& h) {
  return std::accumulate(h.counts().begin(), h.counts().end(), h.zero());
}

}  // namespace

TEST_CASE("edges rise from -infinity to +infinity, a sixteenth apart around zero") {
  CHECK(std::isinf(H::lower_edge(0)));
  CHECK(std::isinf(H::lower_edge(H::bins)));
  for (int bin = 0; bin < H::bins; ++bin) CHECK(H::lower_edge(bin) < H::lower_edge(bin + 1));
  const auto is = [](int bin, double edge) { return std::abs(H::lower_edge(bin) - edge) <= 0; };
  CHECK(is(1, -0x1p20));
  CHECK(is(H::octaves - 1, -2.0));
  CHECK(is(H::octaves, -1.0));
  CHECK(is(H::octaves + 16, 0.0));
  CHECK(is(H::octaves + 17, 1.0 / 16));
  CHECK(is(H::octaves + 32, 1.0));
  CHECK(is(H::octaves + 33, 2.0));
  CHECK(is(H::bins - 1, 0x1p20));
}

TEST_CASE("an error that is exactly an edge counts in the bin above it") {
  for (int bin = 1; bin < H::bins; ++bin) {
    const double edge = H::lower_edge(bin);
    const auto residue = static_cast<int64_t>(std::ldexp(edge, 32));
    CAPTURE(edge);
    if (residue != 0) CHECK(H::bin_of(residue) == bin);
    if (residue != 1) CHECK(H::bin_of(residue - 1) == bin - 1);
  }
}

TEST_CASE("random errors land between their edges") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    // 53 bits at most, so that the double below is exact.
    const auto residue = static_cast<int64_t>(random()) >> (11 + random() % 50);
    if (residue == 0) continue;
    REQUIRE(H::bin_of(residue) == bin_by_edges(residue));
  }
}

TEST_CASE("the ends of the range have their bins") {
  CHECK(H::bin_of(std::numeric_limits<int64_t>::max()) == H::bins - 1);
  CHECK(H::bin_of(std::numeric_limits<int64_t>::min()) == 0);
  CHECK(H::bin_of(1) == H::octaves + 16);
  CHECK(H::bin_of(-1) == H::octaves + 15);
}

TEST_CASE("zeros are counted apart and every error once") {
  H h;
  std::mt19937_64 random(2);
  for (int i = 0; i < 10'000; ++i) h.add(static_cast<int64_t>(random()) >> (random() % 64));
  for (int i = 0; i < 7; ++i) h.add(0);
  CHECK(total(h) == 10'007);
  CHECK(h.zero() >= 7);
}

TEST_CASE("merging histograms is adding all their errors to one") {
  std::mt19937_64 random(3);
  H a;
  H b;
  H all;
  for (int i = 0; i < 5000; ++i) {
    const auto residue = static_cast<int64_t>(random()) >> (random() % 64);
    (i % 3 == 0 ? a : b).add(residue);
    all.add(residue);
  }
  H ab = a;
  ab.merge(b);
  H ba = b;
  ba.merge(a);
  CHECK((ab == all));
  CHECK((ba == all));
  CHECK_FALSE((a == all));
}
