#include "ulpscope/attention/machine.hpp"

#include "ulpscope/arith/multiply.hpp"
#include "ulpscope/hardware/wide_columns.hpp"

#include <algorithm>
#include <array>

namespace ulpscope {

namespace {

// The lanes of a chain with the number of terms a compile-time constant.
template <int terms, Carries carries>
LaneAccumulator lanes(const FusedSum& sum, int product_fraction, const LaneAccumulator& c,
                      LaneRow a, LaneRow b, int64_t length) {
  const auto whole = static_cast<int>((length + terms - 1) / terms * terms);
  return fused_lanes<terms, carries>(sum, product_fraction, c, a, b, whole);
}

template <Carries carries>
LaneAccumulator lanes(const FusedSum& sum, int product_fraction, const LaneAccumulator& c,
                      LaneRow a, LaneRow b, int64_t length) {
  switch (sum.terms) {
    case 4: return lanes<4, carries>(sum, product_fraction, c, a, b, length);
    case 8: return lanes<8, carries>(sum, product_fraction, c, a, b, length);
    case 16: return lanes<16, carries>(sum, product_fraction, c, a, b, length);
    default: return lanes<32, carries>(sum, product_fraction, c, a, b, length);
  }
}

}  // namespace

template <Carries carries>
ChainResult run_chain(const FusedSum& sum, ChainRow a, ChainRow b, int64_t length, uint32_t c) {
  const Factors factors{a.operand.format(), b.operand.format()};
  const bool plain = fits_lanes(sum, factors) && is_finite(fp32, c) &&
                     !a.operand.has_special(a.row) && !b.operand.has_special(b.row);
  const int64_t skipped = a.from % sum.terms;  // of the first step
  if (plain) {
    const auto result =
        lanes<carries>(sum, factors.a.trailing_bits + factors.b.trailing_bits, lane_accumulator(c),
                       a.operand.lanes(a.row, a.from - skipped),
                       b.operand.lanes(b.row, b.from - skipped), length + skipped);
    if (!result.overflow) {
      return {accumulator_bits(result), flag_if(result.carry_out, Flag::carry_out)};
    }
  }
  const uint32_t* const x = a.operand.codes(a.row, a.from);
  const uint32_t* const y = b.operand.codes(b.row, b.from);
  const auto first =
      static_cast<int>(skipped == 0 ? 0 : std::min<int64_t>(length, sum.terms - skipped));
  if (first > 0) c = fused_sum(sum, factors, c, x, y, first);
  return {fused_chain(sum, factors, c, x + first, y + first, static_cast<int>(length) - first),
          Flag::none};
}

namespace {

// Blocks of columns that are computed at a time.
constexpr int64_t most_blocks = 8;
constexpr int64_t block_size = FusedColumns::block_size;

Factors factors_of(ChainRow a, const ChainColumns& b) {
  return {a.operand.format(), b.operand.format()};
}

// Whole blocks, from C on in `sums`; the unit's own factors or wider ones.
template <Carries carries>
void add_blocks(const FusedSum& sum, ChainRow a, const ChainColumns& b, const ColumnRange& range,
                int64_t length, std::span<uint32_t> sums, std::span<ColumnMarks> marks) {
  const RowTerms row = a.operand.terms(a.row, a.from);
  if (fits_columns(sum, factors_of(a, b))) {
    add_products(sum, carries, row, *b.operand.packed(), range, length, sums, marks);
  } else {
    add_wide_products(sum, row, *b.operand.packed(), range, length, sums, marks);
  }
}

// The sums [begin, end), which lie in at most that many blocks.
template <Carries carries>
void run_blocks(const FusedSum& sum, ChainRow a, const ChainColumns& b, int64_t length,
                ChainSums& sums, int64_t begin, int64_t end) {
  const int64_t block = (b.first + begin) / block_size;
  const int64_t blocks = (b.first + end + block_size - 1) / block_size - block;
  const int64_t before = b.first + begin - block * block_size;  // columns of no interest
  std::array<uint32_t, most_blocks * block_size> all;
  std::array<ColumnMarks, most_blocks> marks;
  std::fill_n(all.begin(), blocks * block_size, 0);
  std::copy(sums.values(begin), sums.values(begin) + (end - begin), all.begin() + before);

  const int64_t skipped = a.from % sum.terms;  // of the first step
  const int64_t whole = (length + skipped + sum.terms - 1) / sum.terms * sum.terms;
  add_blocks<carries>(sum, {a.operand, a.row, a.from - skipped}, b,
                      {.block = block, .count = blocks, .from = b.from - skipped}, whole, all,
                      marks);

  const bool special = b.operand.any_special(b.first + begin, end - begin);
  const bool outside = std::any_of(marks.begin(), marks.begin() + blocks,
                                   [](const ColumnMarks& mark) { return mark.outside != 0; });
  if (!special && !outside) {
    std::copy_n(all.begin() + before, end - begin, sums.values(begin));
    if constexpr (carries == Carries::watch) {
      Flag* const flags = sums.flags(begin);
      for (int64_t j = 0; j < end - begin; ++j) {
        const auto at = static_cast<size_t>(before + j);
        flags[j] =
            flag_if((marks[at / block_size].carried >> at % block_size & 1) != 0, Flag::carry_out);
      }
    }
    return;
  }
  for (int64_t j = begin; j < end; ++j) {
    const auto at = static_cast<size_t>(before + j - begin);
    const ColumnMarks& mark = marks[at / block_size];
    const auto has_bit = [&](uint32_t mask) { return (mask >> at % block_size & 1) != 0; };
    if (has_bit(mark.outside) || (special && b.operand.has_special(b.first + j))) [[unlikely]] {
      sums.set(j,
               run_chain<carries>(sum, a, {b.operand, b.first + j, b.from}, length, sums[j].value));
    } else {
      sums.set(j, {all[at], flag_if(has_bit(mark.carried), Flag::carry_out)});
    }
  }
}

}  // namespace

template <Carries carries>
void run_chains(const FusedSum& sum, ChainRow a, const ChainColumns& b, int64_t length,
                ChainSums& sums) {
  const bool whole_pairs = (b.from - a.from % sum.terms) % 2 == 0;  // of exponents
  const bool columns =
      b.operand.packed() != nullptr && has_fused_columns() && whole_pairs &&
      (fits_columns(sum, factors_of(a, b)) || fits_wide_columns(sum, factors_of(a, b))) &&
      !a.operand.has_special(a.row);
  if (!columns) {
    for (int64_t j = 0; j < sums.size(); ++j) {
      sums.set(j,
               run_chain<carries>(sum, a, {b.operand, b.first + j, b.from}, length, sums[j].value));
    }
    return;
  }
  for (int64_t begin = 0; begin < sums.size();) {
    const int64_t room = most_blocks * block_size - (b.first + begin) % block_size;
    const int64_t end = std::min(sums.size(), begin + room);
    run_blocks<carries>(sum, a, b, length, sums, begin, end);
    begin = end;
  }
}

uint32_t run_fma_chain(ChainRow a, ChainRow b, int64_t length, uint32_t c) {
  const uint32_t* const x = a.operand.codes(a.row, a.from);
  const uint32_t* const y = b.operand.codes(b.row, b.from);
  constexpr FixedCast<fp32, nearest_even> rounded;
  for (int64_t k = 0; k < length; ++k) {
    c = rounded(fma(decode<uint64_t>(a.operand.format(), x[k]),
                    decode<uint64_t>(b.operand.format(), y[k]), register_value(c),
                    Mode::nearest_even))
            .value;
  }
  return c;
}

template ChainResult run_chain<Carries::ignore>(const FusedSum&, ChainRow, ChainRow, int64_t,
                                                uint32_t);
template ChainResult run_chain<Carries::watch>(const FusedSum&, ChainRow, ChainRow, int64_t,
                                               uint32_t);

template void run_chains<Carries::ignore>(const FusedSum&, ChainRow, const ChainColumns&, int64_t,
                                          ChainSums&);
template void run_chains<Carries::watch>(const FusedSum&, ChainRow, const ChainColumns&, int64_t,
                                         ChainSums&);

}  // namespace ulpscope
