// Inputs of the benchmarks: bell-shaped random codes from a fixed seed, and a causal head.
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

// One causal head in bfloat16, of a launch so large that its keys are not split.
struct CausalHead {
  std::vector<uint16_t> q, k, v;
  Problem problem;

  CausalHead(int64_t length, int64_t dim)
      : q(random_codes<bf16>(static_cast<size_t>(length * dim), 1)),
        k(random_codes<bf16>(static_cast<size_t>(length * dim), 2)),
        v(random_codes<bf16>(static_cast<size_t>(length * dim), 3)) {
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
  CausalHead(const CausalHead&) = delete;
  CausalHead& operator=(const CausalHead&) = delete;

  Plan plan() const { return make_plan(fa2_torch, chip_named("h200"), problem, {}); }

  // Multiply-adds of both products over the visible pairs, which is what a user asks for.
  double multiply_adds() const {
    const auto n = static_cast<double>(problem.rows);
    return 2.0 * (n * (n + 1) / 2) * static_cast<double>(problem.dim);
  }
};

}  // namespace ulpscope::bench
