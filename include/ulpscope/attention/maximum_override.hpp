// A kernel whose running maximum is made to do something else: the paper's mitigation, or a fixed
// offset, on any kernel that computes tiles.
//
//   parse_stable("beta=7,tol=0,clamp=none")   as published: equal maxima are counted exactly
//   parse_stable("beta=2,tol=1e-3,clamp=1e-10")   as the paper's code has it
//   apply(parse_offset("0.1"), plan)          P = exp(S - m - 0.1)
//
// Numbers are natural units of the score, rounded once to binary32. The plan gets them in units of
// what the kernel takes its maximum over: raw scores, or scores times log2 e. Without clamp= the
// kernel keeps its own least sum of a tile; another one asks for a kernel that has such a sum.
//
// The product beta m and the sum m + X are rounded once at the site moved_maximum: to binary32, or
// to bf16 in maps that keep the maximum there.
//
// Limits: the backward pass is unchanged, as in the paper, and reads the LSE. The rule for maxima
// below 0 is 0, whatever beta. Tested by tests/attention/maximum_override_test.cpp.
#pragma once

#include "ulpscope/attention/plan.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ulpscope {

struct MaximumOverride {
  struct Stable {
    double beta;
    double tolerance;

    friend bool operator==(const Stable&, const Stable&) = default;
  };
  std::optional<Stable> stable = {};
  std::optional<double> clamp = {};  // least sum of a tile; 0 for none
  std::optional<double> offset = {};

  bool changes_something() const { return stable || clamp || offset; }
  friend bool operator==(const MaximumOverride&, const MaximumOverride&) = default;
};

// "beta=B,tol=T[,clamp=X|none]" and a number. Errors of kind usage: another key, a number that is
// not finite or too large for binary32, beta not above 1, a tolerance or clamp below 0.
MaximumOverride parse_stable(std::string_view text);
MaximumOverride parse_offset(std::string_view text);

// What one natural unit of the score is in the numbers that a kernel takes its maximum over.
double natural_unit(const Plan& plan);

// Error of kind usage where the kernel has no maximum of its own, or no tile sum to clamp.
void apply(const MaximumOverride& change, Plan& plan);

// "stable maximum, beta 7, tolerance 0, no clamp"; empty where nothing is changed.
std::string description(const MaximumOverride& change);

}  // namespace ulpscope
