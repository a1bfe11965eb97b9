// Rounding to nearest, ties to even, where the format's range lies inside the input's: one addition
// of a large number. Let E be the power of two below |x|, or 2^emin if that is larger, and
// M = E x 2^k where k trailing bits of the input are dropped. In the binade of M one unit is just
// the format's ulp at x, so that the sum M + |x| is |x| rounded, subnormals included, and its low
// bits count ulps: the kept significand. Its exponent field is E's plus k. Both meet in the code:
//
//   e4m3fn, x = 27 = 13.5 ulp: E = 2^4, k = 20; M + 27 = 2^24 + 14 x 2 (a tie, to the even one)
//   code = 14 + (4 - emin) x 2^3 = 14 + 80 = 0x5E, which is 1.75 x 2^4 = 28
//
// It is the one place where the host's arithmetic rounds; HostFpGuard sees to its mode. Subnormal
// inputs are below half of the format's smallest number and read as zero: adding them to something
// large would cost hundreds of cycles.
//
// Included by lanes_nearest-inl.hpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_MAGIC_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_MAGIC_INL
#undef ULPSCOPE_LANES_MAGIC_INL
#else
#define ULPSCOPE_LANES_MAGIC_INL
#endif

#include "lanes_common-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

// What the additions leave of a register's worth of inputs.
struct Sums {
  Word kept;       // the significand in the lowest bits, something above
  Word exponents;  // the field at its place, the sign clear
  Word signs;      // of the inputs, in the highest bit
};

template <class Number>
class Magic;

template <>
class Magic<float> {
 public:
  static constexpr uint32_t infinity = 0x7F80'0000;

  explicit Magic(const MagicPlan& plan)
      : smallest_(
            hn::BitCast(Words(), hn::Set(Singles(), static_cast<float>(plan.smallest_normal)))),
        scale_(hn::Set(Singles(), static_cast<float>(plan.scale))) {}

