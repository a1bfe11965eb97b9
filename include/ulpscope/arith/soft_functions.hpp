// exp, exp2, log, log2 and tanh of Soft<F, R>, rounded once and correctly.
//
//   using B = Soft<bf16>;
//   exp(B(1.0)).bits() == 0x402E                         // 2.71875
//   const auto y = exp_to<Soft<bf16>>(Soft<fp32>(1.0f));  // value, residue, flags
//
// As in soft.hpp, the functions return the value; the `_to` functions return what rounding threw
// away as well, and take an operand of any format. Tested by tests/arith/functions_test.cpp.
#pragma once

#include "ulpscope/arith/functions.hpp"
#include "ulpscope/arith/soft.hpp"

namespace ulpscope {

template <class To, class X>
ULPSCOPE_HD constexpr Result<To> exp_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(exp_exact(detail::exact<To, Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> exp2_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(exp2_exact(detail::exact<To, Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> log_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(log_exact(detail::exact<To, Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> log2_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(log2_exact(detail::exact<To, Word>(x)));
}
template <class To, class X>
ULPSCOPE_HD constexpr Result<To> tanh_to(X x) {
  using Word = detail::common_word<To, X>;
  return detail::rounded_to<To>(tanh_exact(detail::exact<To, Word>(x)));
}

template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> exp(Soft<F, R> x) {
  return exp_to<Soft<F, R>>(x).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> exp2(Soft<F, R> x) {
  return exp2_to<Soft<F, R>>(x).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> log(Soft<F, R> x) {
  return log_to<Soft<F, R>>(x).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> log2(Soft<F, R> x) {
  return log2_to<Soft<F, R>>(x).value;
}
template <Format F, Rounding R>
ULPSCOPE_HD constexpr Soft<F, R> tanh(Soft<F, R> x) {
  return tanh_to<Soft<F, R>>(x).value;
}

static_assert(exp(Soft<bf16>(1.0)).bits() == 0x402E);
static_assert(log2(Soft<fp32>(8.0)).bits() == 0x40400000);

}  // namespace ulpscope
