#include "ulpscope/attention/operands.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/array.hpp"

#include <algorithm>
#include <array>

namespace ulpscope {

namespace {

constexpr int64_t longest_step = 32;

}  // namespace

Operand::Operand(const Format& format, int64_t rows, int64_t length, int64_t slack)
    : format_(format),
      rows_(rows),
      length_(length),
      stride_((length + slack + longest_step - 1) / longest_step * longest_step),
      values_(static_cast<size_t>(rows * stride_), 0.0F),
      significand_(static_cast<size_t>(rows * stride_), 0),
      exponent_(static_cast<size_t>(rows * stride_), zero_lane_exponent),
      codes_(static_cast<size_t>(rows * stride_), 0),
      special_(static_cast<size_t>(rows), 0) {}

void Operand::reset_specials() { std::fill(special_.begin(), special_.end(), uint8_t{0}); }

void Operand::set_registers(int64_t row, std::span<const uint32_t> registers) {
  const auto first = static_cast<size_t>(row * stride_);
  constexpr size_t chunk = 256;
  std::array<float, chunk> numbers;
  for (size_t i = 0; i < registers.size(); i += chunk) {
    const auto some = registers.subspan(i, std::min(chunk, registers.size() - i));
    std::transform(some.begin(), some.end(), numbers.begin(),
                   [](uint32_t bits) { return bit_cast<float>(bits); });
    round_array(std::span<const float>(numbers).first(some.size()), format_,
                {.policy = {.nan = NanRule::all_ones}},
                std::span<uint32_t>(&codes_[first + i], some.size()));
  }

  // Values in units of their lane's last bit are whole numbers below 2^12: those of the lanes.
  const HostFpGuard guard;
  const int trailing_bits = format_.trailing_bits;
  const int smallest = emin(format_) + fp32.bias;
  uint32_t special = 0;
  uint32_t subnormal = 0;
  for (size_t k = 0; k < registers.size(); ++k) {
    const uint32_t bits = registers[k];
    const auto field = static_cast<int>(bits >> 23 & 0xFF);
    const bool number = field != 0 && field != 0xFF;
    const int exponent = std::max(field, smallest);
    const auto significand = bit_cast<float>((bits & 0x807F'FFFF) | uint32_t{127} << 23);
    const int units = 127 + trailing_bits - (exponent - field);
    const auto whole = static_cast<int>(
        significand * bit_cast<float>(static_cast<uint32_t>(std::max(units, 1)) << 23));
    const size_t at = first + k;
    values_[at] = bit_cast<float>(number ? bits : 0);
    significand_[at] = static_cast<int16_t>(number ? whole : 0);
    exponent_[at] = static_cast<int16_t>(number ? exponent - fp32.bias : zero_lane_exponent);
    special |= static_cast<uint32_t>(field == 0xFF);
    subnormal |= static_cast<uint32_t>(field == 0 && (bits & 0x7F'FFFF) != 0);
  }
  special_[static_cast<size_t>(row)] |= static_cast<uint8_t>(special);
  if (subnormal == 0) return;
  for (size_t k = 0; k < registers.size(); ++k) {
    set(row, static_cast<int64_t>(k), codes_[first + k]);
  }
}

void Operand::pack() {
  if (!packed_) packed_.emplace(rows_, stride_);
  for (int64_t row = 0; row < rows_; ++row) {
    const RowTerms from = terms(row);
    for (int64_t k = 0; k < length_; ++k) {
      packed_->set(row, k, bit_cast<uint32_t>(from.values[k]), from.exponents[k]);
    }
  }
}

Operand operand_rows(const Format& format, std::span<const uint16_t> codes, int64_t rows,
                     int64_t length, int64_t slack) {
  Operand operand(format, rows, length, slack);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t k = 0; k < length; ++k) {
      operand.set(r, k, codes[static_cast<size_t>(r * length + k)]);
    }
  }
  return operand;
}

Operand operand_columns(const Format& format, std::span<const uint16_t> codes, int64_t length,
                        int64_t rows, int64_t slack) {
  Operand operand(format, rows, length, slack);
  for (int64_t k = 0; k < length; ++k) {
    for (int64_t r = 0; r < rows; ++r) {
      operand.set(r, k, codes[static_cast<size_t>(k * rows + r)]);
    }
  }
  return operand;
}

}  // namespace ulpscope
