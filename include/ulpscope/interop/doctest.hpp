// doctest shows a Soft number of a failed check as its value and its bits.
//
//   CHECK(x == Soft<bf16>(1.0)) fails with
//   -4.71875 (1 10000001 0010111) == 1 (0 01111111 0000000)
//
// A format wider than binary64 shows its value as a hex float. For test files, beside
// <doctest/doctest.h>. Host only. Tested by tests/interop/doctest_test.cpp.
#pragma once

#include "ulpscope/interop/text.hpp"

#include <doctest/doctest.h>

namespace doctest {

template <ulpscope::Format F, ulpscope::Rounding R>
struct StringMaker<ulpscope::Soft<F, R>> {
  static String convert(ulpscope::Soft<F, R> x) {
    std::string value;
    if constexpr (ulpscope::is_subset(F, ulpscope::fp64)) {
      value = ulpscope::decimal(x);
    } else {
      value = ulpscope::hex_float(x);
    }
    return (value + " (" + ulpscope::bit_fields(x) + ")").c_str();
  }
};

}  // namespace doctest
