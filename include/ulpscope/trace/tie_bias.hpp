// How ties bias a sum when a vanishing residue breaks them one way: the exact expectation.
//
// Add n numbers of one sign and one binade of a format (each significand equally likely) and
// something too small to matter except at a tie. The sum needs k more bits than the format has,
// its exact ties have probability 2^-k, and a residue of the sum's own sign sends all of them away
// from zero: a mean error of 2^-(k+1) ulp of the result, at every width of the significand.
//
//   tie_bias(bf16, 2, Residue::same_sign, nearest_even).mean_ulp == 0.25
//
// Nothing is sampled: the distribution of the sum is a convolution, in integers, and every sum is
// rounded once by round_pack. Source of the effect: Qiu and Yao, arXiv 2510.04212; the closed form
// is derived in docs/numerics/tie_bias.md. Limits: 12 trailing bits, 120 of all
// terms together, and sums that the format holds. Tested by tests/trace/tie_bias_test.cpp.
#pragma once

#include "ulpscope/round/rounding.hpp"

namespace ulpscope {

enum class Residue { none, same_sign, opposite_sign };

struct TieBias {
  double mean_ulp;     // rounded minus exact, away from zero positive, in ulps of the result
  double tie_share;    // of sums that lie half way but for the residue
  double closed_form;  // the sum over k of P(k) 2^-(k+1), with the residue's sign; 0 without
};

// Throws Error of kind usage where a limit is passed.
TieBias tie_bias(const Format& format, int terms, Residue residue, Rounding rounding);

}  // namespace ulpscope
