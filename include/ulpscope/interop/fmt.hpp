// fmt prints Soft numbers: {} decimal, {:a} hex float, {:b} bit fields (text.hpp says how).
//
//   fmt::format("{} = {:b}", x, x) -> "-4.71875 = 1 10000001 0010111"
//
// For programs that use fmt themselves; nothing inside ulpscope includes this header.
// Host only. Tested by tests/interop/fmt_test.cpp.
#pragma once

#include "ulpscope/interop/text.hpp"

#include <algorithm>

#include <fmt/format.h>

template <ulpscope::Format F, ulpscope::Rounding R>
requires(ulpscope::is_subset(F, ulpscope::fp64)) struct fmt::formatter<ulpscope::Soft<F, R>> {
  constexpr auto parse(fmt::format_parse_context& context) {
    auto at = context.begin();
    if (at != context.end() && (*at == 'a' || *at == 'b')) presentation_ = *at++;
    if (at != context.end() && *at != '}') throw fmt::format_error("expected {}, {:a} or {:b}");
    return at;
  }

  template <class Context>
  auto format(ulpscope::Soft<F, R> x, Context& context) const {
    const auto text = presentation_ == 'a'   ? ulpscope::hex_float(x)
                      : presentation_ == 'b' ? ulpscope::bit_fields(x)
                                             : ulpscope::decimal(x);
    return std::copy(text.begin(), text.end(), context.out());
  }

 private:
  char presentation_ = 'd';
};
