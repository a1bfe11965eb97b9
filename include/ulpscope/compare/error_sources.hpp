// Which sites an element's error comes from: each one's step made exact in turn, all else as it is.
//
//   O = -4.71875, exact -4.70399:   output_store -0.47 ulp, probability_cast +0.01, rest 0.00
//
// The store's part is what it cut off the number before it. A site's part is by how much that
// number moves when the site's steps give their exact values, rounded once to binary32. What the
// parts leave over is `rest`: the registers' own roundings, and what sites do to each other's
// errors. In ulps of the element's format at its exact value.
//
// Limits: O and the LSE, which is binary32 and mostly rest. Cost: one pass of the row's tile a
// site. Tested by tests/compare/error_sources_test.cpp.
#pragma once

#include "ulpscope/compare/element_history.hpp"

#include <vector>

namespace ulpscope {

struct ErrorSource {
  Site site;
  double ulp;
};

struct ErrorSources {
  double exact = 0;
  double stored = 0;
  double error = 0;                  // stored - exact
  std::vector<ErrorSource> sources;  // the largest first, none that is zero
  double rest = 0;
};

// `history` is the element's. All zeros where the element or its exact value is not finite.
ErrorSources error_sources(const Plan& plan, const TracedElement& element,
                           const ElementHistory& history);

}  // namespace ulpscope
