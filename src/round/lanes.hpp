// What the vector kernels are told: a format and a rounding, boiled down to masks and shifts.
//
// Three kernels round. A plan, made once per array, says which and with what constants:
//   magic    nearest even into formats whose range lies well inside the input's: one fused
//            multiply-add leaves the rounded significand in the low bits of a number
//   aligned  nearest even where input and format share their exponents (bf16 from binary32)
//   general  all modes and stochastic rounding, in integers
// What a policy makes of values that are no numbers is not the kernels' business: a plan has the
// codes, made by the functions that round_pack calls.
//
// The derivations are in docs/performance.md. Tested by tests/round/array_test.cpp.
#pragma once

#include "ulpscope/round/random_bits.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <cstddef>
#include <optional>
#include <variant>

namespace ulpscope::detail {

// Of both signs, plus first.
struct BySign {
  uint32_t plus;
  uint32_t minus;

  friend constexpr bool operator==(const BySign&, const BySign&) = default;
};

// Codes, sign included, of a finite value above the largest number, of infinity and of NaN.
struct SpecialCodes {
  BySign above;
  BySign infinity;
  uint32_t nan;
};

struct MagicPlan {
  int trailing_bits;       // of the format
  double smallest_normal;  // 2^emin
  double scale;            // 2^(trailing bits dropped): exponents to the number added
  uint32_t kept_mask;      // the low bits of the sum that hold the rounded significand
  int shift;               // the sum's exponent field to the code's
  uint32_t offset;         // the code's zero
  uint32_t cap;            // the magnitude of everything above the largest number
  uint32_t last_signed;    // magnitudes above have no sign,
  bool signs_zero;         // nor has zero if this says so
  int width;
  uint32_t nan;
  bool nan_is_cap;  // a NaN is what a value above the largest number is, whatever its sign
  bool fits_bytes;  // 8 bits at most, and constants that 16-bit lanes hold
};

struct AlignedPlan {
  int shift;  // trailing bits dropped
  uint32_t nan;
};

struct GeneralPlan {
  int trailing_bits;
  int shift;               // from a significand of 31 bits to the format's
  uint32_t emin_field;     // of the format's emin, with the input's bias
  uint32_t highest_field;  // one exponent field above the format's highest
  uint32_t largest;
  uint32_t first_signed;     // the smallest magnitude that takes a sign: 0 or 1
  uint32_t sign_mask;        // of the format
  uint32_t subnormal_input;  // all ones, or 0 where subnormal inputs count as zero
  // The smallest normal magnitude, or 0 where subnormal results stay; and the trailing bits that a
  // significand from the binade below loses when rounded to full precision.
  uint32_t first_normal;
  int unbounded_shift;
  SpecialCodes special;
};
struct DirectedPlan {
  Mode mode;
  GeneralPlan general;
};
struct DrawnPlan {
  int bits;            // of a draw
  uint32_t below_bit;  // joined to a draw at the top of 32 bits: variant b's half
  GeneralPlan general;
};

using Plan = std::variant<MagicPlan, AlignedPlan, DirectedPlan>;

// Nothing where no kernel does it.
std::optional<Plan> plan_for(const Format& from, const Format& to, const Rounding& rounding);
std::optional<DrawnPlan> plan_for(const Format& from, const Format& to, const Stochastic& rounding);

// From codes of at most 32 bits to numbers that hold all of them.
struct DecodePlan {
  int shift;                 // trailing bits that the wider format has more
  int trailing_bits;         // of the format
  int width;                 // of the format
  uint64_t rebias;           // joined to a shifted normal code: the wider format's exponent
  uint64_t smallest_normal;  // 2^emin in the wider format; 0 where subnormals shift like the rest
  uint32_t largest;
  uint32_t infinity;      // a magnitude; all ones where there is none
  uint32_t negative_nan;  // the code of -0 where it is NaN, else all ones
};
std::optional<DecodePlan> decode_plan_for(const Format& format, const Format& to);

using CodePointer = std::variant<uint8_t*, uint16_t*, uint32_t*>;

// The kernels, for the best instruction set of the running machine; null where it has none.
template <class Number>
struct LaneKernels {
  void (*round)(const Number* x, size_t count, const Plan&, CodePointer codes);
  void (*round_drawn)(const Number* x, size_t count, const DrawnPlan&, const Draw& first,
                      CodePointer codes);
  void (*decode)(const uint32_t* codes, size_t count, const DecodePlan&, Number* numbers);
};
template <class Number>
LaneKernels<Number> lane_kernels();
template <>
LaneKernels<float> lane_kernels();
template <>
LaneKernels<double> lane_kernels();

}  // namespace ulpscope::detail
