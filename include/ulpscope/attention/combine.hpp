// Joining the parts of split keys, in one of two ways.
//
// combine_row: each part has its own O and LSE, both binary32,
//
//   LSE = ln sum exp(LSE_i - max LSE) + max LSE,   O = sum exp(LSE_i - LSE) O_i
//
// as FlashAttention-2's combine kernel does it: expf and logf as the build has them
// (LibraryFunctions), the parts dealt out over a number of lanes that depends on the head size,
// lanes joined by a butterfly, O by a chain of FMAs in the order of the parts. A part without
// visible keys has O = 0 and LSE = -infinity.
//
// combine_sums: each part has its O and l as they are, and m in base 2,
//
//   w_i = 2^(m_i - max m),   l = sum w_i l_i,   O = sum w_i O_i
//
// by FMAs in the order of the parts; l, max m and O then end as those of an unsplit row do. (In
// cuDNN's recordings the sums' order and their FMAs leave no trace.)
//
// Source: csrc/flash_attn/src/flash_fwd_kernel.h (combine_attn_seqk_parallel) of flash-attention
// 2.7.4; held by the captures with split keys, tests/captured.
#pragma once

#include "ulpscope/attention/log_sum_exp.hpp"

#include <cstdint>
#include <vector>

namespace ulpscope {

// Where the parts' rows are.
struct PartsInPlace {
  int64_t dim;
  const uint32_t* o;        // (parts, rows, dim)
  const uint32_t* lse;      // (parts, rows), of normalised parts
  const uint32_t* maximum;  // (parts, rows), of parts as they are
  const uint32_t* sum;
};

struct PartialRows {
  int64_t dim = 0;
  std::vector<uint32_t> o;
  std::vector<uint32_t> lse;
  std::vector<uint32_t> maximum;
  std::vector<uint32_t> sum;

  PartsInPlace in_place() const { return {dim, o.data(), lse.data(), maximum.data(), sum.data()}; }
};

// Lanes that share the parts of a row: rows of a block are 4, 8 or 16 for kernel head sizes
// divisible by 128, by 64 or not, and 128 threads serve a block.
ULPSCOPE_HD constexpr int combine_lanes(int64_t dim, int64_t parts) {
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

// e^x by the build's expf, judged by the exact exponential.
template <class Sink>
ULPSCOPE_STEP uint32_t library_exponential(const Machine<Sink>& machine, int64_t row, uint32_t x) {
  const Plan& plan = machine.plan();
  const bool fast = plan.recipe->split.functions == LibraryFunctions::fast;
  const uint32_t returned =
      fast ? mufu_ex2(*plan.tables, fmul(x, detail::log2_of_e)) : library_expf(*plan.tables, x);
  return machine.one_hardware(Site::combine_exponential, row, returned,
                              [&] { return exp_value(register_value(x)); });
}

// ln sum + largest.
template <class Sink>
ULPSCOPE_STEP uint32_t joint_lse(const Machine<Sink>& machine, int64_t row, uint32_t sum,
                                 uint32_t largest) {
  const Plan& plan = machine.plan();
  const bool fast = plan.recipe->split.functions == LibraryFunctions::fast;
  const uint32_t returned = fast ? mufu_lg2(*plan.tables, sum) : library_logf(sum);
  const auto l = register_value(sum);
  const uint32_t log = machine.one_hardware(Site::combine_log, row, returned, [&] {
    if (l.kind != Kind::finite) return exact_nan<uint64_t>();
    return fast ? log2_value(l) : log_value(l);
  });
  return fast ? detail::fused(machine, Site::combine_lse, row, log, detail::ln_2, largest)
              : detail::sum_of(machine, Site::combine_lse, row, log, largest);
}

// Row `row` of `rows` in every part; fills o (dim registers) and returns the joint LSE.
template <class Sink>
ULPSCOPE_STEP uint32_t combine_row(const Machine<Sink>& machine, const PartsInPlace& parts,
                                   int64_t rows, int64_t row, uint32_t* o) {
  constexpr uint32_t plus_infinity = 0x7F80'0000;
  const int64_t count = machine.plan().parts;
  const auto lse_of = [&](int64_t part) {
    return parts.lse[static_cast<size_t>(part * rows + row)];
  };
  uint32_t largest = minus_infinity32;
  for (int64_t i = 0; i < count; ++i) largest = fmaximum(largest, lse_of(i));
  largest = detail::subtrahend(largest);

  const auto shifted = [&](int64_t part, uint32_t by) {
    return detail::difference(machine, Site::combine_shift, row, lse_of(part), by);
  };
  const int lanes = combine_lanes(parts.dim, count);
  std::array<uint32_t, 128> lane_sums{};  // a lane without a part holds e^-infinity = 0
  for (int64_t i = 0; i < count; ++i) {
    uint32_t& sum = lane_sums[static_cast<size_t>(i % lanes)];
    const uint32_t term = library_exponential(machine, row, shifted(i, largest));
    sum = i < lanes ? term : detail::sum_of(machine, Site::combine_sum, row, sum, term);
  }
  const uint32_t sum =
      joined_lanes(machine, row, Site::combine_sum, Butterfly::far_first, lane_sums.data(), lanes);
  const uint32_t lse = is_usable_sum(sum) ? joint_lse(machine, row, sum, largest) : plus_infinity;
  std::fill(o, o + parts.dim, 0);
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t weight = library_exponential(machine, row, shifted(i, lse));
    const uint32_t* const part = &parts.o[static_cast<size_t>((i * rows + row) * parts.dim)];
    machine.at(Site::combine_output, [&](auto step) {
      const auto w = step.operand(weight);
      for (int64_t d = 0; d < parts.dim; ++d) {
        o[d] = step(row, d, fma(w, step.operand(part[d]), step.operand(o[d]), step.mode()));
      }
    });
  }
  return lse;
}

struct CombinedSums {
  uint32_t maximum;
  uint32_t sum;
};

// Row `row` of `rows` in every part, as they are; fills o (dim registers), not yet divided.
template <class Sink>
ULPSCOPE_STEP CombinedSums combine_sums(const Machine<Sink>& machine, const PartsInPlace& parts,
                                        int64_t rows, int64_t row, uint32_t* o) {
  const Plan& plan = machine.plan();
  const auto at = [&](int64_t part) { return static_cast<size_t>(part * rows + row); };
  CombinedSums joint{minus_infinity32, 0};
  for (int64_t i = 0; i < plan.parts; ++i) {
    joint.maximum = fmaximum(joint.maximum, parts.maximum[at(i)]);
  }
  std::fill(o, o + parts.dim, 0);
  for (int64_t i = 0; i < plan.parts; ++i) {
    const uint32_t step = detail::difference(
        machine, Site::combine_shift, row, parts.maximum[at(i)], detail::subtrahend(joint.maximum));
    const uint32_t weight =
        machine.one_hardware(Site::combine_exponential, row, detail::exponential_of(plan, step),
                             [&] { return exp2_value(register_value(step)); });
    joint.sum = detail::fused(machine, Site::combine_sum, row, weight, parts.sum[at(i)], joint.sum);
    const uint32_t* const part = &parts.o[at(i) * static_cast<size_t>(parts.dim)];
    machine.at(Site::combine_output, [&](auto verb) {
      const auto w = verb.operand(weight);
      for (int64_t d = 0; d < parts.dim; ++d) {
        o[d] = verb(row, d, fma(w, verb.operand(part[d]), verb.operand(o[d]), verb.mode()));
      }
    });
  }
  return joint;
}

}  // namespace ulpscope
