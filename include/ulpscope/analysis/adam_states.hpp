// Adam's two moments as training leaves them, drawn: what quantised optimizer states are tried on.
//
//   draw_adam_states({.seed = 1, .values = 16384}) -> first, second: codes of binary32
//
// Every weight has gradients g of N(0, 1) times a scale of its own, e^(spread N(0, 1)), and
//
//   m <- beta1 m + (1 - beta1) g,    v <- beta2 v + (1 - beta2) g^2
//
// from zero, in binary64, rounded once to binary32 at the end. A spread of 0.2 gives groups of 128
// the ranges that the paper reports, about 1e3 of m and 1e1 of v. What it has not: scales that go
// together along a row, and heavy tails.
//
// Source: COAT, arXiv 2410.19313, sections 4 and 6, for the ranges. Tested by
// tests/analysis/moment_errors_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

namespace ulpscope {

struct AdamLaw {
  uint64_t seed = 1;
  int64_t values = 65536;
  int64_t steps = 60;
  double spread = 0.2;
  double beta1 = 0.9;
  double beta2 = 0.95;
};

struct AdamStates {
  std::vector<uint32_t> first;   // m
  std::vector<uint32_t> second;  // v
};

// Error of kind usage where there are no values or steps, or the spread is not in [0, 10].
AdamStates draw_adam_states(const AdamLaw& law);

}  // namespace ulpscope
