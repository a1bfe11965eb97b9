// Factors of the matrix products, decoded once: rows of lanes for the fused sums, their codes for
// the rare rows that hold an infinity or NaN, and the rows packed side by side where they are the
// columns of a product.
//
// Each row is padded with zeros to a whole number of the longest step (32 terms) and one key tile
// beyond, which changes no bit: a step whose products are all zero returns its C.
//
// Tested by tests/attention/operands_test.cpp.
#pragma once

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/hardware/fused_columns.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ulpscope {

class Operand {
 public:
  // `rows` rows of `length` zeros, readable up to `length + slack` and the end of a step.
  Operand(const Format& format, int64_t rows, int64_t length, int64_t slack = 0);

  const Format& format() const { return format_; }
  int64_t rows() const { return rows_; }
  int64_t length() const { return length_; }

  void set(int64_t row, int64_t k, uint64_t code) {
    const Lane decoded = lane(format_, code);
    const auto at = static_cast<size_t>(row * stride_ + k);
    values_[at] = bit_cast<float>(value_of(decoded, code));
    significand_[at] = decoded.significand;
    exponent_[at] = decoded.exponent;
    codes_[at] = static_cast<uint32_t>(code);
    special_[static_cast<size_t>(row)] |= static_cast<uint8_t>(decoded.special);
  }
  // A row from k = 0 on, by registers that hold numbers of the format: the codes of code_of.
  void set_registers(int64_t row, std::span<const uint32_t> registers);
  // Forgets the specials of every row; for a tile that is filled again.
  void reset_specials();
  // Packs the rows as they are now.
  void pack();

  LaneRow lanes(int64_t row, int64_t from = 0) const {
    const auto at = static_cast<size_t>(row * stride_ + from);
    return {&significand_[at], &exponent_[at]};
  }
  RowTerms terms(int64_t row, int64_t from = 0) const {
    const auto at = static_cast<size_t>(row * stride_ + from);
    return {&values_[at], &exponent_[at]};
  }
  // Null before they are packed.
  const FusedColumns* packed() const { return packed_ ? &*packed_ : nullptr; }
  const uint32_t* codes(int64_t row, int64_t from = 0) const {
    return &codes_[static_cast<size_t>(row * stride_ + from)];
  }
  bool has_special(int64_t row) const { return special_[static_cast<size_t>(row)] != 0; }
  bool any_special(int64_t first, int64_t count) const {
    const auto from = special_.begin() + first;
    return std::find(from, from + count, uint8_t{1}) != from + count;
  }

 private:
  // As binary32 bits; the lanes of wide formats do not hold their significands.
  uint32_t value_of(const Lane& decoded, uint64_t code) const {
    return precision(format_) <= 12 ? lane_value(decoded, format_.trailing_bits)
                                    : detail::widened(format_, code);
  }

  Format format_;
  int64_t rows_;
  int64_t length_;
  int64_t stride_;
  std::vector<float> values_;
  std::vector<int16_t> significand_;
  std::vector<int16_t> exponent_;
  std::vector<uint32_t> codes_;
  std::vector<uint8_t> special_;
  std::optional<FusedColumns> packed_;
};

// codes[row][k] as operand rows (Q, K).
Operand operand_rows(const Format& format, std::span<const uint16_t> codes, int64_t rows,
                     int64_t length, int64_t slack);

// codes[k][row] as operand rows: V, whose columns are what P is multiplied with.
Operand operand_columns(const Format& format, std::span<const uint16_t> codes, int64_t length,
                        int64_t rows, int64_t slack);

}  // namespace ulpscope
