// Rounding in any mode, and with random bits, in integers of 32 bits.
//
// A number is taken apart into sign, exponent field and a significand of 31 bits, of which the last
// stands for everything below it where the input has more. What the format discards are its lowest
// k bits, more where the result is subnormal; rounding adds a bias below 2^k and cuts:
//
//   toward zero 0;  away from zero 2^k - 1;  nearest 2^(k-1), less one where a tie goes down
//   with N random bits: the draw, its highest bit at the place of one half
//
// The code is the cut significand plus the exponent field, so that carries come out right.
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_GENERAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_GENERAL_INL
#undef ULPSCOPE_LANES_GENERAL_INL
#else
#define ULPSCOPE_LANES_GENERAL_INL
#endif

#include "lanes_common-inl.hpp"
#include "lanes_draw-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

constexpr uint32_t hidden_bit = uint32_t{1} << 30;

// The significand's highest bits are those of the exponent; who needs it clears them.
struct Parts {
  Word signs;     // in the highest bit
  Word field;     // of the exponent
  Word fraction;  // 30 bits, the last one sticky, and two that mean nothing
};

HWY_INLINE Parts take_apart(const float* x) {
  const Word bits = hn::BitCast(Words(), hn::LoadU(Singles(), x));
  return {bits, hn::And(hn::ShiftRight<23>(bits), word(0xFF)), hn::ShiftLeft<7>(bits)};
}
HWY_INLINE Parts take_apart(const double* x) {
  const Word a = hn::BitCast(Words(), hn::LoadU(Doubles(), x));
  const Word b = hn::BitCast(Words(), hn::LoadU(Doubles(), x + lanes() / 2));
  const Word high = hn::ConcatOdd(Words(), b, a);
  const Word low = hn::ConcatEven(Words(), b, a);
  const Word sticky = hn::Min(hn::And(low, word(0x003F'FFFF)), word(1));
  return {high, hn::And(hn::ShiftRight<20>(high), word(0x7FF)),
          hn::Or3(hn::ShiftLeft<10>(high), hn::ShiftRight<22>(low), sticky)};
}
template <class Number>
constexpr uint32_t highest_field = sizeof(Number) == sizeof(float) ? 0xFF : 0x7FF;

// A magnitude about to be cut, and what a bias may depend on.
struct Cut {
  Word discarded;  // k, 1..31
  Word unit;       // 2^k
  Word odd;        // lowest bit of the code below
  Word negative;   // all ones or zero
};

// Which bias a direction adds: one of each below is a template argument of the kernel. `deep` is
// what becomes of a significand whose lowest kept bit lies above its 31 bits, by k - 31 > 0.
template <Mode mode>
struct ByModeLanes {
  // Less than half an ulp, and not nothing: one bit says so.
  HWY_INLINE Word deep(Word significand, Word excess) const {
    return hn::IfThenElse(hn::Gt(excess, hn::Zero(Words())), hn::Min(significand, word(1)),
                          significand);
  }
  HWY_INLINE Word bias(const Cut& cut, size_t) const {
    const Word zero = hn::Zero(Words());
    const Word all = cut.unit - word(1);
    const Word half = hn::ShiftRight<1>(cut.unit);
    if constexpr (mode == Mode::nearest_even) return half - word(1) + cut.odd;
    if constexpr (mode == Mode::nearest_away) return half;
    if constexpr (mode == Mode::nearest_zero) return half - word(1);
    if constexpr (mode == Mode::toward_zero) return zero;
    if constexpr (mode == Mode::up) return hn::AndNot(cut.negative, all);
    if constexpr (mode == Mode::down) return hn::And(cut.negative, all);
    if constexpr (mode == Mode::away) return all;
    // The lower neighbour is odd already, or the upper one is.
    if constexpr (mode == Mode::to_odd) return hn::And(cut.odd - word(1), all);
  }
};

// The draws of the elements, in the low bits of words.
struct ByDrawLanes {
  const uint32_t* draws;
  Word below_bit;
  Word up;  // from a draw's lowest bits to the top of its word
  Word all_bits = word(32);
  Word most_shifted = word(31);

  // A draw of at most 30 bits does not see what is cut off here.
  HWY_INLINE Word deep(Word significand, Word excess) const {
    return significand >> hn::Min(excess, most_shifted);
  }
  HWY_INLINE Word bias(const Cut& cut, size_t i) const {
    const Word draw = hn::LoadU(Words(), draws + i) << up;
    return hn::Or(draw, below_bit) >> (all_bits - cut.discarded);
  }
};

template <class Number>
class GeneralCode {
 public:
  explicit GeneralCode(const GeneralPlan& plan)
      : plan_(plan),
        subnormal_fraction_(word((hidden_bit - 1) & plan.subnormal_input)),
        emin_field_(word(plan.emin_field)),
        shift_(word(static_cast<uint32_t>(plan.shift))),
        highest_field_(word(plan.highest_field)),
        trailing_bits_(word(static_cast<uint32_t>(plan.trailing_bits))),
        sign_mask_(word(plan.sign_mask)),
        largest_(word(plan.largest)),
        adjusts_(plan.first_normal != 0 || plan.first_signed != 0) {}

  // `i`: of the element in x[0], for the direction.
  template <class Direction>
  HWY_INLINE Word operator()(const Number* x, const Direction& direction, size_t i) const {
    const Parts parts = take_apart(x);
    const auto normal = hn::Ne(parts.field, hn::Zero(Words()));
    const Word fraction_mask = hn::IfThenElse(normal, fraction_, subnormal_fraction_);
    Word significand =
        hn::OrAnd(hn::IfThenElseZero(normal, hidden_), parts.fraction, fraction_mask);

    const Word field = hn::Max(parts.field, one_);
    const Word rounded_field = hn::Max(field, emin_field_);
    const Word discarded = rounded_field - field + shift_;
    const Word k = hn::Min(discarded, most_discarded_);
    significand = direction.deep(significand, discarded - k);

    const Word base = hn::Min(rounded_field - emin_field_, highest_field_) << trailing_bits_;
    const Word odd = hn::And((significand >> k) + base, one_);
    const Word negative = sign_mask_of(parts.signs);
    const Word bias = direction.bias({k, one_ << k, odd, negative}, i);
    const Word magnitude = ((significand + bias) >> k) + base;

    Word code = hn::OrAnd(magnitude, negative, sign_mask_);
    if (adjusts_) {
      Word kept = magnitude;
      if (plan_.first_normal != 0) {
        const Word unbounded = with_unbounded_exponent(significand, negative, direction, i);
        kept = hn::IfThenZeroElse(still_tiny(parts.field, magnitude, unbounded), magnitude);
      }
      code = with_sign(kept, negative);
    }
    // Infinity and NaN, too, have a magnitude above the largest. Most registers have none of these.
    const auto above = hn::Gt(magnitude, largest_);
    if (hn::AllFalse(Words(), above)) return code;
    return hn::IfThenElse(above, special(parts, negative), code);
  }

 private:
  // The significand of a number from the binade below the smallest normal one, rounded to the
  // format's precision as if there were exponents left.
  template <class Direction>
  HWY_INLINE Word with_unbounded_exponent(Word significand, Word negative,
                                          const Direction& direction, size_t i) const {
    const auto k = static_cast<uint32_t>(plan_.unbounded_shift);
    // With one bit what is rounded up is even: it lies below the code 1.
    const Word odd = hn::And(hn::ShiftRightSame(significand, static_cast<int>(k)),
                             word(plan_.trailing_bits > 0 ? 1 : 0));
    const Word bias = direction.bias({word(k), word(uint32_t{1} << k), odd, negative}, i);
    return hn::ShiftRightSame(significand + bias, static_cast<int>(k));
  }
  // What the policy flushes (round_pack.hpp): subnormal, or below the smallest normal number and
  // rounded up to it, but not with an unbounded exponent range.
  HWY_INLINE auto still_tiny(Word field, Word magnitude, Word unbounded) const {
    const Word first = word(plan_.first_normal);
    const Word below_next_binade = word((uint32_t{2} << plan_.trailing_bits) - 1);
    const auto reaches =
        hn::And(hn::Eq(field, word(plan_.emin_field - 1)), hn::Gt(unbounded, below_next_binade));
    const auto rounded_up =
        hn::And(hn::Lt(field, word(plan_.emin_field)), hn::Eq(magnitude, first));
    return hn::Or(hn::Lt(magnitude, first), hn::AndNot(reaches, rounded_up));
  }
  // Zero may go without one.
  HWY_INLINE Word with_sign(Word magnitude, Word negative) const {
    const auto no_sign = hn::Lt(magnitude, word(plan_.first_signed));
    return hn::Or(magnitude, hn::IfThenZeroElse(no_sign, hn::And(negative, word(plan_.sign_mask))));
  }
  // What the policy puts in place of what is above the largest number.
  HWY_INLINE Word special(const Parts& parts, Word negative) const {
    const auto by_sign = [&](const BySign& codes) HWY_ATTR {
      return hn::IfVecThenElse(negative, word(codes.minus), word(codes.plus));
    };
    const SpecialCodes& codes = plan_.special;
    const Word fraction = hn::And(parts.fraction, word(hidden_bit - 1));
    const Word no_number = hn::IfThenElse(hn::Eq(fraction, hn::Zero(Words())),
                                          by_sign(codes.infinity), word(codes.nan));
    return hn::IfThenElse(hn::Eq(parts.field, word(highest_field<Number>)), no_number,
                          by_sign(codes.above));
  }

  GeneralPlan plan_;
  // Constants of the common case, which the compiler would make anew for every register.
  Word fraction_ = word(hidden_bit - 1);
  Word hidden_ = word(hidden_bit);
  Word one_ = word(1);
  Word most_discarded_ = word(31);
  Word subnormal_fraction_, emin_field_, shift_, highest_field_, trailing_bits_, sign_mask_,
      largest_;
  bool adjusts_;
};

template <class Number, class Direction, class StoreCodes>
struct GeneralKernel {
  GeneralCode<Number> code;
  Direction direction;
  StoreCodes store;

  template <class Code>
  HWY_INLINE void operator()(size_t i, const Number* x, Code* to) const {
    const size_t n = lanes();
    store(code(x, direction, i), code(x + n, direction, i + n),
          code(x + 2 * n, direction, i + 2 * n), code(x + 3 * n, direction, i + 3 * n), to);
  }
};

template <class Number, class Code, class Direction>
void round_general(const Number* x, size_t count, const GeneralPlan& plan,
                   const Direction& direction, Code* codes) {
  using Kernel = GeneralKernel<Number, Direction, Store<Code>>;
  for_groups(x, count, codes, Kernel{GeneralCode<Number>(plan), direction, {}});
}

template <class Number, class Code>
void round_directed(const Number* x, size_t count, const DirectedPlan& plan, Code* codes) {
  const auto by = [&]<Mode mode>(ByModeLanes<mode> direction) {
    round_general(x, count, plan.general, direction, codes);
  };
  switch (plan.mode) {
    case Mode::nearest_even: return by(ByModeLanes<Mode::nearest_even>());
    case Mode::nearest_away: return by(ByModeLanes<Mode::nearest_away>());
    case Mode::nearest_zero: return by(ByModeLanes<Mode::nearest_zero>());
    case Mode::toward_zero: return by(ByModeLanes<Mode::toward_zero>());
    case Mode::up: return by(ByModeLanes<Mode::up>());
    case Mode::down: return by(ByModeLanes<Mode::down>());
    case Mode::away: return by(ByModeLanes<Mode::away>());
    case Mode::to_odd: return by(ByModeLanes<Mode::to_odd>());
  }
}

// The draws of some hundred elements at a time, then their roundings.
template <class Number, class Code>
void round_drawn(const Number* x, size_t count, const DrawnPlan& plan, const Draw& first,
                 Code* codes) {
  constexpr size_t step = 512;
  alignas(64) uint32_t draws[step + longest_draw];
  Draw draw = first;
  for (size_t i = 0; i < count; i += step, draw.element += step) {
    const size_t some = std::min(step, count - i);
    const uint32_t* begin = draw_words(draw, plan.bits, some, draws);
    const ByDrawLanes direction{begin, word(plan.below_bit),
                                word(static_cast<uint32_t>(32 - plan.bits))};
    round_general(x + i, some, plan.general, direction, codes + i);
  }
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
