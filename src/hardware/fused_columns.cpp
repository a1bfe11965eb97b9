// Packing the columns, and the kernel's instruction sets: Highway's foreach_target includes this
// file again for each of them, and the machine that runs decides.
#include "columns_plan.hpp"

// Sets between those that are kept would cost compile time and gain little; registers whose length
// is known only when running cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "fused_columns.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
#include "fused_columns-inl.hpp"
#endif

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4 || HWY_TARGET == HWY_NEON
template <Carries carries>
ColumnMarks add_block(const ColumnPlan& plan, const ColumnChain& chain, uint32_t* sums) {
  switch (plan.terms) {
    case 4: return one_block<carries, 4>(plan, chain, sums);
    case 8: return one_block<carries, 8>(plan, chain, sums);
    case 16: return one_block<carries, 16>(plan, chain, sums);
    case 32: return one_block<carries, 32>(plan, chain, sums);
    default: break;
  }
  return one_block<carries, 0>(plan, chain, sums);
}

ColumnKernels column_kernels() { return {add_block<Carries::ignore>, add_block<Carries::watch>}; }
#else
ColumnKernels column_kernels() { return {}; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "ulpscope/format/format.hpp"

#include <algorithm>

#include "toward_zero.hpp"

namespace ulpscope {

namespace detail {

HWY_EXPORT(column_kernels);

namespace {

ColumnKernels kernels_here() { return HWY_DYNAMIC_DISPATCH(column_kernels)(); }

ColumnPlan column_plan(const FusedSum& row) {
  // The kernel's grids are multiples of the smallest normal binary32 number, so that products
  // below it, which the host's arithmetic may round, are cut to nothing.
  const int first = row.fraction_bits - 126;
  // A product stays finite, and so does a sum of 31 bits.
  const int last = std::min(125, 97 + row.fraction_bits);
  const uint32_t inside = (uint32_t{1} << 31) - (uint32_t{1} << (row.fraction_bits + 1)) - 1;
  return {.terms = row.terms,
          .fraction_bits = row.fraction_bits,
          .least_exponent = std::max(first, row.floor_exponent) + bias32,
          .lowest_exponent = row.floor_exponent >= first ? 1 : first + bias32,
          .highest_exponent = last + bias32,
          .result_mask = ~uint32_t{0} << (23 - row.result_fraction_bits),
          .largest_sum = ((bias32 + 29U) << 23) + (inside >> 7)};  // inside lies in [2^30, 2^31)
}

constexpr int16_t biased(int16_t exponent) {
  return static_cast<int16_t>(exponent + bias32 + positive_bias);
}

int64_t whole_steps(int64_t length) {
  return (length + longest_step - 1) / longest_step * longest_step;
}

}  // namespace

}  // namespace detail

FusedColumns::FusedColumns(int64_t columns, int64_t length)
    : length_(detail::whole_steps(length)),
      blocks_((columns + block_size - 1) / block_size),
      values_(static_cast<size_t>(blocks_ * length_)),
      exponents_(static_cast<size_t>(blocks_ * length_ / 2)) {
  constexpr int16_t zero = detail::biased(zero_lane_exponent);
  Exponents zeros;
  zeros.of.fill({zero, zero});
  std::fill(exponents_.begin(), exponents_.end(), zeros);
}

void FusedColumns::set(int64_t column, int64_t k, uint32_t value, int16_t exponent) {
  const auto at = static_cast<size_t>(column / block_size * length_ + k);
  const auto within = static_cast<size_t>(column % block_size);
  values_[at].of[within] = bit_cast<float>(value);
  exponents_[at / 2].of[within][at % 2] = detail::biased(exponent);
}

bool has_fused_columns() { return detail::kernels_here().ignoring != nullptr; }

bool fits_columns(const FusedSum& row, const Factors& factors) {
  return fits_lanes(row, factors) && row.terms % 2 == 0 && row.terms <= detail::longest_step &&
         row.result_fraction_bits <= 23 && detail::within_binary32(factors.a) &&
         detail::within_binary32(factors.b);
}

void add_products(const FusedSum& row, Carries carries, const RowTerms& a, const FusedColumns& b,
                  const ColumnRange& range, int64_t length, std::span<uint32_t> sums,
                  std::span<ColumnMarks> marks) {
  const detail::ColumnPlan plan = detail::column_plan(row);
  const auto kernels = detail::kernels_here();
  const auto kernel = carries == Carries::watch ? kernels.watching : kernels.ignoring;
  const detail::TowardZero guard;
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t block = range.block + i;
    marks[static_cast<size_t>(i)] =
        kernel(plan, {a, b.values(block, range.from), b.exponents(block, range.from), length},
               &sums[static_cast<size_t>(i * FusedColumns::block_size)]);
  }
}

}  // namespace ulpscope
#endif
