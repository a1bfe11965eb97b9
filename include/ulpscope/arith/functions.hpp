// exp, exp2, log, log2 and tanh, correctly rounded in every format and mode.
//
// Each `*_exact` takes an exact value without a sticky part and gives the true result cut toward
// zero to word_bits - 2 bits, sticky; or the result itself where it is a number of the word (e^0,
// 2^3, ln 1, log2 8, tanh 0, and infinities). round_pack makes of that the right bits, flags and
// residue, in any mode:
//
//   round_pack(bf16, exp_exact(decode<uint64_t>(bf16, 0x3F80)), nearest_even).bits == 0x402E
//
// Specials: e^-inf = 0, ln 0 = -infinity and divide_by_zero, of either zero; ln of a negative
// number is invalid; tanh -0 = -0, tanh inf = 1. NaN comes out as it came in.
// e^x and 2^x from |x| = 2^20 on give 2^(+-2^20), sticky: outside every format, as they are.
//
// Why the results are proved, not hoped for: truncation.hpp; error bounds:
// docs/numerics/functions.md. The values for residues in hot loops, 60 bits and not proved, are in
// elementary.hpp. Tested by tests/arith/functions_test.cpp and tests/oracles.
#pragma once

#include "ulpscope/arith/exponential.hpp"
#include "ulpscope/arith/hyperbolic.hpp"
#include "ulpscope/arith/logarithm.hpp"
