// The errors of a tensor, element by element, kept so that two runs of one problem can be told
// apart: what a step adds is the difference of two runs, element from element.
//
//   const Residues with = residues_of(...), without = residues_of(...);
//   error_figures(difference(with, without))[0].bias.z     the tensor as a whole, [1 + h]: head h
//
// A residue is (value - reference) in 2^-32 ulp, as compare/error_tally.hpp defines it; sums are
// exact integers, so those of differences add up to the difference of the sums to the last bit. An
// element that has no error in one of two runs (NaN, infinite, beyond 2^31 ulp) has none in their
// difference. Figures are by value: above exact is positive.
//
// Paired differences have far smaller standard errors than the runs themselves: what both share,
// the values and their ties, falls out. Tested by tests/analysis/residues_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/trace/bias.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace ulpscope {

struct TensorShape {
  int64_t heads;  // of all batches
  int64_t rows;
  int64_t columns;
};

struct Residues {
  static constexpr int64_t none = std::numeric_limits<int64_t>::min();

  TensorShape shape{};
  std::vector<int64_t> values;  // 2^-32 ulp, or none
};

// `codes` are of `stored`; one ulp is that of `ulps` at the reference.
Residues residues_of(const TensorShape& shape, std::span<const uint32_t> codes,
                     const Format& stored, const Format& ulps, std::span<const double> reference);

Residues difference(const Residues& a, const Residues& b);

struct ErrorFigures {
  int128 sum;  // 2^-32 ulp
  Bias bias;
  double rms;  // ulp
};

// A tensor as a whole, then head after head.
using HeadFigures = std::vector<ErrorFigures>;

HeadFigures error_figures(const Residues& errors);

}  // namespace ulpscope
