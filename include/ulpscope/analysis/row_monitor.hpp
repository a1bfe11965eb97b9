// What a row of scores holds in store for the rounding of its output.
//
//   p_j = exp(s_j - max s), each rounded once to the format of P;  residual = sum of p_j below max
//
// An output of n equal maxima is a mean of n values, and its rounding meets ties: the n values are
// whole multiples of an ulp, and dividing by 2 or 4 leaves a half. What breaks the ties is the rest
// of the row. Is its weight above a binary32 ulp of the row sum, it arrives; is it below a tenth of
// an ulp of the output, it decides nothing but ties, all of them one way. Rows between the two,
// with two or more equal maxima, are `at risk`: the window of the resonance (docs/glossary.md).
//
//   scores (8, 8, -6), O in bf16: residual e^-14 = 8.3e-7, window 1.2e-7 to 1.6e-3: at risk
//
// The values decide whether that does harm: where V is as likely above as below the maxima's, the
// ties go both ways. A monitor sees Q and K alone, and says where to look.
//
// Scores are in natural units (scaled, capped, biased), rounded as the kernel does; the kernel's
// own exponential and its order of tiles do not enter. Source: Qiu and Yao, arXiv 2510.04212; the
// window is read off a sweep of gaps, from 4 to 30, in which the bias of O comes and goes.
// Tested by tests/analysis/row_monitor_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

struct MonitorOptions {
  Format probability;       // of P as the product with V takes it
  Format output;            // of O
  double tolerance = 1e-3;  // of near maxima, in natural units
  int64_t sinks = 1;        // the first keys whose share is the sink share
};

// One row; `keys` are the keys of the scores, ascending from `first_key` on.
struct RowMonitor {
  int64_t seen = 0;
  double maximum = 0;    // of the scores
  double magnitude = 0;  // largest |score|
  int64_t equal = 0;     // scores that are the maximum
  int64_t near = 0;      // scores within the tolerance of it, the equal ones included
  int64_t powers = 0;    // P that are powers of two, the equal ones included
  double residual = 0;   // weight of the keys below the maximum, a maximum counting 1
  double entropy = 0;    // of the softmax, in nats
  double sink = 0;       // weight of the first keys in the softmax, of 1
  bool at_risk = false;
};

// `selectors` are what the kernel takes the maximum over, binary32 bits in the order of the scores:
// equal maxima are equal there. `weights` is room for as many numbers. A row without keys, with
// a NaN or with a score of +infinity counts nothing but `seen`; -infinity hides a key.
RowMonitor monitor_row(std::span<const double> scores, std::span<const uint32_t> selectors,
                       int64_t first_key, const MonitorOptions& options, std::span<double> weights);

// A row of n equal maxima, two or more, is at risk where its residual lies between n 2^-24, which a
// binary32 sum near n still feels, and a tenth of n ulps of the output in the binade of 1.
struct RiskWindow {
  double least;
  double most;
};
RiskWindow risk_window(const Format& output, int64_t maxima);

}  // namespace ulpscope
