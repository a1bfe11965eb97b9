// Exact sums of products in binary64, 32 columns of a block side by side; and the sums of such
// sums, without error.
//
// Included by exact_products.cpp, once for each instruction set.
#if defined(ULPSCOPE_EXACT_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ULPSCOPE_EXACT_PRODUCTS_INL
#undef ULPSCOPE_EXACT_PRODUCTS_INL
#else
#define ULPSCOPE_EXACT_PRODUCTS_INL
#endif

#include "ulpscope/hardware/fused_columns.hpp"

#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using HalfSingles = hn::Rebind<float, Doubles>;
using Singles = hn::ScalableTag<float>;
using Words = hn::Rebind<uint32_t, Singles>;
using Double = hn::Vec<Doubles>;
using Word = hn::Vec<Words>;

constexpr size_t block_size = FusedColumns::block_size;

// Four registers of columns.
struct FourSums {
  HWY_INLINE FourSums()
      : a(hn::Zero(Doubles())),
        b(hn::Zero(Doubles())),
        c(hn::Zero(Doubles())),
        d(hn::Zero(Doubles())) {}
  HWY_INLINE void add_products(double factor, const float* columns) {
    const Double x = hn::Set(Doubles(), factor);
    const size_t lanes = hn::Lanes(Doubles());
    const auto load = [&](size_t i) {
      return hn::PromoteTo(Doubles(), hn::LoadU(HalfSingles(), columns + i * lanes));
    };
    a = hn::MulAdd(x, load(0), a);
    b = hn::MulAdd(x, load(1), b);
    c = hn::MulAdd(x, load(2), c);
    d = hn::MulAdd(x, load(3), d);
  }
  HWY_INLINE void store_with(const FourSums& other, double* sums) const {
    const size_t lanes = hn::Lanes(Doubles());
    hn::StoreU(hn::Add(a, other.a), Doubles(), sums);
    hn::StoreU(hn::Add(b, other.b), Doubles(), sums + lanes);
    hn::StoreU(hn::Add(c, other.c), Doubles(), sums + 2 * lanes);
    hn::StoreU(hn::Add(d, other.d), Doubles(), sums + 3 * lanes);
  }

  Double a;
  Double b;
  Double c;
  Double d;
};

// sums[j] = sum of factors[i] columns[term(i)][j]. Exact sums know no order, so that every other
// term may go to other registers, which keeps the units busy.
template <class Term>
HWY_INLINE void sum_block(const double* factors, int64_t count, const Term& term,
                          const FusedColumns::Values* columns, double* sums) {
  const size_t step = 4 * hn::Lanes(Doubles());
  for (size_t column = 0; column < block_size; column += step) {
    FourSums even;
    FourSums odd;
    int64_t i = 0;
    for (; i + 2 <= count; i += 2) {
      even.add_products(factors[i], &columns[term(i)].of[column]);
      odd.add_products(factors[i + 1], &columns[term(i + 1)].of[column]);
    }
    if (i < count) even.add_products(factors[i], &columns[term(i)].of[column]);
    even.store_with(odd, sums + column);
  }
}

void sum_products(const double* factors, const int32_t* terms, int64_t count,
                  const FusedColumns::Values* columns, double* sums) {
  if (terms == nullptr) {
    sum_block(
        factors, count, [](int64_t i) { return i; }, columns, sums);
  } else {
    sum_block(
        factors, count, [=](int64_t i) { return int64_t{terms[i]}; }, columns, sums);
  }
}

// x + y = sum + error (Knuth).
struct TwoSum {
  HWY_INLINE TwoSum(Double x, Double y) : sum(hn::Add(x, y)) {
    const Double of_y = hn::Sub(sum, x);
    error = hn::Add(hn::Sub(x, hn::Sub(sum, of_y)), hn::Sub(y, of_y));
  }
  Double sum;
  Double error;
};

// high + low + x in two numbers; NaN where it takes three.
HWY_INLINE void add_to(Double x, double* high, double* low) {
  const TwoSum top(hn::LoadU(Doubles(), high), x);
  const TwoSum rest(hn::LoadU(Doubles(), low), top.error);
  const TwoSum both(top.sum, rest.sum);
  const auto lost = hn::Ne(rest.error, hn::Zero(Doubles()));
  const Double none = hn::Set(Doubles(), std::numeric_limits<double>::quiet_NaN());
  hn::StoreU(hn::IfThenElse(lost, none, both.sum), Doubles(), high);
  hn::StoreU(both.error, Doubles(), low);
}

// `size` is a multiple of 16, more than any register has.
void add_numbers(const double* x, size_t size, double* high, double* low) {
  for (size_t i = 0; i < size; i += hn::Lanes(Doubles())) {
    add_to(hn::LoadU(Doubles(), x + i), high + i, low + i);
  }
}
void add_singles(const float* x, size_t size, double* high, double* low) {
  for (size_t i = 0; i < size; i += hn::Lanes(Doubles())) {
    add_to(hn::PromoteTo(Doubles(), hn::LoadU(HalfSingles(), x + i)), high + i, low + i);
  }
}

// The smallest magnitude that is not zero, less a unit, and the largest, as binary32 bits, of each
// column.
void measure_block(const FusedColumns::Values* columns, int64_t length, uint32_t* below_least,
                   uint32_t* most) {
  const size_t lanes = hn::Lanes(Words());
  for (size_t column = 0; column < block_size; column += lanes) {
    Word least = hn::Set(Words(), ~0U);
    Word greatest = hn::Zero(Words());
    for (int64_t k = 0; k < length; ++k) {
      const Word number = hn::BitCast(Words(), hn::LoadU(Singles(), &columns[k].of[column]));
      const Word magnitude = hn::And(number, hn::Set(Words(), 0x7FFF'FFFFU));
      least = hn::Min(least, hn::Sub(magnitude, hn::Set(Words(), 1)));
      greatest = hn::Max(greatest, magnitude);
    }
    hn::StoreU(least, Words(), below_least + column);
    hn::StoreU(greatest, Words(), most + column);
  }
}

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
