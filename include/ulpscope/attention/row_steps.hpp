// A step of machine.hpp over the elements of a row: where somebody listens, or the site rounds in
// its own way, one by one; in a plain run of binary32 by the host's arithmetic, the whole row at
// once (hardware/binary32_rows.hpp), with the same bits.
//
//   machine.at(Site::rescale, [&](auto step) {
//     multiply_elements(step, {row, 0, dim}, o, factor, o);      // o[d] = round(o[d] factor)
//   });
//
// Tested by tests/attention/row_steps_test.cpp.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/machine.hpp"
#include "ulpscope/hardware/binary32_rows.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace ulpscope {

// `count` elements of a row from column `first` on, as a log names them.
struct Elements {
  int64_t row;
  int64_t first;
  int64_t count;
};

namespace detail {

inline Row32 row_of(const Elements& at, const uint32_t* x) {
  return {x, static_cast<size_t>(at.count)};
}
inline std::span<uint32_t> row_of(const Elements& at, uint32_t* x) {
  return {x, static_cast<size_t>(at.count)};
}

// Rounds to a site's format; nothing is flushed, or all of binary32.
void cast_row(std::span<uint32_t> x, const Format& format, Rounding rounding);

// body(first, count) for the blocks of a row whose records are reported together.
template <class Body>
void in_blocks(int64_t count, const Body& body) {
  constexpr auto room = static_cast<int64_t>(RecordRow::room);
  for (int64_t first = 0; first < count; first += room) body(first, std::min(room, count - first));
}

// to[i] = step(exact(i)) one by one.
template <class Step, class ExactValue>
void one_by_one(const Step& step, const Elements& at, uint32_t* to, const ExactValue& exact) {
  for (int64_t i = 0; i < at.count; ++i) to[i] = step(at.row, at.first + i, exact(i));
}

}  // namespace detail

// to[i] = x[i] y
template <class Step>
void multiply_elements(const Step& step, const Elements& at, const uint32_t* x, uint32_t y,
                       uint32_t* to) {
  if constexpr (Step::by_host) {
    multiply_row(detail::row_of(at, x), y, Step::flush, detail::row_of(at, to));
  } else {
    const auto factor = step.operand(y);
    detail::one_by_one(step, at, to,
                       [&](int64_t i) { return multiply(step.operand(x[i]), factor); });
  }
}

// to[i] = x[i] y[i]
template <class Step>
void multiply_elements(const Step& step, const Elements& at, const uint32_t* x, const uint32_t* y,
                       uint32_t* to) {
  if constexpr (Step::by_host) {
    multiply_rows(detail::row_of(at, x), detail::row_of(at, y), Step::flush,
                  detail::row_of(at, to));
  } else {
    detail::one_by_one(step, at, to,
                       [&](int64_t i) { return multiply(step.operand(x[i]), step.operand(y[i])); });
  }
}

// to[i] = x[i] - y
template <class Step>
void subtract_from_elements(const Step& step, const Elements& at, const uint32_t* x, uint32_t y,
                            uint32_t* to) {
  if constexpr (Step::by_host) {
    add_to_row(detail::row_of(at, x), y ^ detail::sign_bit32, Step::flush, detail::row_of(at, to));
  } else {
    const auto subtrahend = step.operand(y);
    detail::one_by_one(step, at, to, [&](int64_t i) {
      return subtract(step.operand(x[i]), subtrahend, step.mode());
    });
  }
}

// to[i] = x[i] + y[i]
template <class Step>
void add_elements(const Step& step, const Elements& at, const uint32_t* x, const uint32_t* y,
                  uint32_t* to) {
  if constexpr (Step::by_host) {
    add_rows(detail::row_of(at, x), detail::row_of(at, y), Step::flush, detail::row_of(at, to));
  } else {
    detail::one_by_one(step, at, to, [&](int64_t i) {
      return add(step.operand(x[i]), step.operand(y[i]), step.mode());
    });
  }
}

// x[i] rounded to the site's format.
template <class Step>
void cast_elements(const Step& step, const Elements& at, uint32_t* x) {
  if constexpr (!Step::listens) {
    if (Step::by_host || step.rounding().policy.flush == Flush::none) {
      return detail::cast_row(detail::row_of(at, x), step.format(), step.rounding());
    }
  }
  detail::one_by_one(step, at, x, [&](int64_t i) { return register_value(x[i]); });
}

// What chains returned, rounded by the site and judged by exact(i).
template <class Step, class ExactValue>
void keep_sums(const Step& step, const Elements& at, const ChainSums& sums, uint32_t* to,
               const ExactValue& exact) {
  if constexpr (!Step::listens) {
    std::copy(sums.values(0), sums.values(0) + at.count, to);
    cast_elements(step, at, to);
  } else {
    for (int64_t i = 0; i < at.count; ++i) {
      to[i] = step.hardware(at.row, at.first + i, sums[i], [&] { return exact(i); });
    }
  }
}

// x[i] = f(x[i]), an instruction's result, rounded by the site and judged by exact(x[i]); `row`
// computes f for a whole row.
template <class Step, class RowFunction, class ExactValue>
void apply_to_elements(const Step& step, const Elements& at, uint32_t* x, const RowFunction& row,
                       const ExactValue& exact) {
  if constexpr (!Step::listens) {
    row(detail::row_of(at, x));
    cast_elements(step, at, x);
  } else {
    std::array<uint32_t, 64> some;
    const auto room = static_cast<int64_t>(some.size());
    for (int64_t first = 0; first < at.count; first += room) {
      const int64_t count = std::min(room, at.count - first);
      std::copy_n(x + first, count, some.begin());
      row(std::span(some).first(static_cast<size_t>(count)));
      for (int64_t i = first; i < first + count; ++i) {
        const ChainResult returned{some[static_cast<size_t>(i - first)], Flag::none};
        x[i] = step.hardware(at.row, at.first + i, returned, [&] { return exact(x[i]); });
      }
    }
  }
}

}  // namespace ulpscope
