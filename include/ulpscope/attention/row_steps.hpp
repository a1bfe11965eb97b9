// A step of machine.hpp over the elements of a row: where the site rounds in its own way, one by
// one; in a plain run of binary32 by the host's arithmetic, the whole row at once
// (hardware/binary32_rows.hpp), with the same bits. Where somebody listens who takes rows, their
// records are made in lanes (trace/plain_records.hpp) and what these leave open one by one.
//
//   machine.at(Site::rescale, [&](auto step) {
//     multiply_elements(step, {row, 0, dim}, o, factor, o);      // o[d] = round(o[d] factor)
//   });
//
// Tested by tests/attention/row_steps_test.cpp.
#pragma once

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/attention/judge_row.hpp"
#include "ulpscope/attention/machine.hpp"
#include "ulpscope/hardware/binary32_rows.hpp"
#include "ulpscope/trace/plain_records.hpp"

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
ULPSCOPE_HD inline std::span<uint32_t> row_of(const Elements& at, uint32_t* x) {
  return {x, static_cast<size_t>(at.count)};
}

// Rounds to a site's format; nothing is flushed, or all of binary32.
void cast_row(std::span<uint32_t> x, const Format& format, Rounding rounding);

// Exact values rounded to binary32, nearest even; NaN where none is held, or one of 0, whose sign
// is not.
void round_exact_row(const ExactValues& values, std::span<uint32_t> to);

// A part of a row whose records are reported together.
struct Stretch {
  int64_t first;
  size_t count;
};

// body(first, count) for the stretches of a row.
template <class Body>
void in_blocks(int64_t count, const Body& body) {
  constexpr auto room = static_cast<int64_t>(RecordRow::room);
  for (int64_t first = 0; first < count; first += room) body(first, std::min(room, count - first));
}

// Operands of a row, and one number that every element meets.
struct EachNumber {
  const uint32_t* x;
  Row32 of(const Stretch& some) const { return {x + some.first, some.count}; }
};
class SameNumber {
 public:
  explicit SameNumber(uint32_t x) { row_.fill(x); }
  Row32 of(const Stretch& some) const { return Row32(row_).first(some.count); }

 private:
  std::array<uint32_t, RecordRow::room> row_;
};

// to[i] = step(exact(i)) one by one.
template <class Step, class ExactValue>
ULPSCOPE_HD void one_by_one(const Step& step, const Elements& at, uint32_t* to,
                            const ExactValue& exact) {
  for (int64_t i = 0; i < at.count; ++i) to[i] = step(at.row, at.first + i, exact(i));
}

// The records that are still open, and the registers that these steps leave.
template <class Step, class ExactValue>
void close(const Step& step, const Elements& at, RecordRow& records, std::span<uint32_t> values,
           const ExactValue& exact) {
  for (size_t i = 0; i < records.size(); ++i) {
    if (!records.is_open(i)) continue;
    const auto x = exact(i);
    const Stored stored = step.rounded(at.row, at.first + static_cast<int64_t>(i), x);
    values[i] = stored.value;
    records.set(i, {stored.residue, stored.flags, x.negative});
  }
}

// to[i] = step(exact(i)) in blocks: `round(some, result)` rounds a block, and
// `record(some, result, records)` makes its records or leaves some of them open.
template <class Step, class Round, class Recorder, class ExactValue>
void by_blocks(const Step& step, const Elements& at, uint32_t* to, const Round& round,
               const Recorder& record, const ExactValue& exact) {
  RecordRow records;
  std::array<uint32_t, RecordRow::room> values;
  in_blocks(at.count, [&](int64_t first, int64_t count) {
    const Stretch some{first, static_cast<size_t>(count)};
    const auto result = std::span(values).first(some.count);
    records.resize(some.count);
    round(some, result);
    if (!record(some, Row32(result), records)) {
      close(step, {at.row, at.first + first, count}, records, result,
            [&](size_t i) { return exact(first + static_cast<int64_t>(i)); });
    }
    step.report_row(at.row, at.first + some.first, values.data(), records);
    std::copy(result.begin(), result.end(), to + some.first);
  });
}

