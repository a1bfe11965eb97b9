#include "ulpscope/analysis/residues.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/random_bits.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

constexpr int64_t one = int64_t{1} << 32;

// Small residues from a seed.
Residues drawn(uint64_t seed, const TensorShape& shape) {
  Residues r{.shape = shape, .values = {}};
  for (int64_t i = 0; i < shape.heads * shape.rows * shape.columns; ++i) {
    const uint64_t bits =
        random_bits({.seed = seed, .site = 0, .element = static_cast<uint64_t>(i), .step = 0});
    r.values.push_back(static_cast<int64_t>(bits >> 31) - one);
  }
  return r;
}

}  // namespace

TEST_CASE(
    "a residue is the error in ulps of the judging format, whatever format stores the value") {
  const std::vector<double> reference{1.0, -1.0, 4.0};
  // 1 + 2^-7 is one ulp of bf16 above 1; binary32 holds halves of them
  const std::vector<uint32_t> codes{0x3F81, 0xBF80, 0x407F};
  const auto narrow = residues_of({1, 3, 1}, codes, bf16, bf16, reference);
  CHECK(narrow.values == std::vector<int64_t>{one, 0, -one / 2});
  const std::vector<uint32_t> wide{0x3F80'8000, 0xBF81'0000, 0x4080'0000};
  const auto in_binary32 = residues_of({1, 3, 1}, wide, fp32, bf16, reference);
  CHECK(in_binary32.values == std::vector<int64_t>{one / 2, -one, 0});
}

TEST_CASE("an element without an error has none in a difference") {
  const std::vector<double> reference{1.0, 1.0};
  const std::vector<uint32_t> codes{0x7F80, 0x3F80};  // infinity and 1
  const auto a = residues_of({1, 2, 1}, codes, bf16, bf16, reference);
  CHECK(a.values[0] == Residues::none);
  const Residues b{.shape = {1, 2, 1}, .values = {5, 5}};
  CHECK(difference(a, b).values == std::vector<int64_t>{Residues::none, -5});
  CHECK(difference(b, a).values == std::vector<int64_t>{Residues::none, 5});
  // too far apart for a residue
  const Residues far{.shape = {1, 2, 1}, .values = {std::numeric_limits<int64_t>::max(), 1}};
  const Residues low{.shape = {1, 2, 1}, .values = {-2, 1}};
  CHECK(difference(far, low).values == std::vector<int64_t>{Residues::none, 0});
}

TEST_CASE("differences add up to the difference of the ends, as integers, in every head") {
  const TensorShape shape{.heads = 3, .rows = 17, .columns = 5};
  const auto a = drawn(1, shape), b = drawn(2, shape), c = drawn(3, shape);
  const auto first = error_figures(difference(b, a));
  const auto second = error_figures(difference(c, b));
  const auto from = error_figures(a), to = error_figures(c);
  REQUIRE(first.size() == 4);
  for (size_t part = 0; part < first.size(); ++part) {
    CHECK((first[part].sum + second[part].sum == to[part].sum - from[part].sum));
  }
  CHECK((to[1].sum + to[2].sum + to[3].sum == to[0].sum));
}

TEST_CASE("a paired difference is sure of what the runs themselves are not") {
  const TensorShape shape{.heads = 1, .rows = 64, .columns = 8};
  const auto noise = drawn(4, shape);  // within one ulp on either side
  Residues shifted = noise;
  for (auto& value : shifted.values) value += one / 64;
  shifted.values[0] += one / 1024;  // so that the difference varies at all
  CHECK_FALSE(is_biased(error_figures(shifted)[0].bias));
  const auto paired = error_figures(difference(shifted, noise))[0];
  CHECK(is_biased(paired.bias));
  // 512 elements of 1/64 and one of 1/1024 more
  CHECK((paired.sum == int128{512} * (one / 64) + one / 1024));
}
