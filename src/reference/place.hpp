// Where a positive number lies on the ladder of a format: the highest rung that is not above it,
// and what part of the step to the next one it has gone.
//
//   bf16, 1 + 3 x 2^-9: above rung 0x3F80 by 3/4 of a step
//
// The rung is the quotient of the number and the step, and what part is asked by comparing with
// fractions p / 2^n: by "which is larger?", never by looking at bits. Steps go on above the largest
// finite number, as if the codes there were numbers too.
// Tested by tests/reference/arithmetic_test.cpp.
#pragma once

#include <optional>

#include "exact_number.hpp"

namespace ulpscope {

// A number counted in steps: `whole` of them and a part of one more.
class Steps {
 public:
  // |x| in steps of 2^step.
  Steps(const ExactNumber& x, int step);

  const Integer& whole() const { return whole_; }
  // Whether there is no part.
  bool exact() const { return exact_; }
  // The sign of the part less one half, and whether it is within 1/16 of one half, and not it.
  int half() const { return half_; }
  bool near_half() const { return near_half_; }
  // The sign of the part less p / 2^n.
  int compare(const Integer& p, int n) const;
  // The part in units of 2^-32, cut.
  int64_t units() const;

 private:
  bool root_;  // of numerator / denominator; else that is the part
  bool exact_;
  bool near_half_;
  int half_;
  Integer numerator_;
  Integer denominator_;
  Integer whole_;
};

struct Place {
  uint128 lower;  // the rung not above the number, and the next
  uint128 upper;
  bool tiny;  // below the normal numbers; they begin above `lower`
  Steps above;
  int64_t units;  // above.units(), and whether they leave something out
  bool units_truncated;
  // With exponents unbounded there are more rungs below the smallest normal number, the last a
  // finer step below it. Where the number lies in that step: how far.
  std::optional<Steps> last_fine_step;
};

// |x| >= 2^exponent and below twice that, for x finite and not zero.
int binade_of(const ExactNumber& x);

// For x finite, not zero, and not below a ladder that has no zero.
Place place_on_ladder(const Format& f, const ExactNumber& x);

}  // namespace ulpscope
