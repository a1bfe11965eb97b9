// A scaling scheme is a row: how a tensor too wide for a small format is stored in it, with scales.
//
//   mxfp4 = {.element = e2m1fn, .block = 32, .scale = e8m0fnu, .rule = floor_rule, ...}
//
// Three steps, each of which a row may leave out, lead to an element: the range of a block is
// expanded (COAT), its largest magnitude is divided by the largest that an element can hold and
// rounded to the scale's format (by the rule), and each value is divided by that scale and rounded
// once more. In front of them a whole tensor may have a scale of its own (NVFP4). The steps are
// block_scale.hpp and element.hpp; the names are schemes.hpp. A new scheme is a new row.
//
// All but the division by a power of two is binary32 arithmetic, one rounding an operation.
//
// Limits: elements of at most 24 significant bits and 32 bits in all. docs/numerics/scaling.md has
// the rules, where each comes from, and an example by hand.
// Tested by tests/scaling/scheme_test.cpp.
#pragma once

#include "ulpscope/format/subset.hpp"
#include "ulpscope/scaling/codebook.hpp"

namespace ulpscope {

// What the largest magnitude of a block is divided by.
enum class Divisor : uint8_t {
  largest,  // the largest number of the element format
  binade,   // the largest power of two in it
};

// The largest magnitude as the rule sees it.
enum class Top : uint8_t {
  exact,
  as_element,  // rounded to the precision of an element, ties away from zero
};

// From the largest magnitude of a block to its scale: (top / divisor) rounded to the scale's format
// in a direction. With powers of two as scales these are floors and ceilings of logarithms.
struct ScaleRule {
  Divisor divisor;
  Mode mode;
  Top top = Top::exact;

  friend constexpr bool operator==(const ScaleRule&, const ScaleRule&) = default;
};
inline constexpr ScaleRule floor_rule{Divisor::binade, Mode::toward_zero};
inline constexpr ScaleRule ceil_rule{Divisor::binade, Mode::up};
inline constexpr ScaleRule rceil_rule{Divisor::largest, Mode::up};
inline constexpr ScaleRule even_rule{Divisor::binade, Mode::toward_zero, Top::as_element};
inline constexpr ScaleRule absmax_rule{Divisor::largest, Mode::nearest_even};

// How a value is divided by its scale.
enum class Apply : uint8_t {
  power_of_two,  // exactly
  divide,        // x / s, rounded to binary32
  reciprocal,    // x * (1 / s), two roundings to binary32; 1 / 0 is the largest number
};

// Where blocks lie: along the last axis, or in the order of memory, whatever the shape.
enum class Along : uint8_t { rows, memory };

enum class TensorScaling : uint8_t { absent, present };

enum class Expansion : uint8_t {
  none,
  power,  // COAT: sign(x) (|x| / c)^k, with c and k of the block
};

struct ScalingScheme {
  Format element = e4m3fn;             // without a codebook: what a value is rounded to
  const Codebook* codebook = nullptr;  // in place of it
  int64_t block = 0;                   // values that share a scale; 0: all of the tensor
  Along along = Along::rows;
  Format scale = fp32;
  ScaleRule rule = absmax_rule;
  Apply apply = Apply::divide;
  TensorScaling tensor = TensorScaling::absent;
  Expansion expansion = Expansion::none;

  friend constexpr bool operator==(const ScalingScheme&, const ScalingScheme&) = default;
};

// Bits of an element's code.
ULPSCOPE_HD constexpr int element_bits(const ScalingScheme& s) {
  return s.codebook != nullptr ? code_bits(*s.codebook) : width(s.element);
}

// The largest number an element can be.
ULPSCOPE_HD constexpr Float32 largest_element(const ScalingScheme& s) {
  if (s.codebook != nullptr) return Float32(1.0);
  return to_float32(decode<uint64_t>(s.element, largest_finite_bits(s.element)));
}

ULPSCOPE_HD constexpr bool is_valid(const ScalingScheme& s) {
  constexpr Format binary32 = fp32;
  const bool element = is_valid(s.element) && precision(s.element) <= 24 &&
                       width(s.element) <= 32 && is_subset(s.element, binary32);
  const bool scale = is_valid(s.scale) && precision(s.scale) <= 24 && width(s.scale) <= 32;
  if (!element || !scale || s.block < 0) return false;
  const bool plain = s.tensor == TensorScaling::absent && s.expansion == Expansion::none;
  const bool exact = s.scale.trailing_bits == 0 && s.codebook == nullptr && plain;
  // An expansion stretches a range of largest^2 / 2, which must be one.
  const bool stretches = s.expansion == Expansion::none || Float32(2.0) <= largest_element(s);
  // A power of two as divisor is for scales that are powers of two themselves.
  const bool rule = s.rule.divisor == Divisor::largest || s.scale.trailing_bits == 0;
  return stretches && rule && (exact || s.apply != Apply::power_of_two);
}

}  // namespace ulpscope
