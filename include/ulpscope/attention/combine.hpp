// Joining the parts of split keys: each part has its own O and LSE, both binary32.
//
//   LSE = ln sum exp(LSE_i - max LSE) + max LSE,   O = sum exp(LSE_i - LSE) O_i
//
// as FlashAttention-2's combine kernel does it: library expf and logf, the parts dealt out over a
// number of lanes that depends on the head size, lanes joined by a butterfly, O by a chain of FMAs
// in the order of the parts. A part without visible keys has O = 0 and LSE = -infinity.
//
// Source: csrc/flash_attn/src/flash_fwd_kernel.h (combine_attn_seqk_parallel) of flash-attention
// 2.7.4; held by the captures with split keys, tests/captured.
#pragma once

#include "ulpscope/attention/softmax.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

struct PartialRows {
  int64_t dim = 0;
  std::vector<uint32_t> o;    // (parts, rows, dim)
  std::vector<uint32_t> lse;  // (parts, rows)
};

// Lanes that share the parts of a row: rows of a block are 4, 8 or 16 for kernel head sizes
// divisible by 128, by 64 or not, and 128 threads serve a block.
constexpr int combine_lanes(int64_t dim, int64_t parts) {
  const int64_t padded = dim <= 32    ? 32
                         : dim <= 64  ? 64
                         : dim <= 96  ? 96
                         : dim <= 128 ? 128
                         : dim <= 192 ? 192
                                      : 256;
  const int rows = padded % 128 == 0 ? 4 : padded % 64 == 0 ? 8 : 16;
  int lanes = 1;
  while (lanes < parts && lanes < 128 / rows) lanes *= 2;
  return lanes;
}

// e^x by the library's expf, judged by the exact exponential.
template <class Sink>
uint32_t library_exponential(const Machine<Sink>& machine, int64_t row, uint32_t x) {
  return machine.one_hardware(Site::combine_exponential, row,
                              library_expf(*machine.plan().tables, x),
                              [&] { return exp_value(register_value(x)); });
}

// Row `row` of `rows` in every part; fills o (dim registers) and returns the joint LSE.
template <class Sink>
uint32_t combine_row(const Machine<Sink>& machine, const PartialRows& parts, int64_t rows,
                     int64_t row, uint32_t* o) {
  constexpr uint32_t plus_infinity = 0x7F80'0000;
  const int64_t count = machine.plan().parts;
  const auto lse_of = [&](int64_t part) {
    return parts.lse[static_cast<size_t>(part * rows + row)];
  };
  uint32_t largest = minus_infinity32;
  for (int64_t i = 0; i < count; ++i) largest = fmaximum(largest, lse_of(i));
  largest = detail::subtrahend(largest);

  const auto shifted = [&](int64_t part, uint32_t by) {
    return machine.one(Site::combine_shift, row,
                       subtract(register_value(lse_of(part)), register_value(by),
                                machine.mode(Site::combine_shift)));
  };
  const int lanes = combine_lanes(parts.dim, count);
  std::array<uint32_t, 128> lane_sums{};  // a lane without a part holds e^-infinity = 0
  for (int64_t i = 0; i < count; ++i) {
    uint32_t& sum = lane_sums[static_cast<size_t>(i % lanes)];
    const uint32_t term = library_exponential(machine, row, shifted(i, largest));
    sum = i < lanes ? term
                    : machine.one(Site::combine_sum, row,
                                  add(register_value(sum), register_value(term),
                                      machine.mode(Site::combine_sum)));
  }
  const uint32_t sum = joined_lanes(machine, row, Site::combine_sum, lane_sums.data(), lanes);
  uint32_t lse = plus_infinity;
  if (is_usable_sum(sum)) {
    const auto l = register_value(sum);
    const uint32_t log_sum = machine.one_hardware(Site::combine_log, row, library_logf(sum), [&] {
      return l.kind == Kind::finite ? log_value(l) : exact_nan<uint64_t>();
    });
    lse = machine.one(
        Site::combine_lse, row,
        add(register_value(log_sum), register_value(largest), machine.mode(Site::combine_lse)));
  }
  std::fill(o, o + parts.dim, 0);
  for (int64_t i = 0; i < count; ++i) {
    const auto weight = register_value(library_exponential(machine, row, shifted(i, lse)));
    const uint32_t* const part = &parts.o[static_cast<size_t>((i * rows + row) * parts.dim)];
    machine.at(Site::combine_output, [&](auto step) {
      for (int64_t d = 0; d < parts.dim; ++d) {
        o[d] =
            step(row, d, fma(weight, register_value(part[d]), register_value(o[d]), step.mode()));
      }
    });
  }
  return lse;
}

}  // namespace ulpscope
