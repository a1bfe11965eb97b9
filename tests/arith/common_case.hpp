// The short way of Soft's sums and products against the general one: bits, residue and flags.
//
//   CommonCase<bf16> check;
//   check.pair(0x3F80, 0x3F81);                                // both operations in every mode
//   CHECK_MESSAGE(check.agrees(), check.text());
#pragma once

#include "ulpscope/arith/soft.hpp"

#include <cstdio>
#include <string>

namespace ulpscope {

template <Format F>
class CommonCase {
 public:
  // Whether both operations agree in every mode.
  void pair(code_for<F> x, code_for<F> y) {
    each_mode<Mode::nearest_even, Mode::nearest_away, Mode::nearest_zero, Mode::toward_zero,
              Mode::up, Mode::down, Mode::away, Mode::to_odd>(x, y);
  }

  bool agrees() const { return count_ > 0 && common_ > 0 && mismatches_ == 0; }
  int64_t count() const { return count_; }
  int64_t common() const { return common_; }
  std::string text() const {
    return std::to_string(mismatches_) + " of " + std::to_string(count_) + " differ; " + first_;
  }

 private:
  template <Mode... mode>
  void each_mode(code_for<F> x, code_for<F> y) {
    (in_mode<mode>(x, y), ...);
  }

  template <Mode mode>
  void in_mode(code_for<F> x, code_for<F> y) {
    using Number = Soft<F, Rounding{mode}>;
    using Word = word_for<F>;
    const auto a = Number::from_bits(x);
    const auto b = Number::from_bits(y);
    const auto exact_x = decode<Word>(F, x);
    const auto exact_y = decode<Word>(F, y);
    compare<mode>("+", x, y, add_to<Number>(a, b), add(exact_x, exact_y, mode));
    compare<mode>("-", x, y, subtract_to<Number>(a, b), subtract(exact_x, exact_y, mode));
    compare<mode>("*", x, y, multiply_to<Number>(a, b), multiply(exact_x, exact_y));
  }

  template <Mode mode, class Number, class Word>
  void compare(const char* operation, code_for<F> x, code_for<F> y, const Result<Number>& result,
               const Exact<Word>& exact) {
    const auto expected =
        detail::round_general<code_for<F>>(F, exact, Policy{}, detail::ByMode{mode});
    ++count_;
    common_ += detail::rounds_to_normal<code_for<F>>(F, exact) ? 1 : 0;
    if (result.value.bits() == expected.bits && result.residue == expected.residue &&
        result.flags == expected.flags) {
      return;
    }
    if (mismatches_++ > 0) return;
    char line[120];
    std::snprintf(line, sizeof line, "0x%llX %s 0x%llX in mode %d is 0x%llX, expected 0x%llX",
                  static_cast<unsigned long long>(x), operation, static_cast<unsigned long long>(y),
                  static_cast<int>(mode), static_cast<unsigned long long>(result.value.bits()),
                  static_cast<unsigned long long>(expected.bits));
    first_ = line;
  }

  int64_t count_ = 0;
  int64_t common_ = 0;  // those that round_normal takes
  int64_t mismatches_ = 0;
  std::string first_;
};

}  // namespace ulpscope