// The rows of an instruction, and their records.
struct PlainOperation {
  void (*rows)(Row32 x, Row32 y, Flush flush, std::span<uint32_t> to);
  bool (*records)(Row32 x, Row32 y, Row32 rounded, RecordRow& records);
};
inline constexpr PlainOperation products{multiply_rows, record_products};
inline constexpr PlainOperation sums{add_rows, record_sums};

// to[i] = step(exact(i)), which is the operation of x and y.
template <class Step, class Y, class ExactValue>
void operate(const Step& step, const Elements& at, const PlainOperation& operation,
             const EachNumber& x, const Y& y, uint32_t* to, const ExactValue& exact) {
  if constexpr (Step::by_row && Step::is_plain) {
    by_blocks(
        step, at, to,
        [&](const Stretch& some, std::span<uint32_t> result) {
          operation.rows(x.of(some), y.of(some), Step::flush, result);
        },
        [&](const Stretch& some, Row32 result, RecordRow& records) {
          return operation.records(x.of(some), y.of(some), result, records);
        },
        exact);
  } else {
    one_by_one(step, at, to, exact);
  }
}

// A block of what instructions returned; `flags` is null where they raise none.
struct Returned {
  const uint32_t* values;
  const Flag* flags = nullptr;
};

// to[i] = the result, rounded by the site, its error that of judged against exact(i), which `held`
// holds for most.
template <class Step, class ExactValue>
void keep_judged(const Step& step, const Elements& at, const Returned& returned,
                 const ExactValues& held, const ExactValue& exact, uint32_t* to) {
  const auto count = static_cast<size_t>(at.count);
  std::array<uint32_t, RecordRow::room> results;
  std::array<Flag, RecordRow::room> flags;
  const std::span<uint32_t> values(results.data(), count);
  std::copy_n(returned.values, count, results.begin());
  if (returned.flags == nullptr) {
    std::fill_n(flags.begin(), count, Flag::none);
  } else {
    std::copy_n(returned.flags, count, flags.begin());
  }
  if constexpr (Step::is_plain) {
    cast_row(values, fp32, step.rounding());  // of a register: nothing carries or overflows
  } else {
    for (size_t i = 0; i < count; ++i) {
      const Stored stored =
          step.rounded(at.row, at.first + static_cast<int64_t>(i), register_value(results[i]));
      results[i] = stored.value;
      flags[i] |= stored.flags & (Flag::round_carry | Flag::overflow);
    }
  }
  RecordRow records;
  judge_row(step.format(), values, held, records);
  for (size_t i = 0; i < count; ++i) {
    if (!records.is_open(i) && !has(flags[i], Flag::overflow)) [[likely]] {
      records.marks()[i] |= RecordRow::mark_of(flags[i], false);
    } else {
      records.set(i, judged(step.format(), results[i], exact(static_cast<int64_t>(i)), flags[i]));
    }
  }
  step.report_row(at.row, at.first, results.data(), records);
  std::copy_n(results.begin(), count, to);
}

// to[i] = exact(i), rounded once; what the instruction returns, `returned(i)`, is asked for where
// there is no exact value. `to` may be what both read, so it is written last.
template <class Step, class ExactValue, class ReturnedValue>
void keep_exact(const Step& step, const Elements& at, const ExactValues& held,
                const ExactValue& exact, const ReturnedValue& returned, uint32_t* to) {
  std::array<uint32_t, RecordRow::room> rounded;
  if constexpr (!Step::listens) {
    round_exact_row(held, std::span(rounded).first(static_cast<size_t>(at.count)));
  }
  for (int64_t i = 0; i < at.count; ++i) {
    uint32_t& result = rounded[static_cast<size_t>(i)];
    if constexpr (!Step::listens) {
      if (!is_nan32(result)) continue;
    }
    const auto x = exact(i);
    if (x.kind != Kind::nan) {
      result = step(at.row, at.first + i, x);
    } else {
      result = step.hardware(at.row, at.first + i, {returned(i), Flag::none}, [&] { return x; });
    }
  }
  std::copy_n(rounded.begin(), at.count, to);
}

}  // namespace detail

