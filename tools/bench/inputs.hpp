// Inputs of the benchmarks: bell-shaped random codes from a fixed seed, and causal heads.
#pragma once

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/attention/plan.hpp"
#include "ulpscope/attention/recipes/fa2_torch.hpp"

#include <random>
#include <vector>

namespace ulpscope::bench {

// Sums of four uniform numbers, of variance 1/3.
template <Format F>
std::vector<uint16_t> random_codes(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint16_t> codes(count);
  for (auto& code : codes) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53 - 0.5;
    code = static_cast<uint16_t>(Soft<F>(sum).bits());
  }
  return codes;
}

// Causal heads in bfloat16, of a launch so large that their keys are not split.
struct CausalHeads {
  std::vector<uint16_t> q, k, v, dout;
  Problem problem;

  CausalHeads(int64_t length, int64_t dim, int64_t heads = 1)
      : q(random_codes<bf16>(static_cast<size_t>(heads * length * dim), 1)),
        k(random_codes<bf16>(q.size(), 2)),
        v(random_codes<bf16>(q.size(), 3)),
        dout(random_codes<bf16>(q.size(), 4)) {
    problem.heads = problem.kv_heads = heads;
    problem.rows = problem.keys = length;
    problem.dim = dim;
    problem.format = bf16;
    problem.mask = causal_mask;
    problem.scale = default_scale(dim);
    problem.launch.heads = 1024;
    problem.q = q;
    problem.k = k;
    problem.v = v;
  }
  CausalHeads(const CausalHeads&) = delete;
  CausalHeads& operator=(const CausalHeads&) = delete;

  Plan plan() const { return make_plan(fa2_torch, chip_named("h200"), problem, {}); }

  // Multiply-adds of one product over the visible pairs, which is what a user asks for: the
  // forward pass has two such products, the backward pass five.
  double multiply_adds() const {
    const auto n = static_cast<double>(problem.rows);
    return n * (n + 1) / 2 * static_cast<double>(problem.dim * problem.heads);
  }
};

}  // namespace ulpscope::bench
