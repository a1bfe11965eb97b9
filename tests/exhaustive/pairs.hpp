// Every pair of codes of every narrow format, in every mode and with every overflow policy.
#pragma once

#include "exhaustive/judge.hpp"
#include "exhaustive/narrow_formats.hpp"
#include <doctest/doctest.h>

namespace ulpscope {

// Checks the results, and that none was left out.
inline void check_every_pair(Operation operation) {
  const auto roundings = modes_and_overflows();
  for (const Format& f : narrow_formats()) {
    Verdict verdict;
    const uint64_t count = code_count(f);
    for (uint64_t a = 0; a < count; ++a) {
      for (uint64_t b = 0; b < count; ++b) {
        verdict.judge({f, operation, {{{f, a}, {f, b}, {}}}}, roundings);
      }
    }
    CHECK_MESSAGE(verdict.agrees(), verdict.text());
    CHECK(verdict.count() == static_cast<int64_t>(count * count * 8 * 5));
  }
}

}  // namespace ulpscope
