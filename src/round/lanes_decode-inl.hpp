// Codes to the numbers they mean, in binary32 or binary64 wide enough for all of them.
//
// A code moved up by the missing trailing bits, its exponent field rebiased, is the number's own
// representation. Subnormals have an exponent of their own there: with the exponent of the smallest
// normal number joined they are too large by just that number, which is taken off.
//
// Included by lanes.cpp, once for each instruction set.
#if defined(ULPSCOPE_LANES_DECODE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_LANES_DECODE_INL
#undef ULPSCOPE_LANES_DECODE_INL
#else
#define ULPSCOPE_LANES_DECODE_INL
#endif

#include "ulpscope/base/host_fp.hpp"

#include "lanes_common-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

template <class Number>
struct Wider;
template <>
struct Wider<float> {
  using Numbers = Singles;
  using Bits = Words;
  static constexpr uint32_t infinity = 0x7F80'0000;
  static constexpr uint32_t nan = 0x7FC0'0000;
  static HWY_INLINE hn::Vec<Bits> load(const uint32_t* codes) { return hn::LoadU(Bits(), codes); }
};
template <>
struct Wider<double> {
  using Numbers = Doubles;
  using Bits = Longs;
  static constexpr uint64_t infinity = 0x7FF0'0000'0000'0000;
  static constexpr uint64_t nan = 0x7FF8'0000'0000'0000;
  static HWY_INLINE hn::Vec<Bits> load(const uint32_t* codes) {
    return hn::PromoteTo(Bits(), hn::LoadU(hn::Half<Words>(), codes));
  }
};

template <class Number>
class Decode {
 public:
  explicit Decode(const DecodePlan& plan)
      : shift_(plan.shift),
        up_(static_cast<int>(8 * sizeof(Number)) - plan.width),
        sign_(set(uint64_t{1} << (plan.width - 1))),
        hidden_(set(uint64_t{1} << plan.trailing_bits)),
        rebias_(set(plan.rebias)),
        smallest_normal_(set(plan.smallest_normal)),
        largest_(set(plan.largest)),
        infinity_(set(plan.infinity)),
        negative_nan_(set(plan.negative_nan)) {}

  HWY_INLINE void operator()(size_t, const uint32_t* codes, Number* numbers) const {
    const size_t step = hn::Lanes(as_number());
    for (size_t i = 0; i < 4 * lanes(); i += step) one(codes + i, numbers + i);
  }

 private:
  HWY_INLINE void one(const uint32_t* codes, Number* numbers) const {
    const Bits code = Traits::load(codes);
    const Bits sign = hn::And(code, sign_);
    const Bits magnitude = hn::Xor(code, sign);
    const Bits moved = hn::ShiftLeftSame(magnitude, shift_);
    const auto excess = hn::BitCast(as_number(), smallest_normal_);
    const auto small = hn::BitCast(as_number(), hn::Or(moved, smallest_normal_)) - excess;
    const Bits finite =
        hn::IfThenElse(hn::Lt(magnitude, hidden_), hn::BitCast(as_bits(), small), moved + rebias_);
    const Bits beyond =
        hn::IfThenElse(hn::Eq(magnitude, infinity_), set(Traits::infinity), set(Traits::nan));
    const Bits unsigned_number = hn::IfThenElse(hn::Gt(magnitude, largest_), beyond, finite);
    const Bits number = hn::Or(unsigned_number, hn::ShiftLeftSame(sign, up_));
    // A NaN has no sign.
    const auto is_nan =
        hn::Or(hn::Eq(code, negative_nan_), hn::Gt(unsigned_number, set(Traits::infinity)));
    hn::StoreU(hn::BitCast(as_number(), hn::IfThenElse(is_nan, set(Traits::nan), number)),
               as_number(), numbers);
  }

  using Traits = Wider<Number>;
  using as_number = typename Traits::Numbers;
  using as_bits = typename Traits::Bits;
  using Bits = hn::Vec<as_bits>;

  static HWY_INLINE Bits set(uint64_t x) {
    return hn::Set(as_bits(), static_cast<hn::TFromD<as_bits>>(x));
  }

  int shift_, up_;
  Bits sign_, hidden_, rebias_, smallest_normal_, largest_, infinity_, negative_nan_;
};

template <class Number>
void decode(const uint32_t* codes, size_t count, const DecodePlan& plan, Number* numbers) {
  const HostFpGuard guard;
  for_groups(codes, count, numbers, Decode<Number>(plan));
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
