// The core's side of every comparison: decode, operate, round, for codes of one format.
//
//   core_operation<Operation::mul>(fp16, {0x3C01, 0x3C01, 0}, nearest_even).bits == 0x3C02
//
// The operation is a template argument so that a sweep's inner loop has no switch in it.
#pragma once

#include "ulpscope/arith/divide.hpp"
#include "ulpscope/arith/multiply.hpp"

#include "oracles/vectors.hpp"

namespace ulpscope {

template <Operation operation>
constexpr Rounded core_operation(const Format& f, const Operands& x, Rounding rounding) {
  const auto a = decode<uint64_t>(f, x.a);
  const auto b = decode<uint64_t>(f, x.b);
  if constexpr (operation == Operation::add)
    return round_pack(f, add(a, b, rounding.mode), rounding);
  if constexpr (operation == Operation::sub) {
    return round_pack(f, subtract(a, b, rounding.mode), rounding);
  }
  if constexpr (operation == Operation::mul) return round_pack(f, multiply(a, b), rounding);
  if constexpr (operation == Operation::div) return round_pack(f, divide(a, b), rounding);
  if constexpr (operation == Operation::fma) {
    return round_pack(f, fma(a, b, decode<uint64_t>(f, x.c), rounding.mode), rounding);
  }
  if constexpr (operation == Operation::sqrt) return round_pack(f, square_root(a), rounding);
}

// Rounded minus exact: -1, 0 or 1, the sign that MPFR calls the ternary value. The residue has the
// same sign where it is not cut to nothing.
constexpr int direction(bool negative, Flag flags) {
  if (!has(flags, Flag::inexact)) return 0;
  return (has(flags, Flag::away) || has(flags, Flag::overflow)) != negative ? 1 : -1;
}

}  // namespace ulpscope
