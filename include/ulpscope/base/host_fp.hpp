// The host's floating-point state, put in order for a while: nearest even, no flushing, no traps.
//
// The core is integer arithmetic and does not care. Code that computes in binary64 (the wide
// reference, matrices, figures) does: a host program may have set another rounding direction,
// flush-to-zero (FTZ, DAZ) or trapping exceptions. Such code opens with
//
//   const HostFpGuard guard;
//
// once per call and once per worker thread, and the caller's state is back at the end of the
// scope, sticky exception flags included.
//
// Limits: the state belongs to a thread, so a guard does not reach threads started inside its
// scope. The compiler must not be told that the state is constant (-ffast-math).
// Source: Intel SDM volume 1, section 10.2.3 (MXCSR); elsewhere ISO C <fenv.h>.
// Host only. Tested by tests/base/host_fp_test.cpp.
#pragma once

#include <atomic>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace ulpscope {

// Adding a subnormal number costs some processors hundreds of cycles. Code whose result cannot
// depend on them may have them read as zero; where the processor has no such switch they stay.
enum class SubnormalOperands { kept, may_be_zero };

class HostFpGuard {
 public:
  explicit HostFpGuard(SubnormalOperands operands = SubnormalOperands::kept) {
    save(operands);
    // Arithmetic on values in memory stays on its side of the change.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~HostFpGuard() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    restore();
  }
  HostFpGuard(const HostFpGuard&) = delete;
  HostFpGuard& operator=(const HostFpGuard&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  // MXCSR after reset: all exceptions masked, nearest even, FTZ and DAZ clear.
  static constexpr unsigned reset_state = 0x1F80;
  static constexpr unsigned denormals_are_zero = 0x0040;

  void save(SubnormalOperands operands) {
    state_ = _mm_getcsr();
    const bool zero = operands == SubnormalOperands::may_be_zero;
    _mm_setcsr(zero ? reset_state | denormals_are_zero : reset_state);
  }
  void restore() { _mm_setcsr(state_); }

  unsigned state_ = 0;
#else
  void save(SubnormalOperands) {
    std::fegetenv(&state_);
    std::fesetenv(FE_DFL_ENV);
  }
  void restore() { std::fesetenv(&state_); }

  std::fenv_t state_{};
#endif
};

}  // namespace ulpscope
