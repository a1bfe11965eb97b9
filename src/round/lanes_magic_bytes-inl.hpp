// Rounding to nearest by the sums of lanes_magic-inl.hpp, to codes of up to 8 bits: four registers
// of sums to one of codes.
//
// Included by lanes_nearest-inl.hpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_MAGIC_BYTES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_MAGIC_BYTES_INL
#undef ULPSCOPE_LANES_MAGIC_BYTES_INL
#else
#define ULPSCOPE_LANES_MAGIC_BYTES_INL
#endif

#include <type_traits>

#include "lanes_magic-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

// Offset, cap, sign and NaN are cheaper in packed lanes. The cap is where signed bytes saturate,
// codes being moved there and back; that of e4m3fn is there already.
enum class ByteCodes {
  e4m3fn,      // or what differs in its bias only: the cap is NaN and 0x7F
  cap_is_nan,  // as in fnuz formats
  nan_apart,   // as in e5m2
  narrower,    // than 8 bits
};

// Significand and exponent of a sum put together, too large by an offset, in packed halves. Here by
// a mask, a shift and a sum.
template <class Number>
class MaskedCode {
 public:
  MaskedCode(const MagicPlan& plan, int offset)
      : sum_(plan),
        kept_mask_(word(plan.kept_mask)),
        shift_(word(static_cast<uint32_t>(plan.shift))),
        offset_(hn::Set(SignedHalves(), static_cast<int16_t>(offset))) {}

  HWY_INLINE Sums sums(const Number* x) const { return sum_(x); }
  // Saturated to 16 bits infinity is still above the cap.
  HWY_INLINE Half operator()(const Sums& a, const Sums& b) const {
    return hn::Sub(pack_signed(code(a), code(b)), offset_);
  }

 private:
  HWY_INLINE Word code(const Sums& sums) const {
    return hn::Add(hn::And(sums.kept, kept_mask_), sums.exponents >> shift_);
  }

  Magic<Number> sum_;
  Word kept_mask_, shift_;
  Half offset_;
};

// The same by one multiplication of pairs. Of the sum's two halves the lower is the significand
// kept, as long as nothing else is there, which NaN would leave, and the upper the exponent field
// and seven zeros; lower x 2^(shift - 16) + upper is the code, shifted up:
//   e4m3fn, x = 27: the sum is 0x4B80'000E; 14 x 16 + 0x4B80 = 0x4C60 = 16 x 0x4C6, and 0x4C6
//   less the offset 0x468 is 0x5E
// For binary32 to three trailing bits, so that the shift is a constant.
class MultipliedCode {
 public:
  static constexpr int shift = 20;

  MultipliedCode(const MagicPlan& plan, int offset)
      : sum_(plan),
        weights_(hn::BitCast(SignedHalves(), word(0x1'0000 + (1U << up)))),
        offset_(hn::Set(SignedHalves(), static_cast<int16_t>(offset << up))) {}

  HWY_INLINE Sums sums(const float* x) const { return sum_.without_nan(x); }
  // At most 0x7F80 + 2^8; what saturates is far above the cap.
  HWY_INLINE Half operator()(const Sums& a, const Sums& b) const {
    return hn::ShiftRight<up>(hn::Sub(pack_signed(code(a), code(b)), offset_));
  }

 private:
  static constexpr int up = shift - 16;

  HWY_INLINE Word code(const Sums& sums) const {
    const auto halves = hn::BitCast(SignedHalves(), sums.kept);
    auto odd = hn::Zero(SignedWords());
    const auto even = hn::ReorderWidenMulAccumulate(SignedWords(), halves, weights_, odd, odd);
    return hn::BitCast(Words(), hn::RearrangeToOddPlusEven(even, odd));
  }

  Magic<float> sum_;
  Half weights_, offset_;
};

template <class Number, ByteCodes codes>
class MagicBytes {
 public:
  explicit MagicBytes(const MagicPlan& plan)
      : code_(plan, static_cast<int>(plan.offset) - to_cap(plan)),
        to_cap_(hn::Set(Bytes(), static_cast<uint8_t>(to_cap(plan)))),
        guard_(hn::Set(Bytes(), static_cast<uint8_t>(sign_guard(plan, 8)))),
        nan_(hn::Set(Bytes(), static_cast<uint8_t>(plan.nan))),
        down_(8 - plan.width) {}

  HWY_INLINE void operator()(size_t, const Number* x, uint8_t* to) const {
    const size_t n = lanes();
    const Sums a = code_.sums(x);
    const Sums b = code_.sums(x + n);
    const Sums c = code_.sums(x + 2 * n);
    const Sums d = code_.sums(x + 3 * n);
    Byte magnitude = pack_bytes(code_(a, b), code_(c, d));
    if constexpr (codes != ByteCodes::e4m3fn) magnitude = magnitude - to_cap_;
    const Byte signs = pack_bytes(pack_signed(a.signs, b.signs), pack_signed(c.signs, d.signs));
    Byte result = with_sign(magnitude, signs);
    if constexpr (codes == ByteCodes::nan_apart || codes == ByteCodes::narrower) {
      const Byte is_nan = pack_bytes(pack_signed(below_nan(a), below_nan(b)),
                                     pack_signed(below_nan(c), below_nan(d)));
      const hn::RebindToSigned<Bytes> to_signed;
      result = hn::BitCast(Bytes(), hn::IfNegativeThenElse(hn::BitCast(to_signed, is_nan),
                                                           hn::BitCast(to_signed, nan_),
                                                           hn::BitCast(to_signed, result)));
    }
    hn::StoreU(hn::BitCast(Bytes(), order_(result)), Bytes(), to);
  }

 private:
  static constexpr bool multiplied = std::is_same_v<Number, float> && codes == ByteCodes::e4m3fn;
  using Code = std::conditional_t<multiplied, MultipliedCode, MaskedCode<Number>>;

  static int to_cap(const MagicPlan& plan) { return 0x7F - static_cast<int>(plan.cap); }

  // Negative for NaN.
  HWY_INLINE Word below_nan(const Sums& sums) const {
    return hn::Sub(word(Magic<Number>::infinity), sums.exponents);
  }
  HWY_INLINE Byte with_sign(Byte magnitude, Byte signs) const {
    const Byte may_sign = hn::AndNot(magnitude + guard_, hn::Set(Bytes(), 0x80));
    if constexpr (codes != ByteCodes::narrower) return hn::OrAnd(magnitude, signs, may_sign);
    const auto sign = hn::BitCast(Halves(), hn::And(signs, may_sign));
    return hn::Or(magnitude, hn::BitCast(Bytes(), hn::ShiftRightSame(sign, down_)));
  }

  Code code_;
  Byte to_cap_, guard_, nan_;
  int down_;
  Order<uint8_t> order_;
};

template <ByteCodes byte_codes, class Number>
void round_magic_bytes(const Number* x, size_t count, const MagicPlan& plan, uint8_t* codes) {
  for_groups(x, count, codes, MagicBytes<Number, byte_codes>(plan));
}

template <class Number>
void round_magic_bytes(const Number* x, size_t count, const MagicPlan& plan, uint8_t* codes) {
  if (plan.width < 8) return round_magic_bytes<ByteCodes::narrower>(x, count, plan, codes);
  if (!plan.nan_is_cap) return round_magic_bytes<ByteCodes::nan_apart>(x, count, plan, codes);
  if (plan.cap != 0x7F || plan.trailing_bits != 3) {
    return round_magic_bytes<ByteCodes::cap_is_nan>(x, count, plan, codes);
  }
  round_magic_bytes<ByteCodes::e4m3fn>(x, count, plan, codes);
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
