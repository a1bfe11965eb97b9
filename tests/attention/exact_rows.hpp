// What the tests of rows of exact values share: every instruction set of the machine, and a value
// held in two numbers as the scalar functions have it.
#pragma once

#include "ulpscope/arith/add.hpp"
#include "ulpscope/attention/exact_row.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <string>

#include <doctest/doctest.h>
#include <hwy/highway.h>

namespace ulpscope::test {

// Says whether the target is one that we have lanes for; others may go one by one.
template <class Body>
void on_every_instruction_set(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    body(target <= HWY_SSE4);
  }
  hwy::SetSupportedTargetsForTest(0);
}

inline bool is_held(const ExactValues& row, size_t i) {
  return row.high[i] <= 0 || row.high[i] > 0;
}

// high + low of numbers whose bits are at most 106 places apart.
inline Exact<uint128> held_value(const ExactValues& row, size_t i) {
  const auto number = [](double x) { return decode<uint128>(fp64, bit_cast<uint64_t>(x)); };
  return add(number(row.high[i]), number(row.low[i]), Mode::nearest_even);
}

// Of two exact values without a sticky part.
inline bool equal(Exact<uint128> x, Exact<uint128> y) {
  for (Exact<uint128>* const one : {&x, &y}) {
    if (one->kind != Kind::finite) continue;
    for (; (one->significand & 1) == 0; ++one->exponent) one->significand >>= 1;
  }
  if (x.kind != Kind::finite || y.kind != Kind::finite) return x.kind == y.kind;
  return x.significand == y.significand && x.exponent == y.exponent && x.negative == y.negative;
}

}  // namespace ulpscope::test
