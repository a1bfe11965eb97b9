// LLVM 19's APFloat as a second opinion on arithmetic with flags: an answer, as it gives it.
//
//   apfloat_operation<Operation::add>(e4m3fn_row, {0x7E, 0x7E, 0}, Mode::toward_zero)
//     -> number, bits 0x7E, flags inexact (no overflow: see apfloat_differences.hpp)
//
// APFloat knows twelve of our narrow formats by name, five rounding directions and five flags;
// add, subtract, multiply, divide, fused multiply-add and conversion, no square root. An object
// may hold an infinity or a NaN that its format has no code for; such an answer has a kind and no
// bits. Tests only: needs Debian's llvm-19-dev.
// Sources: llvm/ADT/APFloat.h and lib/Support/APFloat.cpp of LLVM 19.1.7.
#pragma once

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/rounding.hpp"

#include <array>
#include <string_view>

#include "oracles/vectors.hpp"
#include <llvm/ADT/APFloat.h>

namespace ulpscope {

struct ApfloatAnswer {
  Kind kind = Kind::finite;  // finite: any number, zero included
  uint64_t bits = 0;         // 0 where the format has no code for the kind
  Flag flags = Flag::none;   // the five of IEEE 754

  friend bool operator==(const ApfloatAnswer&, const ApfloatAnswer&) = default;
};

struct ApfloatFormat {
  std::string_view name;
  Format format;
  const llvm::fltSemantics& (*semantics)();
};

inline constexpr std::array apfloat_modes{Mode::nearest_even, Mode::nearest_away, Mode::toward_zero,
                                          Mode::up, Mode::down};

inline llvm::RoundingMode apfloat_mode(Mode mode) {
  switch (mode) {
    case Mode::nearest_even: return llvm::RoundingMode::NearestTiesToEven;
    case Mode::nearest_away: return llvm::RoundingMode::NearestTiesToAway;
    case Mode::toward_zero: return llvm::RoundingMode::TowardZero;
    case Mode::up: return llvm::RoundingMode::TowardPositive;
    case Mode::down: return llvm::RoundingMode::TowardNegative;
    case Mode::nearest_zero:
    case Mode::away:
    case Mode::to_odd: break;
  }
  return llvm::RoundingMode::Invalid;
}

inline Flag flags_of(llvm::APFloat::opStatus status) {
  const auto raised = [&](llvm::APFloat::opStatus bit) { return (status & bit) != 0; };
  return flag_if(raised(llvm::APFloat::opInvalidOp), Flag::invalid) |
         flag_if(raised(llvm::APFloat::opDivByZero), Flag::divide_by_zero) |
         flag_if(raised(llvm::APFloat::opOverflow), Flag::overflow) |
         flag_if(raised(llvm::APFloat::opUnderflow), Flag::underflow) |
         flag_if(raised(llvm::APFloat::opInexact), Flag::inexact);
}

inline llvm::APFloat apfloat_value(const ApfloatFormat& f, uint64_t bits) {
  return {f.semantics(), llvm::APInt(static_cast<unsigned>(width(f.format)), bits)};
}

inline ApfloatAnswer answer_of(const Format& f, const llvm::APFloat& value,
                               llvm::APFloat::opStatus status) {
  const Flag flags = flags_of(status);
  if (value.isNaN() && !has_nan(f)) return {Kind::nan, 0, flags};
  if (value.isInfinity() && !has_infinity(f)) return {Kind::infinity, 0, flags};
  const Kind kind = value.isNaN() ? Kind::nan : value.isInfinity() ? Kind::infinity : Kind::finite;
  return {kind, value.bitcastToAPInt().getZExtValue(), flags};
}

template <Operation operation>
ApfloatAnswer apfloat_operation(const ApfloatFormat& f, const Operands& x, Mode mode) {
  static_assert(operation != Operation::sqrt, "APFloat has no square root");
  const auto rounding = apfloat_mode(mode);
  auto value = apfloat_value(f, x.a);
  const auto b = apfloat_value(f, x.b);
  auto status = llvm::APFloat::opOK;
  if constexpr (operation == Operation::add) status = value.add(b, rounding);
  if constexpr (operation == Operation::sub) status = value.subtract(b, rounding);
  if constexpr (operation == Operation::mul) status = value.multiply(b, rounding);
  if constexpr (operation == Operation::div) status = value.divide(b, rounding);
  if constexpr (operation == Operation::fma) {
    status = value.fusedMultiplyAdd(b, apfloat_value(f, x.c), rounding);
  }
  return answer_of(f.format, value, status);
}

inline ApfloatAnswer apfloat_conversion(const ApfloatFormat& from, uint64_t bits,
                                        const ApfloatFormat& to, Mode mode) {
  auto value = apfloat_value(from, bits);
  bool loses_information = false;
  const auto status = value.convert(to.semantics(), apfloat_mode(mode), &loses_information);
  return answer_of(to.format, value, status);
}

}  // namespace ulpscope
