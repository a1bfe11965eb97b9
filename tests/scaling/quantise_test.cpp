// Arrays through every scheme: error bounds, splits, blocks at the ends of rows.
#include "ulpscope/scaling/quantise.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/scaling/schemes.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// Values over some binades, with both signs and a few zeros.
std::vector<uint32_t> sample(uint64_t seed, size_t count, int binades) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> values(count);
  for (auto& x : values) {
    const auto field =
        static_cast<uint32_t>(127 - static_cast<int>(random() % 4) -
                              static_cast<int>(random() % static_cast<uint64_t>(binades)));
    x = static_cast<uint32_t>(random() & 0x807F'FFFF) | field << 23;
    if (random() % 50 == 0) x &= 0x8000'0000;
  }
  return values;
}

double value(uint32_t code) { return double_value(fp32, code); }

// Binary32 roundings on the way: at most eight, each within 2^-24, with room.
constexpr double slack = 1 + 0x1p-20;

// Half the spacing of the format's numbers around y, or what saturation takes away.
double element_error(const Format& f, double y) {
  const double largest = double_value(f, largest_finite_bits(f));
  const int binade = std::max(std::ilogb(std::max(y, 1e-300)), emin(f));
  return std::max(std::ldexp(1, binade - f.trailing_bits) / 2, y - largest);
}

double codebook_error(const Codebook& book, double y) {
  double best = 2;
  for (uint32_t code = 0; code < 16; ++code) {
    best = std::min(best, std::abs(static_cast<double>(level_value(book, code)) - y));
  }
  return best + 2e-6;  // fp4's thresholds are that far from the middles
}

// The bound on |decoded - x| for a value under its block's scale:
//   elements      scale * (half a spacing at x / scale, or what is beyond the largest)
//   COAT          the same for y = (|x|/c)^k, carried back through the slope of the inverse
double bound(const ScalingScheme& s, double x, double scale, double k, double centre) {
  if (s.codebook != nullptr) return scale * codebook_error(*s.codebook, x / scale) * slack;
  const double magnitude = std::abs(x);
  if (s.expansion == Expansion::none) {
    return scale * element_error(s.element, magnitude / scale) * slack + magnitude * 0x1p-20;
  }
  const double y = std::pow(magnitude / centre, k) / scale;
  const double off = element_error(s.element, y) + y * 0x1p-18;
  const double high = std::pow((y + off) * scale, 1 / k) * centre;
  const double low = std::pow(std::max(y - off, 0.0) * scale, 1 / k) * centre;
  return std::max(high - magnitude, magnitude - low) * slack + magnitude * 0x1p-20;
}

}  // namespace

TEST_CASE("the error of every value is within the bound of its scheme") {
  constexpr size_t count = 4096;
  for (const auto& row : schemes) {
    for (const int binades : {1, 6, 20}) {
      const auto& s = row.scheme;
      const auto values = sample(static_cast<uint64_t>(binades), count, binades);
      const auto q = quantise(s, values, {.columns = 256});
      const auto back = dequantise(s, q);
      REQUIRE(back.size() == count);
      const auto block = static_cast<size_t>(s.block == 0 ? count : s.block);
      REQUIRE(q.scales.size() == count / block);
      for (size_t i = 0; i < count; ++i) {
        const double scale = double_value(s.scale, q.scales[i / block]) * value(q.tensor_scale);
        const bool expands = s.expansion != Expansion::none;
        const double k = expands ? value(q.exponents[i / block]) : 1;
        const double centre = expands ? value(q.centres[i / block]) : 1;
        const double x = value(values[i]);
        CAPTURE(row.name);
        CAPTURE(binades);
        CAPTURE(x);
        REQUIRE(std::abs(value(back[i]) - x) <= bound(s, x, scale, k, centre));
      }
    }
  }
}

TEST_CASE("any split into calls gives the same bytes and statistics") {
  constexpr int64_t columns = 192;
  constexpr int64_t rows = 10;
  const auto values = sample(3, columns * rows, 8);
  for (const auto& row : schemes) {
    CAPTURE(row.name);
    const Extent all = extent_of(values);
    Quantiser whole(row.scheme, all, {.columns = columns});
    whole.add(values);
    CHECK(whole.result() == quantise(row.scheme, values, {.columns = columns}));
    // Pieces of whole rows whose length is a multiple of every block; pieces of the tensor's
    // extent.
    for (const size_t piece : {size_t{columns * 2}, size_t{columns * 4}}) {
      Extent merged;
      Quantiser parts(row.scheme, all, {.columns = columns});
      for (size_t at = 0; at < values.size(); at += piece) {
        const auto part = std::span(values).subspan(at, std::min(piece, values.size() - at));
        merged.merge(extent_of(part));
        parts.add(part);
      }
      CHECK(merged == all);
      CHECK(parts.result() == whole.result());
      CHECK(parts.statistics() == whole.statistics());
    }
  }
}

