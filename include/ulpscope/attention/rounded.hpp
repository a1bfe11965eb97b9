// The correctly rounded functions of arith/functions.hpp as the pass uses them: compiled once, for
// their limbs are no matter of the pass.
//
// The exact values are cut, sticky: a step rounds them once. Tested by
// tests/attention/score_steps_test.cpp.
#pragma once

#include "ulpscope/format/exact.hpp"

#include <cstdint>

namespace ulpscope {

// e^x of a register, to nearest even; a NaN is the GPU's.
uint32_t rounded_exp(uint32_t x);

Exact<uint64_t> exact_log(const Exact<uint64_t>& x);
Exact<uint64_t> exact_tanh(const Exact<uint64_t>& x);

}  // namespace ulpscope
