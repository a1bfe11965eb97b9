// What a quantisation did to a tensor: counts, and errors in the unit of the values.
//
//   ScalingErrors e; e.add(Float32(1.1), Float32(1.125)); e.mean() == 0.025...
//
// An error is decoded minus input, rounded once to binary32; everything after that is exact, so
// that threads, shards and the order of the elements never change a digit. Means and powers are
// turned into binary64 once, when they are read.
//
// Inputs or results that are infinite or NaN have no error: they are skipped.
// Host only. Tested by tests/scaling/scaling_errors_test.cpp.
#pragma once

#include "ulpscope/base/wide_sum.hpp"
#include "ulpscope/scaling/power.hpp"

namespace ulpscope {

struct ScalingErrors {
  uint64_t count = 0;
  uint64_t skipped = 0;
  uint64_t unchanged = 0;  // decoded to themselves
  uint64_t saturated = 0;  // rounded to more than the largest element
  uint64_t lost = 0;       // not zero, but decoded to zero
  uint32_t largest = 0;    // largest magnitude of an error, a code of binary32
  WideSum sum;             // of errors
  WideSum noise;           // of their squares
  WideSum signal;          // of the squares of the inputs

  void add(Float32 input, Float32 decoded);
  void merge(const ScalingErrors& other);

  double max_error() const;
  double mean() const;  // signed; 0 where nothing was counted
  // 10 log10(signal / noise); infinity without noise, NaN without signal.
  double sqnr_decibels() const;

  friend bool operator==(const ScalingErrors&, const ScalingErrors&) = default;
};

}  // namespace ulpscope
