// The checks of this folder: models against the chip, a line each as it is known, and points of the
// chip for tests without a GPU.
//
//   check_conversions([](const gpu::ModelCheck& check) { ... }, &points);
//
// `points` may be null. Each throws an Error of kind resource where the device fails.
#pragma once

#include "ulpscope/gpu.hpp"

#include <iosfwd>

namespace ulpscope::cuda {

using Report = std::function<void(const gpu::ModelCheck&)>;

// The row of the card that the recordings are of.
constexpr const Chip& h200() {
  for (const Chip& chip : chips) {
    if (chip.name == "h200") return chip;
  }
  return chips.front();
}

// ex2, lg2, rcp; expf, logf and their like: all 2^32 operands each.
void check_special_functions(const Report& report, std::ostream* points);

// Every cvt between the formats: all operands.
void check_conversions(const Report& report, std::ostream* points);

// Every kind of matrix instruction for whose factors the chip's row has a sum: corner vectors, then
// `outputs` random ones. Where the row does not fit, its neighbours are tried.
void check_fused_sums(const Chip& chip, uint64_t outputs, const Report& report,
                      std::ostream* points);

// add, mul, fma, maximum, division, root, atomic addition: random triples.
void check_arithmetic(uint64_t triples, const Report& report);

}  // namespace ulpscope::cuda
