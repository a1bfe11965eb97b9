// The host's floating-point state for arithmetic that truncates: rounding toward zero, subnormal
// results zero where the processor has a switch for that (making them costs it hundreds of
// cycles), no traps. The caller's state is back at the end of the scope.
#pragma once

#include <atomic>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace ulpscope::detail {

class TowardZero {
 public:
  TowardZero() {
    save();
    // Arithmetic on values in memory stays on its side of the change.
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~TowardZero() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    restore();
  }
  TowardZero(const TowardZero&) = delete;
  TowardZero& operator=(const TowardZero&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  // MXCSR: all exceptions masked, toward zero, FTZ.
  void save() {
    state_ = _mm_getcsr();
    _mm_setcsr(0x1F80 | 0x6000 | 0x8000);
  }
  void restore() { _mm_setcsr(state_); }

  unsigned state_ = 0;
#else
  void save() {
    std::fegetenv(&state_);
    std::fesetenv(FE_DFL_ENV);
    std::fesetround(FE_TOWARDZERO);
  }
  void restore() { std::fesetenv(&state_); }

  std::fenv_t state_{};
#endif
};

}  // namespace ulpscope::detail