  HWY_INLINE Sums operator()(const float* x) const {
    const Word bits = hn::BitCast(Words(), hn::LoadU(Singles(), x));
    return sums(bits, hn::And(bits, word(0x7FFF'FFFF)));
  }
  // NaN becomes infinity.
  HWY_INLINE Sums without_nan(const float* x) const {
    const Word bits = hn::BitCast(Words(), hn::LoadU(Singles(), x));
    return sums(bits, hn::Min(hn::And(bits, word(0x7FFF'FFFF)), word(infinity)));
  }

 private:
  HWY_INLINE Sums sums(Word bits, Word magnitude) const {
    const Word binade = hn::Max(hn::And(bits, word(infinity)), smallest_);
    const auto sum =
        hn::MulAdd(hn::BitCast(Singles(), binade), scale_, hn::BitCast(Singles(), magnitude));
    return {hn::BitCast(Words(), sum), hn::BitCast(Words(), sum), bits};
  }

  Word smallest_;
  hn::Vec<Singles> scale_;
};

template <>
class Magic<double> {
 public:
  static constexpr uint32_t infinity = 0x7FF0'0000;  // the upper half

  explicit Magic(const MagicPlan& plan)
      : smallest_(hn::Set(Doubles(), plan.smallest_normal)),
        scale_(hn::Set(Doubles(), plan.scale)) {}

  HWY_INLINE Sums operator()(const double* x) const {
    const auto a = hn::LoadU(Doubles(), x);
    const auto b = hn::LoadU(Doubles(), x + lanes() / 2);
    const Word low = hn::BitCast(Words(), sum(a));
    const Word high = hn::BitCast(Words(), sum(b));
    return {hn::ConcatEven(Words(), high, low), hn::ConcatOdd(Words(), high, low),
            hn::ConcatOdd(Words(), hn::BitCast(Words(), b), hn::BitCast(Words(), a))};
  }

 private:
  using Vec = hn::Vec<Doubles>;

  HWY_INLINE Vec sum(Vec x) const {
    const auto field = hn::BitCast(Doubles(), hn::Set(Longs(), uint64_t{infinity} << 32));
    // A NaN has no binade to compare, but an exponent field of all ones.
    const auto binade = hn::Max(hn::And(x, field), smallest_);
    return hn::MulAdd(binade, scale_, hn::Abs(x));
  }

  Vec smallest_;
  Vec scale_;
};

// Magnitudes that take no sign: with this added they reach the highest of `bits` bits.
HWY_INLINE uint32_t sign_guard(const MagicPlan& plan, int bits) {
  const uint32_t below_sign = (uint32_t{1} << (bits - 1)) - 1;
  return plan.signs_zero ? below_sign - plan.last_signed : 2 * below_sign + 1;
}

// Codes of any width, in 32-bit lanes.
template <class Number>
class MagicCode {
 public:
  explicit MagicCode(const MagicPlan& plan)
      : sum_(plan),
        kept_mask_(word(plan.kept_mask)),
        shift_(word(static_cast<uint32_t>(plan.shift))),
        offset_(word(plan.offset)),
        cap_(word(plan.cap)),
        guard_(word(sign_guard(plan, 32))),
        down_(word(static_cast<uint32_t>(32 - plan.width))),
        nan_(word(plan.nan)) {}

  HWY_INLINE Word operator()(const Number* x) const {
    const Sums sums = sum_(x);
    // For infinity and NaN the exponent alone is above the cap.
    const Word code = hn::Sub(hn::And(sums.kept, kept_mask_) + (sums.exponents >> shift_), offset_);
    const Word magnitude = hn::Min(code, cap_);
    const Word no_sign = hn::Add(magnitude, guard_);
    const Word sign = hn::And(hn::AndNot(no_sign, sums.signs), word(0x8000'0000));
    const Word number = hn::Or(magnitude, sign >> down_);
    const auto is_nan = hn::Gt(as_signed(sums.exponents), as_signed(word(Magic<Number>::infinity)));
    return hn::IfThenElse(hn::RebindMask(Words(), is_nan), nan_, number);
  }

 private:
  Magic<Number> sum_;
  Word kept_mask_, shift_, offset_, cap_, guard_, down_, nan_;
};

// Codes of 16 bits whose every magnitude has a sign, as in fp16: signs, cap and NaN are cheaper in
// packed lanes. The cap is where signed halves saturate, codes being moved there and back.
template <class Number>
class MagicHalves {
 public:
  explicit MagicHalves(const MagicPlan& plan)
      : sum_(plan),
        kept_mask_(word(plan.kept_mask)),
        shift_(word(static_cast<uint32_t>(plan.shift))),
        offset_(word(plan.offset - (0x7FFF - plan.cap))),
        to_cap_(hn::Set(SignedHalves(), static_cast<int16_t>(0x7FFF - plan.cap))),
        nan_(hn::Set(SignedHalves(), static_cast<int16_t>(plan.nan))) {}

  HWY_INLINE void operator()(size_t, const Number* x, uint16_t* to) const {
    const size_t n = lanes();
    pair(x, to);
    pair(x + 2 * n, to + 2 * n);
  }

 private:
  HWY_INLINE void pair(const Number* x, uint16_t* to) const {
    const Sums a = sum_(x);
    const Sums b = sum_(x + lanes());
    const Half magnitude = hn::Sub(pack_signed(code(a), code(b)), to_cap_);
    const Half sign_bit = hn::Set(SignedHalves(), static_cast<int16_t>(-0x8000));
    const Half number = hn::OrAnd(magnitude, pack_signed(a.signs, b.signs), sign_bit);
    const Half below_nan = pack_signed(below_nan_of(a), below_nan_of(b));
    const Half result = hn::IfNegativeThenElse(below_nan, nan_, number);
    hn::StoreU(hn::BitCast(Halves(), order_(result)), Halves(), to);
  }
  HWY_INLINE Word code(const Sums& sums) const {
    // What a NaN leaves is replaced; everything else leaves zeros between binary64's halves.
    const bool apart = sizeof(Number) == sizeof(double);
    const Word kept = apart ? sums.kept : hn::And(sums.kept, kept_mask_);
    return kept + (sums.exponents >> shift_) - offset_;
  }
  // Negative for NaN.
  HWY_INLINE Word below_nan_of(const Sums& sums) const {
    return hn::Sub(word(Magic<Number>::infinity), sums.exponents);
  }

  Magic<Number> sum_;
  Word kept_mask_, shift_, offset_;
  Half to_cap_, nan_;
  Order<uint16_t> order_;
};

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
