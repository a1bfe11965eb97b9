#include "ulpscope/hardware/binary32_rows.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/hardware/scalar.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ulpscope {

namespace {

float number(uint32_t bits) { return bit_cast<float>(bits); }

// A NaN of the host's is the chip's.
uint32_t result(float x) {
  const auto bits = bit_cast<uint32_t>(x);
  return detail::is_nan32(bits) ? gpu_nan : bits;
}

uint32_t product(uint32_t x, uint32_t y) { return result(number(x) * number(y)); }
// A sum below the smallest normal number is exact, so that flushing it needs no more than itself.
uint32_t sum(uint32_t x, uint32_t y) { return result(number(x) + number(y)); }

// Whether a product reaches the smallest normal number when rounded to 24 bits, a tie going up,
// is seen by the exact one, which binary64 holds.
uint32_t flushed_product(uint32_t x, uint32_t y) {
  constexpr double reaches = 0x1p-126 - 0x1p-151;
  const double exact = double{number(detail::flushed32(x))} * double{number(detail::flushed32(y))};
  const uint32_t rounded = result(static_cast<float>(exact));
  return exact < reaches && exact > -reaches ? rounded & detail::sign_bit32 : rounded;
}
uint32_t flushed_sum(uint32_t x, uint32_t y) {
  return detail::flushed32(sum(detail::flushed32(x), detail::flushed32(y)));
}

// Pointers and a count in locals, as compilers want them for vector code.
template <class Kept, class Flushed>
void fill(std::span<uint32_t> to, Flush flush, const Kept& kept, const Flushed& flushed) {
  const HostFpGuard guard;
  uint32_t* const out = to.data();
  const size_t count = to.size();
  switch (flush) {
    case Flush::none:
      for (size_t i = 0; i < count; ++i) out[i] = kept(i);
      break;
    case Flush::inputs:
    case Flush::outputs:
    case Flush::both:
      for (size_t i = 0; i < count; ++i) out[i] = flushed(i);
      break;
  }
}

}  // namespace

void multiply_row(Row32 x, uint32_t y, Flush flush, std::span<uint32_t> to) {
  const uint32_t* const in = x.data();
  fill(
      to, flush, [=](size_t i) { return product(in[i], y); },
      [=](size_t i) { return flushed_product(in[i], y); });
}

void multiply_rows(Row32 x, Row32 y, Flush flush, std::span<uint32_t> to) {
  const uint32_t* const a = x.data();
  const uint32_t* const b = y.data();
  fill(
      to, flush, [=](size_t i) { return product(a[i], b[i]); },
      [=](size_t i) { return flushed_product(a[i], b[i]); });
}

void add_to_row(Row32 x, uint32_t y, Flush flush, std::span<uint32_t> to) {
  const uint32_t* const in = x.data();
  fill(
      to, flush, [=](size_t i) { return sum(in[i], y); },
      [=](size_t i) { return flushed_sum(in[i], y); });
}

void add_rows(Row32 x, Row32 y, Flush flush, std::span<uint32_t> to) {
  const uint32_t* const a = x.data();
  const uint32_t* const b = y.data();
  fill(
      to, flush, [=](size_t i) { return sum(a[i], b[i]); },
      [=](size_t i) { return flushed_sum(a[i], b[i]); });
}

void multiply_add_rows(Row32 x, Row32 y, Row32 z, std::span<uint32_t> to) {
  const HostFpGuard guard;
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = result(std::fma(number(x[i]), number(y[i]), number(z[i])));
  }
}

uint32_t sum_columns(uint32_t start, const uint32_t* x, const ColumnGroups& groups) {
  const HostFpGuard guard;
  float total = number(start);
  for (int64_t group = groups.start; group < groups.end; group += groups.stride) {
    const int64_t first = std::max(group, groups.begin);
    const int64_t end = std::min(group + groups.width, groups.end);
    for (int64_t c = first; c < end; ++c) total += number(x[c]);
  }
  return result(total);
}

void sum_lanes(std::span<uint32_t> sums, const uint32_t* x, const LaneColumns& columns,
               uint32_t* before, uint32_t* after) {
  const HostFpGuard guard;
  const auto lanes = static_cast<int64_t>(sums.size());
  int64_t lane = columns.begin / columns.width % lanes;
  int64_t group_end = (columns.begin / columns.width + 1) * columns.width;
  for (int64_t c = columns.begin; c < columns.end; lane = lane + 1 == lanes ? 0 : lane + 1) {
    uint32_t& sum = sums[static_cast<size_t>(lane)];
    for (const int64_t end = std::min(group_end, columns.end); c < end; ++c) {
      *before++ = sum;
      sum = result(number(sum) + number(x[c]));
      *after++ = sum;
    }
    group_end += columns.width;
  }
}

uint32_t maximum_of_row(uint32_t least, Row32 x) {
  // Codes in the order of their numbers, NaN, which loses, below all; a sum of nothing but NaN is
  // fmaximum's NaN.
  const auto ordered = [](uint32_t bits) {
    const auto order = static_cast<int32_t>(bits ^ ((0 - (bits >> 31)) >> 1));
    return detail::is_nan32(bits) ? std::numeric_limits<int32_t>::min() : order;
  };
  int32_t highest = ordered(least);
  for (const uint32_t bits : x) highest = std::max(highest, ordered(bits));
  if (highest == std::numeric_limits<int32_t>::min()) return gpu_nan;
  const auto order = static_cast<uint32_t>(highest);
  return order ^ ((0 - (order >> 31)) >> 1);
}

}  // namespace ulpscope
