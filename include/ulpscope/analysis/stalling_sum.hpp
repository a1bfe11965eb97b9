// Positive numbers added one after the other in a narrow format: from some point on every term is
// less than half an ulp of the sum, and the sum stands still.
//
//   sequential_sum(bf16, nearest_even, ones(1024), 1)   256, last changed by term 256, error 0.75
//
// With t trailing bits and terms of 1 the sum stalls at 2^(t+1): 256 in bf16, 2048 in fp16. Terms
// that are uniform in [0, 1) reach the same sum after twice as many. A stochastic rounding goes on.
//
// Limits: formats of 24 bits of precision or fewer, so that the exact sum is taken in binary64 with
// its compensation. Tested by tests/analysis/stalling_sum_test.cpp.
#pragma once

#include "ulpscope/analysis/any_rounding.hpp"
#include "ulpscope/format/format.hpp"

#include <cstdint>
#include <span>

namespace ulpscope {

struct SequentialSum {
  double sum = 0;
  double exact = 0;
  int64_t last_change = 0;  // the term, counted from 1, behind which the sum stands still

  double relative_error() const { return (sum - exact) / exact; }
};

// Terms are codes of the format, finite and not negative; draws take the term's index.
SequentialSum sequential_sum(const Format& format, const AnyRounding& rounding,
                             std::span<const uint16_t> terms, uint64_t seed);

}  // namespace ulpscope
