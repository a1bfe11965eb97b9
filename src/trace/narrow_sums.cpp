// Narrow sums, and their kernel's instruction sets: Highway's foreach_target includes this file
// again for each of them, and the machine that runs decides.
#include "ulpscope/trace/narrow_sums.hpp"

// Sets between those that are kept would cost compile time and gain little.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_TARGET_INCLUDE "narrow_sums.cpp"
#include <hwy/foreach_target.h>
// Behind foreach_target, which sets what they compile for:
#include <hwy/highway.h>

#if HWY_TARGET <= HWY_SSE4
#include "narrow_sums-inl.hpp"
#endif
#include "row_tally.hpp"

HWY_BEFORE_NAMESPACE();
namespace ulpscope::detail::HWY_NAMESPACE {

#if HWY_TARGET <= HWY_SSE4
TallyKernel tally_kernel() { return tally_row; }
#else
TallyKernel tally_kernel() { return nullptr; }
#endif

}  // namespace ulpscope::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace ulpscope {

namespace detail {
HWY_EXPORT(tally_kernel);
}  // namespace detail

using namespace detail;  // where there is one instruction set, HWY_DYNAMIC_DISPATCH names it

namespace {

// Where the second sums begin: behind n columns and what a register has more, and half a page off
// the first ones, so that a processor does not take the one's stores for the other's.
size_t second_sums(size_t columns) {
  constexpr size_t lanes = 8;
  constexpr size_t page = 4096 / sizeof(int64_t) / lanes;
  const size_t registers = columns / lanes + 2;
  return (registers + page / 2 - 1) / page * page + page / 2;
}

void add(const detail::RowTally& tally, uint64_t count, Moments& to) {
  to.count += count;
  to.larger += tally.larger;
  to.smaller += tally.smaller;
  to.away += tally.away;
  to.ties += tally.ties;
  to.ties_away += tally.ties_away;
  to.near_ties_above += tally.near_ties_above;
  to.near_ties_below += tally.near_ties - tally.near_ties_above;
  to.carry_out += tally.carry_out;
  to.round_carry += tally.round_carry;
  to.subnormal += tally.subnormal;
  to.underflow += tally.underflow;
  to.overflow += tally.overflow;
  to.sum += tally.sum;
  to.sum_away += tally.sum_away;
  to.sum_squares += (uint128{tally.high_squares} << 48) + (uint128{tally.mixed_products} << 25) +
                    tally.low_squares;
  to.largest = std::max(to.largest, tally.largest);
}

}  // namespace

NarrowSums::NarrowSums(size_t columns)
    : columns_(second_sums(columns) + columns / 8 + 2),
      away_at_(second_sums(columns)),
      count_steps_(columns + 1) {}

bool NarrowSums::add_row(size_t first, const RecordRow& records, Moments& moments, Cluster& row) {
  const auto kernel = HWY_DYNAMIC_DISPATCH(tally_kernel)();
  if (kernel == nullptr) return false;
  const auto tally = kernel(records, {sums() + first, sums_away() + first, bins_.data()});
  if (!tally.taken) return false;
  ++rows_;
  ++count_steps_[first];
  --count_steps_[first + records.size()];
  const uint64_t count = records.size();
  add(tally, count, moments);
  row.count += count;
  row.sum += tally.sum;
  row.sum_away += tally.sum_away;
  return true;
}

void NarrowSums::spill(ResidueHistogram& histogram, std::vector<Cluster>& columns) {
  if (rows_ == 0) return;
  for (size_t c = 0; c < copies; ++c) {
    histogram.add_counts(std::span(bins_).subspan(c * stride).first<ResidueHistogram::bins>(),
                         bins_[c * stride + zero_bin]);
  }
  uint64_t count = 0;
  for (size_t c = 0; c < columns.size(); ++c) {
    count += static_cast<uint64_t>(int64_t{count_steps_[c]});
    columns[c].count += count;
    columns[c].sum += sums()[c];
    columns[c].sum_away += sums_away()[c];
  }
  rows_ = 0;
  bins_.fill(0);
  std::fill(columns_.begin(), columns_.end(), Columns{});
  std::fill(count_steps_.begin(), count_steps_.end(), 0);
}

}  // namespace ulpscope
#endif
