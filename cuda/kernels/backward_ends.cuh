// Before and behind the sweep of the backward pass: delta, and dQ from its buffers.
//
//   delta   4 or 8 lanes a row, each over its own eight columns of every page, in order; a
//   butterfly
//           joins them, the largest distance first
//   dQ      (buffer 0 + buffer 1 + ...) scale, cast
//
// One lane, or one element, a thread: both read their operands once and do little else. Included by
// backward.cuh.
#pragma once

#include "kernels/backward.hpp"
#include "kernels/fragments.cuh"

namespace ulpscope::cuda {

template <class Element>
__global__ void delta_kernel(const __grid_constant__ BackwardArguments a, int64_t rows) {
  const int lanes = a.delta_lanes;
  const int64_t index = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t row = index / lanes < rows ? index / lanes : rows - 1;
  const auto at = [&](const uint16_t* x, int column) {
    return column < a.features ? Element::widen(x[row * a.features + column]) : 0.0f;
  };
  float sum = 0;
  int taken = 0;
  for (int page = 0; page < a.features; page += 8 * lanes) {
    const int first = page + static_cast<int>(index % lanes) * 8;
    for (int i = 0; i < 8; ++i, ++taken) {
      if (taken == 0) continue;  // joins with the second product
      if (taken == 1) {
        sum = __fmul_rn(at(a.dout, first + 1), at(a.o, first + 1));
        sum = __fmaf_rn(at(a.dout, first), at(a.o, first), sum);
        continue;
      }
      sum = __fmaf_rn(at(a.dout, first + i), at(a.o, first + i), sum);
    }
  }
  for (int distance = lanes / 2; distance >= 1; distance /= 2) {
    sum = __fadd_rn(sum, __shfl_xor_sync(~0u, sum, distance));
  }
  if (index / lanes < rows && index % lanes == 0) a.delta[row] = sum;
}

// One element of dQ a thread.
template <class Element>
__global__ void sum_kernel(const __grid_constant__ BackwardArguments a, int64_t count) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int64_t of_head = int64_t{a.rows} * a.features;
  const float* from = a.buffers + i / of_head * a.buffer_count * of_head + i % of_head;
  float sum = 0;
  for (int z = 0; z < a.buffer_count; ++z, from += of_head) sum = __fadd_rn(sum, *from);
  a.dq[i] = static_cast<uint16_t>(Element::pack(__fmul_rn(sum, a.scale), 0));
}

}  // namespace ulpscope::cuda
