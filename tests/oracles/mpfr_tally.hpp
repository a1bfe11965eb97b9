// The core and MPFR on the same vectors, counted: what the test and the sweep share.
//
// Compared are bits (NaN by class), the direction of the error, the sign of the residue, and the
// five IEEE flags, underflow in both its meanings. With a NaN operand only "the result is a NaN" is
// compared.
#pragma once

#include <limits>

#include "oracles/core_side.hpp"
#include "oracles/mpfr_oracle.hpp"

namespace ulpscope {

struct MpfrTally {
  uint64_t vectors = 0;
  uint64_t mismatches = 0;
  uint64_t first_mismatch = std::numeric_limits<uint64_t>::max();  // index of the vector
  uint64_t inexact = 0;
  uint64_t ties = 0;
  uint64_t subnormal = 0;
  uint64_t overflow = 0;
  uint64_t not_a_number = 0;
  uint64_t digest = 0;  // of the core's answers; the order does not matter

  void join(const MpfrTally& other) {
    vectors += other.vectors;
    mismatches += other.mismatches;
    first_mismatch = std::min(first_mismatch, other.first_mismatch);
    inexact += other.inexact;
    ties += other.ties;
    subnormal += other.subnormal;
    overflow += other.overflow;
    not_a_number += other.not_a_number;
    digest += other.digest;
  }
};

template <Format F>
bool is_nan_code(uint64_t bits) {
  constexpr uint64_t infinity = low_mask<uint64_t>(F.exponent_bits) << F.trailing_bits;
  return (bits & low_mask<uint64_t>(F.exponent_bits + F.trailing_bits)) > infinity;
}

template <Format F>
bool agree(const Rounded& core, const MpfrAnswer& mpfr, bool nan_operand) {
  if (is_nan_code<F>(mpfr.bits)) {
    return is_nan_code<F>(core.bits) && (nan_operand || has(core.flags, Flag::invalid));
  }
  const bool negative = (mpfr.bits >> (F.exponent_bits + F.trailing_bits)) != 0;
  const int residue = core.residue < 0 ? -1 : (core.residue > 0 ? 1 : 0);
  const bool residue_agrees = residue == mpfr.direction ||
                              has(core.flags, Flag::residue_saturated) ||
                              (residue == 0 && has(core.flags, Flag::residue_truncated));
  return core.bits == mpfr.bits && direction(negative, core.flags) == mpfr.direction &&
         residue_agrees && has(core.flags, Flag::overflow) == mpfr.overflow &&
         has(core.flags, Flag::underflow) == mpfr.underflow &&
         has(core.flags, Flag::underflow_after) == mpfr.underflow_after &&
         has(core.flags, Flag::divide_by_zero) == mpfr.divide_by_zero &&
         !has(core.flags, Flag::invalid) && !mpfr.invalid;
}

// Vectors begin to end - 1 of a seed.
template <Format F, Operation operation>
MpfrTally compare_with_mpfr(MpfrOracle<F>& oracle, uint64_t seed, uint64_t begin, uint64_t end) {
  constexpr Format format = F;
  const VectorSource vectors(format, operation, seed);
  MpfrTally tally;
  tally.vectors = end - begin;
  for (uint64_t i = begin; i < end; ++i) {
    const Operands x = vectors.at(i);
    const Rounded core = core_operation<operation>(format, x, nearest_even);
    const MpfrAnswer mpfr = oracle.template answer<operation>(x);
    const bool nan_operand = is_nan_code<F>(x.a) || is_nan_code<F>(x.b) ||
                             (operation == Operation::fma && is_nan_code<F>(x.c));
    if (!agree<F>(core, mpfr, nan_operand)) {
      tally.first_mismatch = std::min(tally.first_mismatch, i);
      ++tally.mismatches;
    }
    tally.inexact += has(core.flags, Flag::inexact) ? 1 : 0;
    tally.ties += has(core.flags, Flag::tie) ? 1 : 0;
    tally.subnormal += has(core.flags, Flag::subnormal) ? 1 : 0;
    tally.overflow += has(core.flags, Flag::overflow) ? 1 : 0;
    tally.not_a_number += is_nan_code<F>(core.bits) ? 1 : 0;
    tally.digest += mixed(core.bits + (i << 16));
  }
  return tally;
}

}  // namespace ulpscope
