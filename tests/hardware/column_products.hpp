// What the tests of the columns share: rows and columns of codes, the sums that the lanes or the
// definition make of them, and a comparison with the columns on every instruction set.
#pragma once

#include "ulpscope/hardware/fused_columns.hpp"

#include <string>
#include <vector>

#include "hardware/operands.hpp"
#include <doctest/doctest.h>
#include <hwy/highway.h>

namespace ulpscope::test {

// Runs `body` on each instruction set that has the columns.
template <class Body>
void on_every_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    INFO("target " << std::string(hwy::TargetName(target)));
    if (has_fused_columns()) body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

// Rows or columns of codes, and what the fast forms read of them.
struct Factor {
  Format format;
  int64_t length;
  std::vector<std::vector<uint32_t>> codes;
  std::vector<std::vector<int16_t>> significands;
  std::vector<std::vector<int16_t>> exponents;
  std::vector<std::vector<float>> values;

  Factor(const Format& f, int64_t length_of_each, std::vector<std::vector<uint32_t>> all)
      : format(f), length(length_of_each), codes(std::move(all)) {
    for (const auto& row : codes) {
      auto& significand = significands.emplace_back();
      auto& exponent = exponents.emplace_back();
      auto& value = values.emplace_back();
      for (const uint32_t code : row) {
        const Lane x = lane(f, code);
        significand.push_back(x.significand);
        exponent.push_back(x.exponent);
        value.push_back(bit_cast<float>(f == fp32 ? code : lane_value(x, f.trailing_bits)));
      }
    }
  }
  LaneRow lanes(size_t i) const { return {significands[i].data(), exponents[i].data()}; }
  RowTerms terms(size_t i) const { return {values[i].data(), exponents[i].data()}; }
};

inline Factor random_factor(OperandSource& source, const Format& f, int spread, size_t count,
                            int64_t length) {
  std::vector<std::vector<uint32_t>> codes(count);
  for (auto& row : codes) row = source.codes(f, spread, static_cast<size_t>(length));
  return {f, length, std::move(codes)};
}

inline FusedColumns packed(const Factor& b) {
  FusedColumns columns(static_cast<int64_t>(b.codes.size()), b.length);
  for (size_t j = 0; j < b.codes.size(); ++j) {
    for (size_t k = 0; k < b.codes[j].size(); ++k) {
      const Lane x = lane(b.format, b.codes[j][k]);
      columns.set(static_cast<int64_t>(j), static_cast<int64_t>(k),
                  lane_value(x, b.format.trailing_bits), x.exponent);
    }
  }
  return columns;
}

inline uint32_t by_codes(const FusedSum& sum, const Factor& a, size_t i, const Factor& b, size_t j,
                         uint32_t c) {
  return fused_chain(sum, Factors{a.format, b.format}, c, a.codes[i].data(), b.codes[j].data(),
                     static_cast<int>(a.length));
}

template <Carries carries>
LaneAccumulator by_lanes(const FusedSum& sum, const Factor& a, size_t i, const Factor& b, size_t j,
                         uint32_t c) {
  const int fraction = a.format.trailing_bits + b.format.trailing_bits;
  const auto run = [&]<int terms>() {
    return fused_lanes<terms, carries>(sum, fraction, lane_accumulator(c), a.lanes(i), b.lanes(j),
                                       static_cast<int>(a.length));
  };
  switch (sum.terms) {
    case 2: return run.template operator()<2>();
    case 4: return run.template operator()<4>();
    case 6: return run.template operator()<6>();
    case 8: return run.template operator()<8>();
    case 16: return run.template operator()<16>();
    default: return run.template operator()<32>();
  }
}

struct ColumnTally {
  int64_t sums = 0;
  int64_t different = 0;
  int64_t outside = 0;
  int64_t carried = 0;

  void add(const ColumnTally& other) {
    sums += other.sums;
    different += other.different;
    outside += other.outside;
    carried += other.carried;
  }
};

enum class Judge { lanes, definition };

// Every row of a times every column of b, from c on, with and without watching for carries.
inline ColumnTally compare(const FusedSum& sum, const Factor& a, const Factor& b,
                           const std::vector<uint32_t>& c, Judge judge) {
  const FusedColumns columns = packed(b);
  const auto blocks = static_cast<size_t>(columns.blocks());
  const size_t width = FusedColumns::block_size;
  ColumnTally tally;
  for (size_t i = 0; i < a.codes.size(); ++i) {
    std::vector<uint32_t> start(blocks * width, 0);
    for (size_t j = 0; j < b.codes.size(); ++j) start[j] = c[(i + j) % c.size()];
    auto plain = start;
    auto watched = start;
    std::vector<ColumnMarks> marks(blocks);
    std::vector<ColumnMarks> watched_marks(blocks);
    const ColumnRange all{0, columns.blocks()};
    add_products(sum, Carries::ignore, a.terms(i), columns, all, a.length, plain, marks);
    add_products(sum, Carries::watch, a.terms(i), columns, all, a.length, watched, watched_marks);
    for (size_t j = 0; j < b.codes.size(); ++j) {
      const auto bit = [&](uint32_t mask) { return (mask >> j % width & 1) != 0; };
      const bool outside = bit(marks[j / width].outside);
      const bool carried = bit(watched_marks[j / width].carried);
      ++tally.sums;
      tally.outside += outside;
      tally.different += outside != bit(watched_marks[j / width].outside);
      if (outside) continue;
      const auto lanes = by_lanes<Carries::watch>(sum, a, i, b, j, start[j]);
      const uint32_t expected = judge == Judge::definition ? by_codes(sum, a, i, b, j, start[j])
                                                           : accumulator_bits(lanes);
      tally.carried += carried;
      tally.different += plain[j] != expected || watched[j] != expected ||
                         carried != lanes.carry_out || !is_finite(fp32, expected) || lanes.overflow;
    }
  }
  return tally;
}

}  // namespace ulpscope::test
