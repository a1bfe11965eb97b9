// The lanes of the powers and their instruction sets: Highway's foreach_target includes this file
// again for each of them, and the machine that runs decides.
#include "ulpscope/attention/exact_powers.hpp"

#include "ulpscope/base/host_fp.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
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

// floor(x y / 2^64)
HWY_INLINE Long upper_product(Long x, Long y) {
  const Long x_high = hn::ShiftRight<32>(x);
  const Long y_high = hn::ShiftRight<32>(y);
  // Sums below 2^64: (2^32 - 1)^2 and twice 2^32 - 1.
  const Long low = hn::ShiftRight<32>(product_of_halves(x, y));
  const Long first = hn::Add(product_of_halves(x_high, y), low);
  const Long second = hn::Add(product_of_halves(x, y_high), hn::And(first, number(0xFFFF'FFFF)));
  return hn::Add(hn::Add(product_of_halves(x_high, y_high), hn::ShiftRight<32>(first)),
                 hn::ShiftRight<32>(second));
}

// floor(x^2 / 2^63) for x = h 2^32 + l: 2 h^2 + floor((h l + floor(l^2 / 2^33)) / 2^30).
HWY_INLINE Long square_q63(Long x) {
  const Long high = hn::ShiftRight<32>(x);
  const Long middle =
      hn::Add(product_of_halves(high, x), hn::ShiftRight<33>(product_of_halves(x, x)));
  const Long leading = product_of_halves(high, high);
  return hn::Add(hn::Add(leading, leading), hn::ShiftRight<30>(middle));
}

// Elements that go through a step together: two registers of the longest, so that the units are
// busy while one waits for its product.
constexpr size_t together = 16;

// exp2_fraction of two registers.
HWY_INLINE void powers_of_fractions(const uint64_t* f, uint64_t* powers) {
  const size_t lanes = hn::Lanes(Longs());
  const Long ln2 = number(ln2_q64);
  // Its t, below 2^60, twice: an upper product with 2 t is a multiply_q63 with t.
  const auto doubled_t = [&](const uint64_t* some) {
    const Long t = hn::ShiftRight<4>(upper_product(hn::Load(Longs(), some), ln2));
    return hn::Add(t, t);
  };
  const Long t = doubled_t(f);
  const Long u = doubled_t(f + lanes);
  constexpr int terms = 12;
  uint64_t factorials = 1;
  for (int k = 2; k <= terms; ++k) factorials *= static_cast<uint64_t>(k);
  Long sum_t = number(one_q63 / factorials);
  Long sum_u = sum_t;
  for (int k = terms; k >= 1; --k) {
    factorials /= static_cast<uint64_t>(k);
    const Long coefficient = number(one_q63 / factorials);
    sum_t = hn::Add(coefficient, upper_product(sum_t, t));
    sum_u = hn::Add(coefficient, upper_product(sum_u, u));
  }
  for (int i = 0; i < 3; ++i) {
    sum_t = square_q63(sum_t);
    sum_u = square_q63(sum_u);
  }
  hn::Store(sum_t, Longs(), powers);
  hn::Store(sum_u, Longs(), powers + lanes);
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

// x as n + f 2^-64.
template <Power power>
HWY_INLINE void split(Long code, uint64_t* whole, uint64_t* fraction) {
  const Long zero = hn::Zero(Longs());
  const Long magnitude = hn::And(code, number(0x7FFF'FFFF));
  Argument x{hn::Or(hn::And(magnitude, number(0x7F'FFFF)), number(0x80'0000)),
             hn::Sub(number(150), hn::ShiftRight<23>(magnitude))};
  if constexpr (power == Power::of_e) x = times_log2e(x);
  // Of |x|; `down` may be 64 or more.
  const auto has_whole = is_below(x.down, 64);
  const Long left = hn::IfThenElseZero(has_whole, hn::Sub(number(64), x.down));
  const Long right = hn::IfThenZeroElse(has_whole, hn::Sub(x.down, number(64)));
  const Long f = hn::Shr(hn::Shl(x.significand, left), right);
  const Long n = hn::IfThenElseZero(has_whole, hn::Shr(x.significand, hn::And(x.down, number(63))));
  const auto negative = hn::Ne(magnitude, code);
  const Long borrow = hn::IfThenZeroElse(hn::Eq(f, zero), number(1));
  hn::Store(hn::IfThenElse(negative, hn::Sub(zero, hn::Add(n, borrow)), n), Longs(), whole);
  hn::Store(hn::IfThenElse(negative, hn::Sub(zero, f), f), Longs(), fraction);
}

// 2^n times the 64 bits, and half a unit, in two numbers.
template <Power power>
HWY_INLINE void join(Long code, const uint64_t* whole, const uint64_t* fraction,
                     const uint64_t* powers, double* high, double* low) {
  const Long n = hn::Load(Longs(), whole);
  const Long bits = hn::Load(Longs(), powers);
  // The highest 53 bits complete an exponent field; the lowest 11, and half a unit, stand in the
  // low bits of a sum with 2^52.
  const Long upper = hn::Add(hn::ShiftLeft<52>(hn::Add(n, number(1022))), hn::ShiftRight<11>(bits));
  const Long lower = hn::Or(hn::ShiftLeft<1>(hn::And(bits, number(0x7FF))), number(1));
  const Double shifter = hn::Set(Doubles(), 0x1p52);
  const Double rest = hn::Sub(as_double(hn::Or(lower, number(0x433ULL << 52))), shifter);
  Double y = as_double(upper);
  Double z = hn::Mul(rest, power_of_two(hn::Sub(n, number(64))));

  const Double none = hn::Set(Doubles(), std::numeric_limits<double>::quiet_NaN());
  const auto doubles = [](auto mask) { return hn::RebindMask(Doubles(), mask); };
  const auto no_fraction = doubles(hn::Eq(hn::Load(Longs(), fraction), hn::Zero(Longs())));
  if constexpr (power == Power::of_two) {
    y = hn::IfThenElse(no_fraction, power_of_two(n), y);
    z = hn::IfThenZeroElse(no_fraction, z);
  } else {
    y = hn::IfThenElse(no_fraction, none, y);  // what is cut to a whole number is not one
  }
  const Long magnitude = hn::And(code, number(0x7FFF'FFFF));
  const Long field = hn::ShiftRight<23>(magnitude);
  const auto held = hn::AndNot(is_below(field, least_field), is_below(field, most_field + 1));
  y = hn::IfThenElse(doubles(held), y, none);
  const auto is_zero = doubles(hn::Eq(magnitude, hn::Zero(Longs())));
  y = hn::IfThenElse(is_zero, hn::Set(Doubles(), 1.0), y);
  z = hn::IfThenZeroElse(is_zero, z);
  hn::StoreU(y, Doubles(), high);
  hn::StoreU(z, Doubles(), low);
}

// `size` is a multiple of `together`.
template <Power power>
void power_block(const uint32_t* x, size_t size, double* high, double* low) {
  const size_t lanes = hn::Lanes(Longs());
  const auto load = [&](size_t i) { return hn::PromoteTo(Longs(), hn::LoadU(HalfWords(), x + i)); };
  for (size_t i = 0; i < size; i += together) {
    alignas(64) uint64_t whole[together];
    alignas(64) uint64_t fraction[together];
    alignas(64) uint64_t powers[together];
    for (size_t j = 0; j < together; j += lanes) split<power>(load(i + j), whole + j, fraction + j);
    for (size_t j = 0; j < together; j += 2 * lanes) powers_of_fractions(fraction + j, powers + j);
    for (size_t j = 0; j < together; j += lanes) {
      join<power>(load(i + j), whole + j, fraction + j, powers + j, high + i + j, low + i + j);
    }
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

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

void exact_powers(Power power, std::span<const uint32_t> x, ExactValues& to) {
  const HostFpGuard guard;
  const auto block = HWY_DYNAMIC_DISPATCH(power_block_of)(power);
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
