// The kernels that hold a row of the fused sum against a matrix instruction: over random cases, at
// one of them, and for vectors that were asked for.
//
// A case is one product of matrices, made and reproduced from its index (mma_cases.cuh); a row with
// fewer terms than the instruction has is a chain of steps. Included by check_fused_sums.cu.
#pragma once

#include "hardware/mma_cases.cuh"
#include "hardware/warpgroup.cuh"
#include "support/list.hpp"

namespace ulpscope::cuda {

template <class Mma>
constexpr int outputs_per_mma = Mma::rows* mma_columns;
// A warp or a warpgroup runs one product; a block has four warps.
constexpr int block_threads = 128;
template <class Mma>
constexpr int groups_per_block = block_threads / Mma::threads;

template <class Mma>
__device__ void group_barrier() {
  if constexpr (Mma::threads == 32) {
    __syncwarp();
  } else {
    __syncthreads();  // the group is the block
  }
}

struct Tally {
  Count outputs;
  Count differences;
  Count first;  // the smallest index of an output that differs
  Count zero, negative_zero, subnormal, infinite, nan;
};

// One output with all that went into it.
template <class Mma>
struct Sample {
  uint32_t a[Mma::k];
  uint32_t b[Mma::k];
  uint32_t c;
  uint32_t chip;
  uint32_t model;
};

template <class Mma>
__device__ uint32_t model_output(const FusedSum& row, const OperandsOf<Mma>& m, uint32_t c,
                                 int lane, int i) {
  constexpr Format input = Mma::input;
  return fused_chain(row, Factors{input, input}, c, m.a[Mma::row(lane, i)],
                     m.b[quad_column(lane, i)], Mma::k);
}

struct Outputs {
  Quad c;
  Quad d;
};

// Fills the warp's operands for case `index` and runs it; the cancelling recipes run twice.
template <class Mma>
__device__ Outputs run_case(OperandsOf<Mma>& m, Count index, int lane) {
  constexpr Format input = Mma::input;
  using Code = typename Mma::Code;
  const Recipe how = recipe(input, index);
  for (int e = lane; e < Mma::rows * Mma::k; e += Mma::threads) {
    m.a[e / Mma::k][e % Mma::k] =
        static_cast<Code>(factor_code(input, how, index, 0, e / Mma::k, e % Mma::k));
  }
  for (int e = lane; e < mma_columns * Mma::k; e += Mma::threads) {
    m.b[e / Mma::k][e % Mma::k] =
        static_cast<Code>(factor_code(input, how, index, 1, e / Mma::k, e % Mma::k));
  }
  group_barrier<Mma>();
  Outputs out;
  for (int i = 0; i < 4; ++i) out.c.bits[i] = addend_code(input, how, index, lane * 4 + i);
  if (how.addend == Addend::minus_sum || how.addend == Addend::nearly_minus_sum) {
    const Quad sum = Mma::run(m, out.c, lane);
    for (int i = 0; i < 4; ++i) {
      out.c.bits[i] = cancelling(how, index, lane * 4 + i, sum.bits[i]);
    }
  }
  out.d = Mma::run(m, out.c, lane);
  return out;
}

__device__ void count_kind(Tally& tally, uint32_t bits) {
  const uint32_t magnitude = bits & 0x7FFF'FFFFu;
  tally.zero += magnitude == 0 ? 1 : 0;
  tally.negative_zero += bits == 0x8000'0000u ? 1 : 0;
  tally.subnormal += magnitude != 0 && magnitude < 0x0080'0000u ? 1 : 0;
  tally.infinite += magnitude == 0x7F80'0000u ? 1 : 0;
  tally.nan += magnitude > 0x7F80'0000u ? 1 : 0;
}

template <class Mma>
__global__ void sweep(FusedSum row, Count cases, Tally* total) {
  __shared__ OperandsOf<Mma> operands[groups_per_block<Mma>];
  const int lane = static_cast<int>(threadIdx.x) % Mma::threads;
  const int group = static_cast<int>(threadIdx.x) / Mma::threads;
  auto& m = operands[group];
  Tally mine{};
  mine.first = ~Count{0};
  constexpr Count groups = groups_per_block<Mma>;
  const Count first = blockIdx.x * groups + static_cast<Count>(group);
  for (Count index = first; index < cases; index += gridDim.x * groups) {
    const Outputs out = run_case<Mma>(m, index, lane);
    for (int i = 0; i < 4; ++i) {
      mine.outputs += 1;
      count_kind(mine, out.d.bits[i]);
      if (out.d.bits[i] == model_output<Mma>(row, m, out.c.bits[i], lane, i)) continue;
      mine.differences += 1;
      const Count output = index * outputs_per_mma<Mma> + static_cast<Count>(lane * 4 + i);
      if (output < mine.first) mine.first = output;
    }
    group_barrier<Mma>();
  }
  atomicAdd(&total->outputs, mine.outputs);
  atomicAdd(&total->differences, mine.differences);
  atomicMin(&total->first, mine.first);
  atomicAdd(&total->zero, mine.zero);
  atomicAdd(&total->negative_zero, mine.negative_zero);
  atomicAdd(&total->subnormal, mine.subnormal);
  atomicAdd(&total->infinite, mine.infinite);
  atomicAdd(&total->nan, mine.nan);
}

// The output with that index, alone: one block of one group each.
template <class Mma>
__global__ void sample(FusedSum row, const Count* outputs, Sample<Mma>* samples) {
  __shared__ OperandsOf<Mma> m;
  const int lane = static_cast<int>(threadIdx.x);
  const Count output = outputs[blockIdx.x];
  const Outputs out = run_case<Mma>(m, output / outputs_per_mma<Mma>, lane);
  const auto place = static_cast<int>(output % outputs_per_mma<Mma>);
  if (lane != place / 4) return;
  const int i = place % 4;
  Sample<Mma>& s = samples[blockIdx.x];
  for (int k = 0; k < Mma::k; ++k) {
    s.a[k] = m.a[Mma::row(lane, i)][k];
    s.b[k] = m.b[quad_column(lane, i)][k];
  }
  s.c = out.c.bits[i];
  s.chip = out.d.bits[i];
  s.model = model_output<Mma>(row, m, s.c, lane, i);
}

// A given vector in row 0 and column 0, everything else zero. In: a, b, c; out: chip, model.
template <class Mma>
__global__ void ask(FusedSum row, Sample<Mma>* samples) {
  __shared__ OperandsOf<Mma> m;
  using Code = typename Mma::Code;
  const int lane = static_cast<int>(threadIdx.x);
  Sample<Mma>& s = samples[blockIdx.x];
  for (int e = lane; e < Mma::rows * Mma::k; e += Mma::threads) {
    m.a[e / Mma::k][e % Mma::k] = static_cast<Code>(e < Mma::k ? s.a[e] : 0);
  }
  for (int e = lane; e < mma_columns * Mma::k; e += Mma::threads) {
    m.b[e / Mma::k][e % Mma::k] = static_cast<Code>(e < Mma::k ? s.b[e] : 0);
  }
  group_barrier<Mma>();
  const Quad c{{lane == 0 ? s.c : 0, 0, 0, 0}};
  const Quad d = Mma::run(m, c, lane);
  if (lane != 0) return;
  s.chip = d.bits[0];
  s.model = model_output<Mma>(row, m, s.c, 0, 0);
}

}  // namespace ulpscope::cuda
