// Heads of the recording at the resonance (data/captures/h200_resonance), as a problem.
//
//   const StoredHeads heads(6, 3);      heads 6, 7 and 8: the gap of 16
//   make_plan(recipe, chip, heads.problem, {})
#pragma once

#include "ulpscope/attention/problem.hpp"
#include "ulpscope/tensor/open.hpp"

#include <string>
#include <vector>

#include "captured/recorded.hpp"

inline constexpr int64_t resonance_rows = 1024;
inline constexpr int64_t resonance_dim = 64;

inline std::vector<uint16_t> codes_of_heads(const ulpscope::TensorSource& source,
                                            const std::string& name, int64_t first, int64_t heads) {
  constexpr int64_t size = resonance_rows * resonance_dim;
  ulpscope::Tensor tensor = source.read(name);
  const auto all = ulpscope::words<uint16_t>(tensor);
  return {all.begin() + first * size, all.begin() + (first + heads) * size};
}

struct StoredHeads {
  std::vector<uint16_t> q, k, v, dout;
  ulpscope::Problem problem;

  // Q is taken times 2^doublings.
  StoredHeads(int64_t first, int64_t count, int doublings = 0) {
    using namespace ulpscope;
    const TensorSource source = open_tensors(capture_folder("h200_resonance") / "resonance.npz");
    q = codes_of_heads(source, "q", first, count);
    k = codes_of_heads(source, "k", first, count);
    v = codes_of_heads(source, "v", first, count);
    dout = codes_of_heads(source, "do", first, count);
    // More in the exponent of bf16, but for zeros and subnormals.
    for (uint16_t& code : q) {
      if ((code & 0x7F80) != 0) code = static_cast<uint16_t>(code + (doublings << 7));
    }
    problem = {.batch = 1,
               .heads = count,
               .kv_heads = count,
               .rows = resonance_rows,
               .keys = resonance_rows,
               .dim = resonance_dim,
               .format = bf16,
               .mask = causal_mask,
               .scale = default_scale(resonance_dim),
               .launch = {.batch = 2, .heads = 9, .multiprocessors = 132},
               .q = q,
               .k = k,
               .v = v};
  }
  StoredHeads(const StoredHeads&) = delete;
  StoredHeads& operator=(const StoredHeads&) = delete;
};
