// Rounding to nearest, ties to even: two kernels for two kinds of formats.
//
// magic. Let E be the power of two below |x|, or 2^emin if that is larger, and M = E x 2^k where k
// trailing bits of the input are dropped. In the binade of M one unit is just the format's ulp at
// x, so that the sum M + |x| is |x| rounded, subnormals included, and its low bits count ulps: the
// kept significand. Its exponent field is E's plus k. Both meet in the code:
//
//   e4m3fn, x = 27 = 13.5 ulp: E = 2^4, k = 20; M + 27 = 2^24 + 14 x 2 (a tie, to the even one)
//   code = 14 + (4 - emin) x 2^3 = 14 + 80 = 0x5E, which is 1.75 x 2^4 = 28
//
// It is the one place where the host's arithmetic rounds; HostFpGuard sees to its mode. Subnormal
// inputs are below half of the format's smallest number and read as zero: adding them to something
// large would cost hundreds of cycles.
//
// aligned. Where the format is the input with fewer trailing bits, adding half an ulp less one, and
// one more if the part that stays is odd, carries as it should, through exponents to infinity.
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_NEAREST_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_NEAREST_INL
#undef ULPSCOPE_LANES_NEAREST_INL
#else
#define ULPSCOPE_LANES_NEAREST_INL
#endif

