// Sums in binary32, a chain at a time, against the definition, bit for bit: every unit of every
// chip, near and far exponents. The device's instructions truncate; here the host is told to.
#include "ulpscope/hardware/fused_floats.hpp"

#include "ulpscope/hardware/chip.hpp"

#include <cfenv>
#include <string>

#include "hardware/column_products.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct TowardZero {
  TowardZero() { std::fesetround(FE_TOWARDZERO); }
  ~TowardZero() { std::fesetround(FE_TONEAREST); }
  TowardZero(const TowardZero&) = delete;
  TowardZero& operator=(const TowardZero&) = delete;
};

uint32_t pair_of(const std::vector<int16_t>& exponents, size_t k) {
  return static_cast<uint16_t>(exponents[k]) |
         static_cast<uint32_t>(static_cast<uint16_t>(exponents[k + 1])) << 16;
}

struct FloatChain {
  uint32_t value;
  bool outside;
};

// As the kernels of cuda/emulator put the steps together.
FloatChain by_floats(const FusedSum& sum, const Factor& a, size_t i, const Factor& b, size_t j,
                     uint32_t start) {
  const TowardZero guard;
  const FloatGrid grid = float_grid(sum);
  const auto terms = static_cast<size_t>(sum.terms);
  volatile float c = bit_cast<float>(start);  // no arithmetic may move out of the guard
  bool outside = false;
  for (size_t first = 0; first < static_cast<size_t>(a.length); first += terms) {
    uint32_t largest = lowest_exponents;
    for (size_t k = first; k < first + terms; k += 2) {
      largest = larger_sums(pair_of(a.exponents[i], k), pair_of(b.exponents[j], k), largest);
    }
    const float scale = grid_scale(grid, largest_exponent(largest, c), outside);
    uint32_t total = cut_to_grid(product_toward_zero(c, scale));
    for (size_t k = first; k < first + terms; ++k) {
      const float product = product_toward_zero(a.values[i][k], b.values[j][k]);
      total += cut_to_grid(product_toward_zero(product, scale));
    }
    c = float_result(grid, total, scale, outside);
  }
  const float end = c;
  return {bit_cast<uint32_t>(end), outside};
}

struct Tally {
  int64_t inside = 0;
  int64_t different = 0;
};

Tally compare_all(const FusedSum& sum, const Factor& a, const Factor& b,
                  const std::vector<uint32_t>& starts) {
  Tally tally;
  for (size_t i = 0; i < a.codes.size(); ++i) {
    for (size_t j = 0; j < b.codes.size(); ++j) {
      const uint32_t c = starts[(i + j) % starts.size()];
      const FloatChain chain = by_floats(sum, a, i, b, j, c);
      if (chain.outside) continue;
      ++tally.inside;
      tally.different += chain.value != by_codes(sum, a, i, b, j, c);
    }
  }
  return tally;
}

}  // namespace

TEST_CASE("float chains give the bits of the definition, or say that they are outside") {
  OperandSource source(1);
  for (const Chip& chip : chips) {
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms == 0) continue;
      CAPTURE(std::string(chip.name));
      CAPTURE(format_name(unit.input));
      REQUIRE(fits_floats(unit.sum, {unit.input, unit.input}));
      int64_t near_chains = 0;
      for (int spread = 0; spread < 140; spread += 7) {
        const int64_t length = unit.sum.terms * static_cast<int64_t>(1 + source.below(5));
        const Factor a = random_factor(source, unit.input, spread, 4, length);
        const Factor b = random_factor(source, unit.input, spread, 40, length);
        auto starts = source.codes(fp32, 2 * spread, 61);
        starts.push_back(0);
        starts.push_back(0x8000'0000);
        const Tally tally = compare_all(unit.sum, a, b, starts);
        CAPTURE(spread);
        CHECK(tally.different == 0);
        if (spread < 20) near_chains += tally.inside;
      }
      // Numbers of usual sizes are what the fast form is for.
      CHECK(near_chains > 400);
    }
  }
}

TEST_CASE("sums that leave 31 bits, infinities and tiny grids are outside") {
  const FusedSum& hopper = matrix_unit(chip_named("h200"), bf16).sum;
  const std::vector<uint32_t> largest(16, 0x3FFF);  // 2 - 2^-7
  const Factor full(bf16, 16, {largest});
  CHECK(by_floats(hopper, full, 0, full, 0, 0x3FFF'FFFF).outside);
  const Factor ones(bf16, 16, {std::vector<uint32_t>(16, 0x3F80)});
  CHECK(by_floats(hopper, ones, 0, ones, 0, 0).value == 0x4180'0000);
  CHECK(!by_floats(hopper, ones, 0, ones, 0, 0).outside);
  CHECK(by_floats(hopper, ones, 0, ones, 0, 0x7F80'0000).outside);
  CHECK(by_floats(hopper, ones, 0, ones, 0, 0x7FFF'FFFF).outside);
  const Factor tiny(bf16, 16, {std::vector<uint32_t>(16, 0x0080)});
  CHECK(by_floats(hopper, tiny, 0, ones, 0, 0).outside);
  CHECK(!by_floats(hopper, tiny, 0, ones, 0, 0x3F80'0000).outside);
}