// to[i] = x[i] y
template <class Step>
ULPSCOPE_STEP void multiply_elements(const Step& step, const Elements& at, const uint32_t* x,
                                     uint32_t y, uint32_t* to) {
  if constexpr (Step::by_host) {
    multiply_row(detail::row_of(at, x), y, Step::flush, detail::row_of(at, to));
  } else {
    const auto factor = step.operand(y);
    const auto exact = [&](int64_t i) { return multiply(step.operand(x[i]), factor); };
    if constexpr (Step::is_scalar) {
      detail::one_by_one(step, at, to, exact);
    } else {
      detail::operate(step, at, detail::products, detail::EachNumber{x}, detail::SameNumber(y), to,
                      exact);
    }
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
    detail::operate(step, at, detail::products, detail::EachNumber{x}, detail::EachNumber{y}, to,
                    [&](int64_t i) { return multiply(step.operand(x[i]), step.operand(y[i])); });
  }
}

// to[i] = x[i] - y
template <class Step>
ULPSCOPE_STEP void subtract_from_elements(const Step& step, const Elements& at, const uint32_t* x,
                                          uint32_t y, uint32_t* to) {
  const uint32_t addend = y ^ detail::sign_bit32;
  if constexpr (Step::by_host) {
    add_to_row(detail::row_of(at, x), addend, Step::flush, detail::row_of(at, to));
  } else {
    const auto subtrahend = step.operand(y);
    const auto exact = [&](int64_t i) {
      return subtract(step.operand(x[i]), subtrahend, step.mode());
    };
    if constexpr (Step::is_scalar) {
      detail::one_by_one(step, at, to, exact);
    } else {
      detail::operate(step, at, detail::sums, detail::EachNumber{x}, detail::SameNumber(addend), to,
                      exact);
    }
  }
}

// to[i] = x[i] + y[i]
template <class Step>
void add_elements(const Step& step, const Elements& at, const uint32_t* x, const uint32_t* y,
                  uint32_t* to) {
  if constexpr (Step::by_host) {
    add_rows(detail::row_of(at, x), detail::row_of(at, y), Step::flush, detail::row_of(at, to));
  } else {
    detail::operate(
        step, at, detail::sums, detail::EachNumber{x}, detail::EachNumber{y}, to,
        [&](int64_t i) { return add(step.operand(x[i]), step.operand(y[i]), step.mode()); });
  }
}

// to[i] = x[i] y + z, rounded once.
template <class Step>
ULPSCOPE_STEP void multiply_add_elements(const Step& step, const Elements& at, const uint32_t* x,
                                         uint32_t y, uint32_t z, uint32_t* to) {
  const auto factor = step.operand(y);
  const auto term = step.operand(z);
  const auto exact = [&](int64_t i) { return fma(step.operand(x[i]), factor, term, step.mode()); };
  if constexpr (Step::is_plain && Step::flush == Flush::none && (Step::by_host || Step::by_row)) {
    const detail::EachNumber from{x};
    const detail::SameNumber factors(y);
    const detail::SameNumber terms(z);
    const auto rows = [&](const detail::Stretch& some, std::span<uint32_t> result) {
      multiply_add_rows(from.of(some), factors.of(some), terms.of(some), result);
    };
    if constexpr (Step::by_host) {
      detail::in_blocks(at.count, [&](int64_t first, int64_t count) {
        const auto size = static_cast<size_t>(count);
        rows({first, size}, {to + first, size});
      });
    } else {
      detail::by_blocks(
          step, at, to, rows,
          [&](const detail::Stretch& some, Row32 result, RecordRow& records) {
            return record_fused(from.of(some), factors.of(some), terms.of(some), result, records);
          },
          exact);
    }
  } else {
    detail::one_by_one(step, at, to, exact);
  }
}

