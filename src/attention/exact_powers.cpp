// The lanes of the powers and their instruction sets: Highway's foreach_target includes this file
// again for each of them, and the machine that runs decides.
#include "ulpscope/attention/exact_powers.hpp"

#include "ulpscope/base/host_fp.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "exact_powers.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

using PowerBlock = void (*)(const uint32_t* x, size_t size, double* high, double* low);

#if HWY_TARGET <= HWY_SSE4
namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Longs = hn::RebindToUnsigned<Doubles>;
using Words = hn::Repartition<uint32_t, Longs>;
using HalfWords = hn::Rebind<uint32_t, Longs>;
using Long = hn::Vec<Longs>;
using Double = hn::Vec<Doubles>;

HWY_INLINE Long number(uint64_t x) { return hn::Set(Longs(), x); }
HWY_INLINE Double as_double(Long x) { return hn::BitCast(Doubles(), x); }
// The product of the lower 32 bits of each.
HWY_INLINE Long product_of_halves(Long x, Long y) {
  return hn::MulEven(hn::BitCast(Words(), x), hn::BitCast(Words(), y));
}

// The bits 64 to 127 of x y, and bit 63 as the highest of 32.
struct UpperProduct {
  HWY_INLINE UpperProduct(Long x, Long y) {
    const Long x_high = hn::ShiftRight<32>(x);
    const Long y_high = hn::ShiftRight<32>(y);
    // Sums below 2^64: (2^32 - 1)^2 and twice 2^32 - 1.
    const Long low = hn::ShiftRight<32>(product_of_halves(x, y));
    const Long first = hn::Add(product_of_halves(x_high, y), low);
    below = hn::Add(product_of_halves(x, y_high), hn::And(first, number(0xFFFF'FFFF)));
    high = hn::Add(hn::Add(product_of_halves(x_high, y_high), hn::ShiftRight<32>(first)),
                   hn::ShiftRight<32>(below));
  }
  Long high;
  Long below;
};

// multiply_q63
HWY_INLINE Long product_q63(Long x, Long y) {
  const UpperProduct product(x, y);
  return hn::Or(hn::Add(product.high, product.high),
                hn::And(hn::ShiftRight<31>(product.below), number(1)));
}

// exp2_fraction
HWY_INLINE Long power_of_fraction(Long f) {
  const Long t = hn::ShiftRight<4>(UpperProduct(f, number(ln2_q64)).high);
  constexpr int terms = 12;
  uint64_t factorials = 1;
  for (int k = 2; k <= terms; ++k) factorials *= static_cast<uint64_t>(k);
  Long sum = number(one_q63 / factorials);
  for (int k = terms; k >= 1; --k) {
    factorials /= static_cast<uint64_t>(k);
    sum = hn::Add(number(one_q63 / factorials), product_q63(sum, t));
  }
  for (int i = 0; i < 3; ++i) sum = product_q63(sum, sum);
  return sum;
}

// The exponent fields of |x| that are held: from 2^-41 on, below 2^9.
constexpr uint64_t least_field = 127 - 41;
constexpr uint64_t most_field = 127 + 8;

// Of numbers below 2^63.
HWY_INLINE auto is_below(Long x, uint64_t end) {
  using SignedLongs = hn::RebindToSigned<Longs>;
  return hn::RebindMask(Longs(), hn::Lt(hn::BitCast(SignedLongs(), x),
                                        hn::Set(SignedLongs(), static_cast<int64_t>(end))));
}

// Binary64 of exponent n, which is small.
HWY_INLINE Double power_of_two(Long n) {
  return as_double(hn::ShiftLeft<52>(hn::Add(n, number(1023))));
}

// significand 2^-down, of 24 bits or of 64.
struct Argument {
  Long significand;
  Long down;
};

// x log2 e, cut to 64 bits, of a significand of 24 bits.
HWY_INLINE Argument times_log2e(const Argument& x) {
  // The product has 87 or 88 bits: high 2^32 + low, both below 2^56.
  const Long high = product_of_halves(x.significand, number(log2e_q63 >> 32));
  const Long low = product_of_halves(x.significand, number(log2e_q63 & 0xFFFF'FFFF));
  const Long cut24 = hn::Add(hn::ShiftLeft<8>(high), hn::ShiftRight<24>(low));
  const Long cut23 = hn::Add(hn::ShiftLeft<9>(high), hn::ShiftRight<23>(low));
  const Long is_long = hn::ShiftRight<63>(cut24);
  const auto longer = hn::Ne(is_long, hn::Zero(Longs()));
  return {hn::IfThenElse(longer, cut24, cut23),
          hn::Sub(hn::Add(x.down, number(q63 - 23)), is_long)};
}

template <Power power>
HWY_INLINE void power_lanes(Long code, double* high, double* low) {
  const Long zero = hn::Zero(Longs());
  const Long magnitude = hn::And(code, number(0x7FFF'FFFF));
  const Long field = hn::ShiftRight<23>(magnitude);
  Argument x{hn::Or(hn::And(magnitude, number(0x7F'FFFF)), number(0x80'0000)),
             hn::Sub(number(150), field)};
  if constexpr (power == Power::of_e) x = times_log2e(x);

  // |x| = n + f 2^-64, then x; `down` may be 64 or more.
  const auto has_whole = is_below(x.down, 64);
  const Long left = hn::IfThenElseZero(has_whole, hn::Sub(number(64), x.down));
  const Long right = hn::IfThenZeroElse(has_whole, hn::Sub(x.down, number(64)));
  Long f = hn::Shr(hn::Shl(x.significand, left), right);
  Long n = hn::IfThenElseZero(has_whole, hn::Shr(x.significand, hn::And(x.down, number(63))));
  const auto no_fraction = hn::Eq(f, zero);
  const auto negative = hn::Ne(magnitude, code);
  const Long borrowed = hn::Sub(zero, hn::Add(n, hn::IfThenZeroElse(no_fraction, number(1))));
  n = hn::IfThenElse(negative, borrowed, n);
  f = hn::IfThenElse(negative, hn::Sub(zero, f), f);

  // The highest 53 bits complete an exponent field; the lowest 11, and half a unit, stand in the
  // low bits of a sum with 2^52.
  const Long power64 = power_of_fraction(f);
  const Long upper =
      hn::Add(hn::ShiftLeft<52>(hn::Add(n, number(1022))), hn::ShiftRight<11>(power64));
  const Long lower = hn::Or(hn::ShiftLeft<1>(hn::And(power64, number(0x7FF))), number(1));
  const Double shifter = hn::Set(Doubles(), 0x1p52);
  const Double rest = hn::Sub(as_double(hn::Or(lower, number(0x433ULL << 52))), shifter);
  Double y = as_double(upper);
  Double z = hn::Mul(rest, power_of_two(hn::Sub(n, number(64))));

  const Double none = hn::Set(Doubles(), std::numeric_limits<double>::quiet_NaN());
  const auto doubles = [](auto mask) { return hn::RebindMask(Doubles(), mask); };
  if constexpr (power == Power::of_two) {
    y = hn::IfThenElse(doubles(no_fraction), power_of_two(n), y);
    z = hn::IfThenZeroElse(doubles(no_fraction), z);
  } else {
    y = hn::IfThenElse(doubles(no_fraction), none, y);
  }
  const auto too_small = is_below(field, least_field);
  const auto held = hn::AndNot(too_small, is_below(field, most_field + 1));
  y = hn::IfThenElse(doubles(held), y, none);
  const auto is_zero = doubles(hn::Eq(magnitude, zero));
  y = hn::IfThenElse(is_zero, hn::Set(Doubles(), 1.0), y);
  z = hn::IfThenZeroElse(is_zero, z);
  hn::StoreU(y, Doubles(), high);
  hn::StoreU(z, Doubles(), low);
}

template <Power power>
void power_block(const uint32_t* x, size_t size, double* high, double* low) {
  for (size_t i = 0; i < size; i += hn::Lanes(Doubles())) {
    power_lanes<power>(hn::PromoteTo(Longs(), hn::LoadU(HalfWords(), x + i)), high + i, low + i);
  }
}

PowerBlock power_block_of(Power power) {
  return power == Power::of_two ? power_block<Power::of_two> : power_block<Power::of_e>;
}
#else
PowerBlock power_block_of(Power) { return nullptr; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace ulpscope {

namespace detail {
HWY_EXPORT(power_block_of);
}  // namespace detail

void exact_powers(Power power, std::span<const uint32_t> x, ExactRow& to) {
  const HostFpGuard guard;
  const auto block = HWY_DYNAMIC_DISPATCH(detail::power_block_of)(power);
  if (block == nullptr) return to.high.fill(std::numeric_limits<double>::quiet_NaN());
  constexpr size_t step = 16;  // more than any register has
  const size_t whole = x.size() / step * step;
  block(x.data(), whole, to.high.data(), to.low.data());
  if (whole == x.size()) return;
  std::array<uint32_t, step> last{};
  std::copy(x.begin() + static_cast<std::ptrdiff_t>(whole), x.end(), last.begin());
  block(last.data(), step, &to.high[whole], &to.low[whole]);
}

}  // namespace ulpscope
#endif
