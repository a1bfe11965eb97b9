// The functions of Berkeley TestFloat, by its names, answered by the core.
//
//   const auto f = vector_function("f16_mulAdd", {});
//   f.answer(f, {0xF611, 0x8B80, 0x8B82})    // {0x45B0, testfloat_inexact}
//
// A function is a row: a type and an operation (f32_add, f64_lt_quiet) or two types (i64_to_f16,
// bf16_to_ui32, and with a rounding of its own f32_to_i32_r_minMag). Everything that a name and the
// options decide is resolved once; an answer is a call through a pointer, with the flags as
// TestFloat's digits have them.
//
// Limits: f16, bf16, f32, f64 and the four integer types; no extF80, no f128. More is accepted than
// TestFloat has: arithmetic of bf16, and the roundings of TestFloat in the place of minMag.
// Source: docs/numerics/testfloat.md. Tested by tests/run/vector_functions_test.cpp.
#pragma once

#include "ulpscope/arith/integers.hpp"
#include "ulpscope/format/format.hpp"

#include <array>
#include <string>
#include <string_view>

namespace ulpscope {

enum class Tininess : uint8_t { after, before };

// testfloat_gen's options; those that do not matter to a function are ignored, as there.
struct VectorOptions {
  Mode mode = Mode::nearest_even;
  Tininess tininess = Tininess::after;
  ToInteger to_integer{.inexact = Inexact::silent};
};

struct VectorRounding {
  std::string_view name;
  Mode mode;
};
inline constexpr std::array vector_roundings{
    VectorRounding{"rnear_even", Mode::nearest_even},
    VectorRounding{"rnear_maxMag", Mode::nearest_away},
    VectorRounding{"rminMag", Mode::toward_zero},
    VectorRounding{"rmin", Mode::down},
    VectorRounding{"rmax", Mode::up},
    VectorRounding{"rodd", Mode::to_odd},
};

enum class VectorKind : uint8_t { floating, integer, truth };

struct VectorType {
  std::string_view name;
  VectorKind kind;
  int digits;  // hexadecimal, in a line of vectors
  Format format;
  IntegerType integer;
};

inline constexpr uint8_t testfloat_inexact = 0x01;
inline constexpr uint8_t testfloat_underflow = 0x02;
inline constexpr uint8_t testfloat_overflow = 0x04;
inline constexpr uint8_t testfloat_infinite = 0x08;
inline constexpr uint8_t testfloat_invalid = 0x10;

struct VectorAnswer {
  uint64_t bits;
  uint8_t flags;  // testfloat_...

  friend constexpr bool operator==(const VectorAnswer&, const VectorAnswer&) = default;
};

constexpr int most_vector_operands = 3;
using VectorOperands = std::array<uint64_t, most_vector_operands>;

struct VectorFunction {
  std::string name;
  int operands;
  VectorType from;
  VectorType to;
  VectorOptions options;
  VectorAnswer (*answer)(const VectorFunction&, const VectorOperands&);
};

// Unknown names are Errors of kind usage that say what there is.
VectorFunction vector_function(std::string_view name, VectorOptions options);
Mode vector_rounding_named(std::string_view name);

}  // namespace ulpscope
