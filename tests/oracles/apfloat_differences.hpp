// Where APFloat and ulpscope differ, as code: what APFloat is expected to answer, told from what
// the core answered with the policy preset "apfloat".
//
// Each difference is one step that turns the core's answer into APFloat's, and counts how often it
// did. What no step explains is a mismatch. docs/numerics/apfloat.md has the reasons, the counts
// and an example of each.
#pragma once

#include "ulpscope/round/round_pack.hpp"

#include <optional>

#include "oracles/apfloat_oracle.hpp"

namespace ulpscope {

enum class Difference {
  silent_saturation,      // overflow is not raised with a largest finite result
  tininess_of_result,     // underflow is not raised with the smallest normal number as result
  infinity_becomes_nan,   // x / 0, or an infinity converted, where a format has NaN only
  infinity_without_code,  // the same where a format has neither: an object of no code
  nan_without_code,       // not compared: 0 / 0 is undefined there, a NaN converted stays inside
  sign_of_nan,            // e4m3fn: negative in place of a negative value, and from the NaN of fnuz
  payload_of_nan,         // the NaN of e4m3fn is handed on with its three ones as payload
  minus_zero_is_lost,     // -0 converted to a format without -0 is called inexact
  fma_of_subnormal,       // a defect: fma with a subnormal addend and a tiny result
};
inline constexpr std::array difference_names{
    "silent_saturation",     "tininess_of_result", "infinity_becomes_nan",
    "infinity_without_code", "nan_without_code",   "sign_of_nan",
    "payload_of_nan",        "minus_zero_is_lost", "fma_of_subnormal"};
using DifferenceCounts = std::array<int64_t, difference_names.size()>;

// What was asked, as far as a difference depends on it.
struct Circumstance {
  const Format* converted_from = nullptr;  // null: an operation within one format
  uint64_t operand = 0;                    // of a conversion
  bool exact_infinity = false;             // the unrounded result is an infinity
  bool subnormal_addend = false;           // of an fma
};

class ApfloatExpectation {
 public:
  explicit ApfloatExpectation(const Format& f) : format_(f) {}

  // What APFloat should answer; nothing where it is not to be asked.
  std::optional<ApfloatAnswer> from(const Rounded& core, const Circumstance& x) {
    if (!has_nan(format_) && has(core.flags, Flag::invalid)) {
      count(Difference::nan_without_code);
      return std::nullopt;
    }
    ApfloatAnswer answer{kind(core.bits), core.bits, five_flags(core.flags)};
    if (answer.kind == Kind::nan) of_nan(answer, core, x);
    if (x.exact_infinity && !has_infinity(format_)) return of_infinity(answer, x);
    if (has(answer.flags, Flag::overflow) && answer.kind == Kind::finite) {
      drop(answer.flags, Flag::overflow, Difference::silent_saturation);
    }
    if (has(answer.flags, Flag::underflow) && !is_tiny(answer.bits)) {
      drop(answer.flags, Flag::underflow, Difference::tininess_of_result);
    }
    if (x.converted_from && is_zero(*x.converted_from, x.operand) &&
        is_negative(*x.converted_from, x.operand) && !has_negative_zero(format_)) {
      answer.flags |= Flag::inexact;
      count(Difference::minus_zero_is_lost);
    }
    return answer;
  }

  // What the defect returns cannot be told without repeating it; where it strikes can.
  bool is_defect(const ApfloatAnswer& expected, const Circumstance& x) {
    const uint64_t smallest_normal = uint64_t{1} << format_.trailing_bits;
    const bool strikes = x.subnormal_addend && expected.kind == Kind::finite &&
                         has(expected.flags, Flag::inexact) &&
                         (expected.bits & magnitude_mask(format_)) <= smallest_normal;
    if (strikes) count(Difference::fma_of_subnormal);
    return strikes;
  }

  const DifferenceCounts& counts() const { return counts_; }

 private:
  void of_nan(ApfloatAnswer& answer, const Rounded& core, const Circumstance& x) {
    // The residue of what has no finite result keeps the sign of the value.
    const bool of_negative =
        core.residue < 0 && (has(core.flags, Flag::overflow) || x.exact_infinity);
    const bool is_converted = x.converted_from && is_nan(*x.converted_from, x.operand);
    const bool of_fnuz = is_converted && x.converted_from->nan == Nan::minus_zero;
    if (format_.nan == Nan::highest && (of_negative || of_fnuz)) {
      answer.bits |= sign_mask(format_);
      count(Difference::sign_of_nan);
    }
    if (is_converted && x.converted_from->nan == Nan::highest && format_.nan == Nan::ieee) {
      const int excess = format_.trailing_bits - x.converted_from->trailing_bits;
      const auto ones = trailing_mask(*x.converted_from);
      answer.bits |= excess < 0 ? ones >> -excess : ones << excess;
      count(Difference::payload_of_nan);
    }
  }

  ApfloatAnswer of_infinity(ApfloatAnswer answer, const Circumstance& x) {
    answer.flags = without(answer.flags, Flag::overflow);
    if (!x.converted_from) answer.flags = without(answer.flags, Flag::inexact);
    count(has_nan(format_) ? Difference::infinity_becomes_nan : Difference::infinity_without_code);
    if (has_nan(format_)) return answer;
    return {Kind::infinity, 0, without(answer.flags, Flag::inexact)};
  }

  // APFloat has one underflow; ours after rounding is the nearer one.
  static Flag five_flags(Flag flags) {
    return (flags & (Flag::inexact | Flag::overflow | Flag::invalid | Flag::divide_by_zero)) |
           flag_if(has(flags, Flag::underflow_after), Flag::underflow);
  }
  static Flag without(Flag flags, Flag flag) {
    return static_cast<Flag>(static_cast<unsigned>(flags) & ~static_cast<unsigned>(flag));
  }
  Kind kind(uint64_t bits) const {
    if (is_nan(format_, bits)) return Kind::nan;
    return is_infinity(format_, bits) ? Kind::infinity : Kind::finite;
  }
  bool is_tiny(uint64_t bits) const {
    return is_zero(format_, bits) || is_subnormal(format_, bits);
  }
  void drop(Flag& flags, Flag flag, Difference reason) {
    flags = without(flags, flag);
    count(reason);
  }
  void count(Difference difference) { ++counts_[static_cast<size_t>(difference)]; }

  Format format_;
  DifferenceCounts counts_{};
};

}  // namespace ulpscope
