// A function of one operand, held against its model over every operand there is.
//
//   swept<CvtRnBf16>(NoTables{}) == {"cvt.rn.bf16.f32", 4294967296, 0}
//
// and, where some differ, the smallest such operand with both results. A row has a name, the
// number of its operands' bits, `chip` (device only) and `model`, which gets the tables that its
// function needs. Results are compared by bits, NaN included.
//
// Included by check_special_functions.cu and check_conversions.cu.
#pragma once

#include "ulpscope/base/error.hpp"
#include "ulpscope/gpu.hpp"

#include <cstdio>
#include <ostream>

#include "support/device_buffer.hpp"
#include "support/list.hpp"

namespace ulpscope::cuda {

// For models that need none.
struct NoTables {};

struct OperandTally {
  Count operands;
  Count differences;
  Count first;  // the smallest operand that differs
};

template <class Row, class Tables>
__global__ void sweep_operands(const __grid_constant__ Tables tables, OperandTally* tally) {
  constexpr Count operands = Count{1} << Row::bits;
  const Count stride = Count{gridDim.x} * blockDim.x;
  OperandTally mine{0, 0, operands};
  for (Count x = Count{blockIdx.x} * blockDim.x + threadIdx.x; x < operands; x += stride) {
    const auto bits = static_cast<uint32_t>(x);
    mine.operands += 1;
    if (Row::chip(bits) == Row::model(tables, bits)) continue;
    mine.differences += 1;
    if (x < mine.first) mine.first = x;
  }
  atomicAdd(&tally->operands, mine.operands);
  atomicAdd(&tally->differences, mine.differences);
  atomicMin(&tally->first, mine.first);
}

struct ChipAndModel {
  uint32_t chip;
  uint32_t model;
};

template <class Row, class Tables>
__global__ void evaluate(const __grid_constant__ Tables tables, const uint32_t* x, ChipAndModel* y,
                         uint32_t n) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = {Row::chip(x[i]), Row::model(tables, x[i])};
}

template <class Row, class Tables>
std::vector<ChipAndModel> results_at(const Tables& tables, const std::vector<uint32_t>& x) {
  DeviceBuffer<uint32_t> in(x);
  DeviceBuffer<ChipAndModel> out(x.size());
  const auto n = static_cast<uint32_t>(x.size());
  evaluate<Row><<<(n + 127) / 128, 128>>>(tables, in.data(), out.data(), n);
  checked_launch("evaluate");
  return out.to_host();
}

template <class Row, class Tables>
gpu::ModelCheck swept(const Tables& tables) {
  constexpr Count operands = Count{1} << Row::bits;
  DeviceBuffer<OperandTally> tally(std::vector<OperandTally>{{0, 0, operands}});
  constexpr uint32_t threads = 256;
  sweep_operands<Row><<<132 * 8, threads>>>(tables, tally.data());
  checked_launch(Row::name);
  const OperandTally found = tally.to_host().front();
  if (found.operands != operands) {
    throw Error(ErrorKind::resource, std::string(Row::name) + ": operands were left out");
  }
  gpu::ModelCheck check{.model = Row::name, .tried = operands, .differences = found.differences};
  if (found.differences == 0) return check;
  const auto x = static_cast<uint32_t>(found.first);
  const ChipAndModel at = results_at<Row>(tables, {x}).front();
  char text[64];
  std::snprintf(text, sizeof text, "x=%08x chip=%08x model=%08x", x, at.chip, at.model);
  check.first = text;
  return check;
}

// One line an operand: function, operand, what the chip gave.
template <class Row, class Tables>
void record(std::ostream& points, const Tables& tables, const std::vector<uint32_t>& x) {
  const auto y = results_at<Row>(tables, x);
  for (size_t i = 0; i < x.size(); ++i) {
    char line[96];
    std::snprintf(line, sizeof line, "%s,%08x,%08x\n", Row::name, x[i], y[i].chip);
    points << line;
  }
}

}  // namespace ulpscope::cuda
