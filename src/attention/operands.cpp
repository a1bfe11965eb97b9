#include "ulpscope/attention/operands.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

constexpr int64_t longest_step = 32;

}  // namespace

Operand::Operand(const Format& format, int64_t rows, int64_t length, int64_t slack)
    : format_(format),
      rows_(rows),
      length_(length),
      stride_((length + slack + longest_step - 1) / longest_step * longest_step),
      significand_(static_cast<size_t>(rows * stride_), 0),
      exponent_(static_cast<size_t>(rows * stride_), zero_lane_exponent),
      codes_(static_cast<size_t>(rows * stride_), 0),
      special_(static_cast<size_t>(rows), 0) {}

void Operand::reset_specials() { std::fill(special_.begin(), special_.end(), uint8_t{0}); }

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