TEST_CASE("the last block of a row is short, and in memory order of the tensor") {
  const auto values = sample(5, 3 * 40, 3);
  const auto rows = quantise(scheme_named("mxfp4"), values, {.columns = 40});
  CHECK(rows.scales.size() == 6);  // 32 and 8, three times
  const auto memory = quantise(scheme_named("nf4"), values, {.columns = 40});
  CHECK(memory.scales.size() == 2);  // 64 and 56
  const auto tensor = quantise(scheme_named("absmax-tensor"), values, {.columns = 40});
  CHECK(tensor.scales.size() == 1);
  CHECK(dequantise(scheme_named("mxfp4"), rows).size() == values.size());
  auto ends = rows;  // the second block of the second row is of its own eight values
  Extent extent = extent_of(std::span(values).subspan(72, 8));
  CHECK(ends.scales[3] == block_scale(scheme_named("mxfp4"), {}, extent).code);
}

TEST_CASE("a bad value spoils its block and no other") {
  auto values = sample(6, 128, 3);
  values[40] = 0x7FC0'0000;
  for (const char* name : {"mxfp8_e4m3", "nvfp4"}) {
    const auto s = scheme_named(name);
    const auto back = dequantise(s, quantise(s, values));
    const auto block = static_cast<size_t>(s.block);
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(std::isnan(value(back[i])) == (i / block == 40 / block));
    }
  }
}

TEST_CASE("the statistics tell saturated and lost values") {
  auto s = scheme_named("mxfp4");
  std::vector<uint32_t> values(32, Float32(0.001).bits());
  values[0] = Float32(7.5).bits();
  values[1] = Float32(0.0).bits();
  Quantiser quantiser(s, extent_of(values), {});
  quantiser.add(values);
  const auto& e = quantiser.statistics();
  CHECK(e.count == 32);
  CHECK(e.saturated == 1);
  CHECK(e.lost == 30);
  CHECK(e.unchanged == 1);
  CHECK(e.max_error() == doctest::Approx(1.5));
}

TEST_CASE("an empty tensor has no codes, and a tensor of zeros comes back") {
  for (const auto& row : schemes) {
    CHECK(dequantise(row.scheme, quantise(row.scheme, {})).empty());
    const std::vector<uint32_t> zeros(100, 0);
    CHECK(dequantise(row.scheme, quantise(row.scheme, zeros)) == zeros);
  }
}

TEST_CASE("a scheme that is none is refused") {
  auto s = scheme_named("mxfp4");
  s.element = fp64;
  CHECK_THROWS_AS(quantise(s, {}), Error);
}

namespace {

double sqnr(const char* name, std::span<const uint32_t> values) {
  Quantiser quantiser(scheme_named(name), extent_of(values), {});
  quantiser.add(values);
  return quantiser.statistics().sqnr_decibels();
}

}  // namespace

TEST_CASE("COAT gains on a group that leaves most of the format's range empty") {
  // Within a factor of 16, k = 4.125: elements lie four times as dense, 12 dB.
  auto values = sample(9, 4096, 1);
  for (auto& x : values) x = Float32::from_bits(x).bits() == (x & 0x8000'0000) ? 0x3F80'0000 : x;
  const double plain = sqnr("absmax-group", values);
  const double expanded = sqnr("coat", values);
  CHECK(plain > 30);
  CHECK(expanded - plain > 9);
  CHECK(expanded - plain < 13);
}

TEST_CASE("COAT: a zero stretches the range of its group, so that k falls to 1/8") {
  const auto s = scheme_named("coat");
  std::vector<uint32_t> values(128, Float32(2.0).bits());
  values[1] = Float32(3.0).bits();
  const auto without = quantise(s, values);
  values[0] = 0;
  const auto with = quantise(s, values);
  CHECK(value(without.exponents[0]) > 16);
  CHECK(value(with.exponents[0]) == doctest::Approx(0.125 * std::floor(8 * 16.6147 / 68.02)));
  CHECK(value(dequantise(s, with)[0]) == doctest::Approx(0.0));
}
