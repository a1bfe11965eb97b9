// One operation of MPFR at the precision and exponent range of a format, nearest-even.
//
// MPFR has no subnormals; with the exponent range of the format's subnormals and
// mpfr_subnormalize, which uses the ternary value to undo the first rounding, its answer is IEEE
// 754's. Underflow is derived from MPFR's answers alone: before rounding from the final result and
// the ternary value, after rounding from the result that was rounded as if it were normal.
//
//   MpfrOracle<fp16> oracle;                 // one per thread
//   oracle.answer<Operation::add>({0x3C00, 0x1001, 0})   // bits 0x3C01, direction 1, inexact
//
// Codes are taken apart and put together here, on MPFR's "custom interface" with one limb on the
// stack: no allocation, 20 to 40 ns an operation, and nothing shared with the core's decode.
//
// Limits: IEEE-like formats of precision 64 and less; NaN operands say only that the result is a
// NaN (MPFR does not know signalling ones). Source: MPFR 4.2 manual, sections 4.4, 5.13, 5.16.
#pragma once

#include "oracles/vectors.hpp"
#include <mpfr.h>

namespace ulpscope {

struct MpfrAnswer {
  uint64_t bits = 0;  // any NaN is the code with all bits set
  int direction = 0;  // rounded minus exact
  bool overflow = false;
  bool underflow = false;        // tiny before rounding, and inexact
  bool underflow_after = false;  // tiny after rounding, and inexact
  bool invalid = false;
  bool divide_by_zero = false;
};

template <Format F>
class MpfrOracle {
 public:
  // The exponents are this thread's own in a thread-safe MPFR (mpfr_buildopt_tls_p), as Debian's.
  MpfrOracle() {
    mpfr_set_emin(smallest_exponent);
    mpfr_set_emax((1 << (F.exponent_bits - 1)));
  }
  ~MpfrOracle() { mpfr_free_cache(); }
  MpfrOracle(const MpfrOracle&) = delete;
  MpfrOracle& operator=(const MpfrOracle&) = delete;

  template <Operation operation>
  MpfrAnswer answer(const Operands& x) {
    Number a(x.a);
    Number b(x.b);
    Number c(x.c);
    Number r(0);
    mpfr_clear_flags();
    int ternary = 0;
    if constexpr (operation == Operation::add) ternary = mpfr_add(r.get(), a.get(), b.get(), mode);
    if constexpr (operation == Operation::sub) ternary = mpfr_sub(r.get(), a.get(), b.get(), mode);
    if constexpr (operation == Operation::mul) ternary = mpfr_mul(r.get(), a.get(), b.get(), mode);
    if constexpr (operation == Operation::div) ternary = mpfr_div(r.get(), a.get(), b.get(), mode);
    if constexpr (operation == Operation::fma) {
      ternary = mpfr_fma(r.get(), a.get(), b.get(), c.get(), mode);
    }
    if constexpr (operation == Operation::sqrt) ternary = mpfr_sqrt(r.get(), a.get(), mode);
    return finished(r, ternary);
  }

 private:
  static_assert(F.trailing_bits >= 1 && F.trailing_bits < 64);
  static constexpr mpfr_rnd_t mode = MPFR_RNDN;
  // MPFR's significands lie in [1/2, 1): its exponents are one above IEEE's.
  static constexpr mpfr_exp_t smallest_normal = 2 - F.bias;
  static constexpr mpfr_exp_t smallest_exponent = smallest_normal - F.trailing_bits;
  static constexpr int top_field = (1 << F.exponent_bits) - 1;
  static constexpr uint64_t sign = uint64_t{1} << (F.exponent_bits + F.trailing_bits);
  static constexpr uint64_t hidden = uint64_t{1} << F.trailing_bits;

  // A number of one limb, built from a code.
  class Number {
   public:
    explicit Number(uint64_t code) {
      const int kind_sign = (code & sign) != 0 ? -1 : 1;
      const uint64_t trailing = code & (hidden - 1);
      const auto field = static_cast<int>((code & (sign - 1)) >> F.trailing_bits);
      if (field == top_field) {
        set(trailing != 0 ? MPFR_NAN_KIND : kind_sign * MPFR_INF_KIND, 0);
      } else if (field != 0) {
        limb_ = (hidden | trailing) << (63 - F.trailing_bits);
        set(kind_sign * MPFR_REGULAR_KIND, field - F.bias + 1);
      } else if (trailing != 0) {
        const int unused = __builtin_clzll(trailing);
        limb_ = trailing << unused;
        set(kind_sign * MPFR_REGULAR_KIND, smallest_exponent + 63 - unused);
      } else {
        set(kind_sign * MPFR_ZERO_KIND, 0);
      }
    }
    Number(const Number&) = delete;
    Number& operator=(const Number&) = delete;

    mpfr_ptr get() { return &value_; }
    int kind() const { return mpfr_custom_get_kind(&value_); }
    mpfr_exp_t exponent() const { return mpfr_custom_get_exp(&value_); }
    bool is_regular() const { return kind() == MPFR_REGULAR_KIND || kind() == -MPFR_REGULAR_KIND; }

    uint64_t code() const {
      const uint64_t negative = kind() < 0 ? sign : 0;
      switch (kind() < 0 ? -kind() : kind()) {
        case MPFR_NAN_KIND: return 2 * sign - 1;
        case MPFR_INF_KIND: return negative | (uint64_t{top_field} << F.trailing_bits);
        case MPFR_ZERO_KIND: return negative;
        default: break;
      }
      if (exponent() < smallest_normal) {
        return negative | (limb_ >> (63 - (exponent() - smallest_exponent)));
      }
      const auto field = static_cast<uint64_t>(exponent() - 1 + F.bias);
      return negative | (field << F.trailing_bits) |
             ((limb_ >> (63 - F.trailing_bits)) & (hidden - 1));
    }

   private:
    void set(int kind, mpfr_exp_t exponent) {
      mpfr_custom_init_set(&value_, kind, exponent, F.trailing_bits + 1, &limb_);
    }

    mp_limb_t limb_ = 0;
    __mpfr_struct value_;
  };

  MpfrAnswer finished(Number& r, int ternary) {
    const bool tiny_after = r.kind() == MPFR_ZERO_KIND || r.kind() == -MPFR_ZERO_KIND ||
                            (r.is_regular() && r.exponent() < smallest_normal);
    ternary = mpfr_subnormalize(r.get(), ternary, mode);
    MpfrAnswer x;
    x.bits = r.code();
    x.direction = ternary < 0 ? -1 : (ternary > 0 ? 1 : 0);
    x.overflow = mpfr_overflow_p() != 0;
    x.divide_by_zero = mpfr_divby0_p() != 0;
    x.invalid = mpfr_nanflag_p() != 0;
    const uint64_t magnitude = x.bits & (sign - 1);
    const int outward = (x.bits & sign) != 0 ? -1 : 1;  // the direction of a larger magnitude
    const bool tiny = magnitude < hidden || (magnitude == hidden && x.direction == outward);
    x.underflow = x.direction != 0 && tiny;
    x.underflow_after = x.direction != 0 && tiny_after;
    return x;
  }
};

}  // namespace ulpscope
