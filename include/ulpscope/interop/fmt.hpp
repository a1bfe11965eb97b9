// fmt prints Soft numbers as it prints a double of the same value, and with {:b} their bit fields.
//
//   fmt::format("{} = {:a} = {:b}", x, x, x) -> "-4.71875 = -0x1.2ep+2 = 1 10000001 0010111"
//   fmt::format("{:+.2f}|{:*^30b}", x, x)    -> "-4.72|*****1 10000001 0010111******"
//
// Everything that fmt's own specification of a double allows is handed on: fill, sign, width,
// precision, e f g a. {:b} takes fill, alignment and a width in digits. A format wider than
// binary64 prints as a hex float (text.hpp) and takes no more than {:b} does.
// For programs that use fmt themselves; nothing inside ulpscope includes this header.
// Host only. Tested by tests/interop/fmt_test.cpp.
#pragma once

#include "ulpscope/interop/text.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

namespace ulpscope::detail {

// [[fill]align][width]
constexpr bool only_pads(std::string_view spec) {
  const auto aligns = [&spec](size_t at) {
    return at < spec.size() && (spec[at] == '<' || spec[at] == '>' || spec[at] == '^');
  };
  spec.remove_prefix(aligns(1) ? 2 : aligns(0) ? 1 : 0);
  return std::all_of(spec.begin(), spec.end(), [](char c) { return '0' <= c && c <= '9'; });
}

}  // namespace ulpscope::detail

template <ulpscope::Format F, ulpscope::Rounding R>
struct fmt::formatter<ulpscope::Soft<F, R>> {
  constexpr auto parse(fmt::format_parse_context& context) {
    const auto begin = context.begin();
    const auto end = std::find(begin, context.end(), '}');
    const char type = begin == end ? '\0' : end[-1];
    as_fields_ = type == 'b';
    if (is_double && !as_fields_) return number_.parse(context);
    const auto size = static_cast<size_t>(end - begin) - (as_fields_ || type == 'a' ? 1 : 0);
    if (!ulpscope::detail::only_pads({begin, size})) {
      throw fmt::format_error("bit fields and wide numbers take fill, alignment and width only");
    }
    fmt::format_parse_context padding(fmt::string_view(begin, size));
    text_.parse(padding);
    return end;
  }

  template <class Context>
  auto format(ulpscope::Soft<F, R> x, Context& context) const {
    if (as_fields_) return text_.format(ulpscope::bit_fields(x), context);
    if constexpr (is_double) {
      // The double of a NaN has lost the sign that its code had.
      const bool negative = ulpscope::decode<ulpscope::word_for<F>>(F, x.bits()).negative;
      return number_.format(std::copysign(static_cast<double>(x), negative ? -1.0 : 1.0), context);
    } else {
      return text_.format(ulpscope::hex_float(x), context);
    }
  }

 private:
  static constexpr bool is_double = ulpscope::is_subset(F, ulpscope::fp64);
  fmt::formatter<double> number_;
  fmt::formatter<fmt::string_view> text_;
  bool as_fields_ = false;
};
