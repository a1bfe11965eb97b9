// The correctly rounded functions of arith/functions.hpp as the pass uses them: compiled once, for
// their limbs are no matter of the pass; on a GPU, in the kernel that calls them.
//
// The exact values are cut, sticky: a step rounds them once. Tested by
// tests/attention/score_steps_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"

#if defined(__CUDACC__)
#include "ulpscope/arith/functions.hpp"
#endif

#include <cstdint>

namespace ulpscope {

namespace detail {

uint32_t rounded_exp_of_host(uint32_t x);
Exact<uint64_t> exact_log_of_host(const Exact<uint64_t>& x);
Exact<uint64_t> exact_tanh_of_host(const Exact<uint64_t>& x);

}  // namespace detail

// e^x of a register, to nearest even; a NaN is the GPU's.
[[gnu::noinline]] ULPSCOPE_HD inline uint32_t rounded_exp(uint32_t x) {
#if defined(__CUDA_ARCH__)
  constexpr Format binary32 = fp32;
  return detail::store(binary32, exp_exact(register_value(x)), nearest_even).value;
#else
  return detail::rounded_exp_of_host(x);
#endif
}

[[gnu::noinline]] ULPSCOPE_HD inline Exact<uint64_t> exact_log(const Exact<uint64_t>& x) {
#if defined(__CUDA_ARCH__)
  return log_exact(x);
#else
  return detail::exact_log_of_host(x);
#endif
}

[[gnu::noinline]] ULPSCOPE_HD inline Exact<uint64_t> exact_tanh(const Exact<uint64_t>& x) {
#if defined(__CUDA_ARCH__)
  return tanh_exact(x);
#else
  return detail::exact_tanh_of_host(x);
#endif
}

}  // namespace ulpscope
