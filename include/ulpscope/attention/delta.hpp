// delta = rowsum(dO O): what the backward pass takes off dP, one number a query row.
//
//   8 lanes of 8 columns, D = 128: lane 0 adds the columns 0..7, then 64..71; lanes then join
//   with the distances 4, 2, 1
//
// The order of this sum is a fingerprint of the kernel: rows that see few keys have dP close to
// delta, so that its last bits reach dQ. O is the stored output, not the register before it.
//
// Limits: operands are registers that hold 16-bit values; their products are exact in binary32 but
// for underflow. Tested by tests/attention/delta_test.cpp.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/machine.hpp"

#include <array>

namespace ulpscope {

inline constexpr int most_delta_lanes = 128;
inline constexpr int warp_lanes = 32;

namespace detail {

// The columns of one lane, page after page, as a lane meets them.
template <class Visit>
void columns_of_lane(const DeltaLayout& layout, int64_t dim, int lane, Visit&& visit) {
  const int64_t page = int64_t{layout.lanes} * layout.columns;
  int64_t n = 0;
  for (int64_t start = 0; start < dim; start += page) {
    for (int64_t c = 0; c < layout.columns; ++c) visit(n++, start + lane * layout.columns + c);
  }
}

// One lane's sum. Columns at or beyond `dim` are zeros, which the kernel adds like others.
template <class DeltaStep>
uint32_t lane_delta(const DeltaStep& step, const DeltaLayout& layout, DeltaSum order, int64_t row,
                    int64_t dim, const uint32_t* dout, const uint32_t* o, int lane) {
  const auto at = [&](const uint32_t* x, int64_t d) { return step.operand(d < dim ? x[d] : 0); };
  const auto column = [&](int64_t d) { return d < dim ? d : 0; };
  const auto product = [&](int64_t d) {
    return step(row, column(d), multiply(at(dout, d), at(o, d)));
  };
  const auto fused = [&](int64_t d, uint32_t sum) {
    return step(row, column(d), fma(at(dout, d), at(o, d), step.operand(sum), step.mode()));
  };
  const auto plus = [&](int64_t d, uint32_t x, uint32_t y) {
    return step(row, column(d), add(step.operand(x), step.operand(y), step.mode()));
  };
  uint32_t sum = 0;
  int64_t before = 0;  // the column before this one, where two are taken together
  columns_of_lane(layout, dim, lane, [&](int64_t n, int64_t d) {
    switch (order) {
      case DeltaSum::second_product_first:
        if (n == 1) sum = fused(before, product(d));
        if (n > 1) sum = fused(d, sum);
        break;
      case DeltaSum::fused: sum = fused(d, sum); break;
      case DeltaSum::products: sum = n == 0 ? product(d) : plus(d, sum, product(d)); break;
      case DeltaSum::pairs_of_products:
        if (n % 2 == 1) {
          const uint32_t pair = plus(d, product(before), product(d));
          sum = n == 1 ? pair : plus(d, sum, pair);
        }
        break;
    }
    before = d;
  });
  return sum;
}

}  // namespace detail

// The lanes of every warp joined by the butterfly, then the warps from the first to the last. All
// lanes of a warp end with the same sum, so only the additions that lead to its first lane are
// made.
template <class Add>
uint32_t joined(uint32_t* lanes, int count, Butterfly order, Add&& add_two) {
  const int warp = count < warp_lanes ? count : warp_lanes;
  for (int first = 0; first < count; first += warp) {
    uint32_t* const a = lanes + first;
    switch (order) {
      case Butterfly::far_first:
        for (int distance = warp / 2; distance >= 1; distance /= 2) {
          for (int t = 0; t < distance; ++t) a[t] = add_two(a[t], a[t + distance]);
        }
        break;
      case Butterfly::near_first:
        for (int distance = 1; distance < warp; distance *= 2) {
          for (int t = 0; t < warp; t += 2 * distance) a[t] = add_two(a[t], a[t + distance]);
        }
        break;
    }
  }
  uint32_t sum = lanes[0];
  for (int t = warp; t < count; t += warp) sum = add_two(sum, lanes[t]);
  return sum;
}

// dO and O of one row as registers.
template <class Sink>
uint32_t delta_of_row(const Machine<Sink>& machine, const DeltaRule& rule,
                      const DeltaLayout& layout, int64_t row, int64_t dim, const uint32_t* dout,
                      const uint32_t* o) {
  std::array<uint32_t, most_delta_lanes> lanes{};
  uint32_t result = 0;
  machine.at(Site::delta, [&](auto step) {
    for (int t = 0; t < layout.lanes; ++t) {
      lanes[static_cast<size_t>(t)] =
          detail::lane_delta(step, layout, rule.sum, row, dim, dout, o, t);
    }
    result = joined(lanes.data(), layout.lanes, rule.join, [&](uint32_t x, uint32_t y) {
      return step(row, 0, add(step.operand(x), step.operand(y), step.mode()));
    });
  });
  return result;
}

}  // namespace ulpscope