// x[i] rounded to the site's format.
template <class Step>
ULPSCOPE_STEP void cast_elements(const Step& step, const Elements& at, uint32_t* x) {
  if constexpr (!Step::is_scalar && !Step::listens && !Step::draws) {
    if (Step::by_host || step.rounding().policy.flush == Flush::none) {
      return detail::cast_row(detail::row_of(at, x), step.format(), step.rounding());
    }
  }
  const auto exact = [&](int64_t i) { return register_value(x[i]); };
  if constexpr (Step::by_row && !Step::draws) {
    const bool keeps_subnormals = Step::is_plain || step.rounding().policy.flush == Flush::none;
    if (keeps_subnormals && has_plain_casts(step.format())) {
      const detail::EachNumber from{x};
      detail::by_blocks(
          step, at, x,
          [&](const detail::Stretch& some, std::span<uint32_t> result) {
            std::copy_n(from.of(some).begin(), some.count, result.begin());
            detail::cast_row(result, step.format(), step.rounding());
          },
          [&](const detail::Stretch& some, Row32 result, RecordRow& records) {
            return record_casts(from.of(some), result, step.format(), records);
          },
          exact);
      return;
    }
  }
  detail::one_by_one(step, at, x, exact);
}

// What chains() returns, a ChainSums, rounded by the site and judged by the exact sums that
// exact_sums() makes, an ExactDots. An exact site keeps these sums, and runs no chain for them.
template <class Step, class Chains, class ExactSums>
void keep_sums(const Step& step, const Elements& at, uint32_t* to, const Chains& chains,
               const ExactSums& exact_sums) {
  if constexpr (!Step::listens && !Step::is_exact) {
    std::copy_n(chains().values(0), at.count, to);
    cast_elements(step, at, to);
  } else {
    const auto exact = exact_sums();
    const ChainSums* sums = nullptr;
    detail::in_blocks(at.count, [&](int64_t first, int64_t count) {
      ExactValues values;
      exact.row(first, count, values);
      const Elements block{at.row, at.first + first, count};
      const auto exact_sum = [&](int64_t i) { return exact(first + i); };
      const auto run = [&]() -> const ChainSums& {
        if (sums == nullptr) sums = &chains();
        return *sums;
      };
      if constexpr (Step::is_exact) {
        detail::keep_exact(
            step, block, values, exact_sum, [&](int64_t i) { return run()[first + i].value; },
            to + first);
      } else {
        detail::keep_judged(step, block, {run().values(first), run().flags(first)}, values,
                            exact_sum, to + first);
      }
    });
  }
}

// x[i] = f(x[i]), an instruction's result, rounded by the site and judged by exact(x[i]), or this
// value itself; `row` and `exact.row` do this for a whole row.
template <class Step, class RowFunction, class ExactFunction>
ULPSCOPE_HD void apply_to_elements(const Step& step, const Elements& at, uint32_t* x,
                                   const RowFunction& row, const ExactFunction& exact) {
  if constexpr (!Step::listens && !Step::is_exact) {
    row(detail::row_of(at, x));
    cast_elements(step, at, x);
  } else {
    detail::in_blocks(at.count, [&](int64_t first, int64_t count) {
      uint32_t* const of_block = x + first;
      const std::span operands(of_block, static_cast<size_t>(count));
      ExactValues values;
      exact.row(operands, values);
      const Elements block{at.row, at.first + first, count};
      const auto exact_value = [&](int64_t i) { return exact(of_block[i]); };
      if constexpr (Step::is_exact) {
        const auto returned = [&](int64_t i) {
          uint32_t one = of_block[i];
          row(std::span(&one, 1));
          return one;
        };
        detail::keep_exact(step, block, values, exact_value, returned, of_block);
      } else {
        std::array<uint32_t, RecordRow::room> returned;
        std::copy(operands.begin(), operands.end(), returned.begin());
        row(std::span(returned).first(operands.size()));
        detail::keep_judged(step, block, {returned.data()}, values, exact_value, of_block);
      }
    });
  }
}

}  // namespace ulpscope
