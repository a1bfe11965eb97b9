// What a result is where the format has no number for it: by policy, whatever the direction.
//
//   overflowed(e4m3fn, 500, {Overflow::saturate}, true) is 0x7E, overflow and inexact
//
// The conventions are those of ulpscope/reference/arithmetic.hpp.
// Tested by tests/reference/policies_test.cpp.
#pragma once

#include "place.hpp"

namespace ulpscope {

// Whether a result has a sign that the format lacks.
inline bool refuses(const Format& to, bool negative) { return negative && to.sign == Sign::absent; }

ReferenceResult negative_refused(const Format& to, Flag flags, const Policy& policy);

ReferenceResult round_nan(const Format& to, const ExactNumber& x, const Policy& policy);

ReferenceResult round_infinity(const Format& to, const ExactNumber& x, const Policy& policy);

// `rounds_down` gives an exact zero sum its sign.
ReferenceResult round_zero(const Format& to, const ExactNumber& x, const Policy& policy,
                           bool rounds_down);

// A number below a ladder without zero.
ReferenceResult raised_to_smallest(const Format& to, const ExactNumber& x, const Policy& policy);

// A number whose direction led above the largest; by the standard policy the direction also says
// whether that is infinity.
ReferenceResult overflowed(const Format& to, const ExactNumber& x, const Policy& policy,
                           bool gives_infinity);

// Zero in place of a number that stays below the normal ones: the residue is the whole number.
ReferenceResult flushed(const Format& to, const ExactNumber& x, const Place& place);

}  // namespace ulpscope