#include "ulpscope/base/host_fp.hpp"

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
    const Word magnitude = hn::And(bits, word(0x7FFF'FFFF));
    const Word binade = hn::Max(hn::And(bits, word(infinity)), smallest_);
    const auto sum =
        hn::MulAdd(hn::BitCast(Singles(), binade), scale_, hn::BitCast(Singles(), magnitude));
    return {hn::BitCast(Words(), sum), hn::BitCast(Words(), sum), bits};
  }

 private:
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

// Codes of up to 8 bits: offset, cap, sign and NaN are cheaper in packed lanes. The cap is where
// signed bytes saturate, codes being moved there and back; that of e4m3fn is there already.
enum class ByteCodes {
  cap_is_nan_and_0x7f,  // as in e4m3fn
  cap_is_nan,           // as in fnuz formats
  nan_apart,            // as in e5m2
  narrower,             // than 8 bits
};

template <class Number, ByteCodes codes>
class MagicBytes {
 public:
  explicit MagicBytes(const MagicPlan& plan)
      : sum_(plan),
        kept_mask_(word(plan.kept_mask)),
        shift_(word(static_cast<uint32_t>(plan.shift))),
        offset_(hn::Set(SignedHalves(), static_cast<int16_t>(plan.offset - to_cap(plan)))),
        to_cap_(hn::Set(Bytes(), static_cast<uint8_t>(to_cap(plan)))),
        guard_(hn::Set(Bytes(), static_cast<uint8_t>(sign_guard(plan, 8)))),
        nan_(hn::Set(Bytes(), static_cast<uint8_t>(plan.nan))),
        down_(8 - plan.width) {}

  HWY_INLINE void operator()(size_t, const Number* x, uint8_t* to) const {
    const size_t n = lanes();
    const Sums a = sum_(x);
    const Sums b = sum_(x + n);
    const Sums c = sum_(x + 2 * n);
    const Sums d = sum_(x + 3 * n);
    const Half ab = hn::Sub(pack_signed(code(a), code(b)), offset_);
    const Half cd = hn::Sub(pack_signed(code(c), code(d)), offset_);
    Byte magnitude = pack_bytes(ab, cd);
    if constexpr (codes != ByteCodes::cap_is_nan_and_0x7f) magnitude = magnitude - to_cap_;
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
  static int to_cap(const MagicPlan& plan) { return 0x7F - static_cast<int>(plan.cap); }

  // The code, too large by the offset; saturated to 16 bits infinity is still above the cap.
  HWY_INLINE Word code(const Sums& sums) const {
    return hn::Add(hn::And(sums.kept, kept_mask_), sums.exponents >> shift_);
  }
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

  Magic<Number> sum_;
  Word kept_mask_, shift_;
  Half offset_;
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
  if (plan.cap != 0x7F) return round_magic_bytes<ByteCodes::cap_is_nan>(x, count, plan, codes);
  round_magic_bytes<ByteCodes::cap_is_nan_and_0x7f>(x, count, plan, codes);
}

template <class Number, class Code>
void round_magic(const Number* x, size_t count, const MagicPlan& plan, Code* codes) {
  const HostFpGuard guard(SubnormalOperands::may_be_zero);
  if constexpr (sizeof(Code) == 1) {
    if (plan.fits_bytes) return round_magic_bytes(x, count, plan, codes);
  }
  if constexpr (sizeof(Code) == 2) {
    if (plan.width == 16 && plan.signs_zero && plan.last_signed == plan.cap) {
      return for_groups(x, count, codes, MagicHalves<Number>(plan));
    }
  }
  for_groups(x, count, codes,
             FourRegisters<MagicCode<Number>, Store<Code>>{MagicCode<Number>(plan), {}});
}

class AlignedCode {
 public:
  explicit AlignedCode(const AlignedPlan& plan)
      : shift_(word(static_cast<uint32_t>(plan.shift))),
        below_half_(word((uint32_t{1} << (plan.shift - 1)) - 1)),
        nan_(word(plan.nan)) {}

  HWY_INLINE Word operator()(const float* x) const {
    const auto number = hn::LoadU(Singles(), x);
    const Word bits = hn::BitCast(Words(), number);
    const Word odd = hn::And(bits >> shift_, word(1));
    const Word code = (bits + below_half_ + odd) >> shift_;
    return hn::IfThenElse(hn::RebindMask(Words(), hn::IsNaN(number)), nan_, code);
  }

 private:
  Word shift_, below_half_, nan_;
};

// bf16: the code is the upper half of its lane. Half an ulp less one, and one more if the part that
// stays is odd, is 0x8000 less one if that part is even, all but one bit of which are constant.
class AlignedUpperHalf {
 public:
  explicit AlignedUpperHalf(const AlignedPlan& plan) : nan_(word(plan.nan << 16)) {}

  // The code, above bits that mean nothing.
  HWY_INLINE Word operator()(const float* x) const {
    const Word bits = with_one_nan(hn::LoadU(Singles(), x));
    const Word even = hn::AndNot(hn::ShiftRight<16>(bits), word(1));
    return hn::Sub(bits, hn::Or(even, word(0xFFFF'8000)));
  }

 private:
  // Every NaN becomes the code's, which rounding leaves alone.
  HWY_INLINE Word with_one_nan(hn::Vec<Singles> number) const {
#if HWY_TARGET <= HWY_AVX3
    // The table has four bits for each class of numbers, from quiet and signalling NaN up: 0 takes
    // the first operand, 1 the second. That is one instruction where comparing takes two.
    const Word table = word(0x1111'1100);
    const auto nan = hn::BitCast(Singles(), nan_);
    return hn::BitCast(Words(),
                       hn::Vec<Singles>{_mm512_fixupimm_ps(nan.raw, number.raw, table.raw, 0)});
#else
    const auto is_nan = hn::RebindMask(Words(), hn::IsNaN(number));
    return hn::IfThenElse(is_nan, nan_, hn::BitCast(Words(), number));
#endif
  }

  Word nan_;
};

template <class Code>
void round_aligned(const float* x, size_t count, const AlignedPlan& plan, Code* codes) {
  const HostFpGuard guard;  // no subnormal number is read as zero
  if constexpr (sizeof(Code) == 2) {
    if (plan.shift == 16) {
      using Kernel = FourRegisters<AlignedUpperHalf, StoreUpperHalves>;
      return for_groups(x, count, codes, Kernel{AlignedUpperHalf(plan), {}});
    }
  }
  for_groups(x, count, codes, FourRegisters<AlignedCode, Store<Code>>{AlignedCode(plan), {}});
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
