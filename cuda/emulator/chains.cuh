// Chains of fused sums on the GPU: a block has 64 rows times 64 columns, a thread 4 x 4 of them.
//
//   C[row][column] = C[row][column] + sum over k of a[row][k] b[column][k]
//
// in the steps of the chip's row (hardware/fused_floats.hpp): of each step first the grids of the
// 16 chains, from exponents alone, then its products, term by term. Terms go through shared memory
// 32 at a time. Chains that are outside, or meet an infinity or NaN, are done again by their
// definition (fused_chain), as are all chains of formats or steps that the fast form does not take.
//
// Bits: those of attention/machine.hpp's run_chain. A chain's length is the row's: where it is 0, C
// stays; steps of zeros after it change no bit of a C that is not -0, which no step returns.
#pragma once

#include "emulator/operands.cuh"

namespace ulpscope::cuda {

// The chains of one block's rows and columns, as the kernels of forward.cu place them.
struct ChainBlock {
  FusedSum sum;
  FloatGrid grid;
  bool fast;  // whether the formats and the step fit
  DeviceOperand a;
  DeviceOperand b;
  int64_t first_row;  // of a, of C and of what `lengths` counts
  int rows;           // of the block, at most 64
  int64_t first_column;
  int columns;
  int64_t from;  // in b, where a's k = 0 stands
  int length;    // of all rows, in terms
  uint32_t* c;   // of first_row and first_column
  int64_t c_stride;
  bool from_zero;  // C begins at 0
};

inline constexpr int block_edge = 64;
inline constexpr int block_threads = 256;
inline constexpr int edge = 4;  // of a thread's chains

struct SharedTerms {
  // Four words beside each other in a row's padding, so that eight rows lie in different banks.
  float values[block_edge][chunk + 4];
  uint32_t exponents[block_edge][chunk / 2 + 4];
};

// 32 terms of up to 64 rows of an operand; zeros for rows that there are not.
__device__ inline void load_terms(const DeviceOperand& from, int64_t first, int count, int64_t k,
                                  SharedTerms& to) {
  constexpr uint32_t zero_pair = static_cast<uint16_t>(zero_lane_exponent) * 0x1'0001U;
  for (int i = static_cast<int>(threadIdx.x); i < block_edge * chunk / 4; i += block_threads) {
    const int row = i / (chunk / 4);
    const int part = i % (chunk / 4);
    float4 values{0, 0, 0, 0};
    uint2 exponents{zero_pair, zero_pair};
    if (row < count) {
      const int64_t at = (first + row) * from.stride + k + 4 * part;
      values = *reinterpret_cast<const float4*>(from.values + at);
      exponents = *reinterpret_cast<const uint2*>(from.exponents + at);
    }
    *reinterpret_cast<float4*>(&to.values[row][4 * part]) = values;
    *reinterpret_cast<uint2*>(&to.exponents[row][2 * part]) = exponents;
  }
}

// A thread's place: a warp has 8 x 4 threads, whose shared rows lie in different banks.
struct ThreadPlace {
  int row;
  int column;
};
__device__ inline ThreadPlace thread_place() {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  return {warp % 2 * 8 + lane % 8, warp / 2 * 4 + lane / 8};
}
inline constexpr int place_step = block_edge / edge;  // to the thread's next row or column

// The 16 chains of a thread.
struct ThreadChains {
  float c[edge][edge];
  bool outside[edge][edge];
};

template <int terms>
__device__ inline void step(const FloatGrid& grid, const SharedTerms& a, const SharedTerms& b,
                            const ThreadPlace& place, int k, ThreadChains& chains) {
  uint32_t largest[edge][edge];
#pragma unroll
  for (int i = 0; i < edge; ++i) {
#pragma unroll
    for (int j = 0; j < edge; ++j) largest[i][j] = lowest_exponents;
  }
#pragma unroll
  for (int pair = 0; pair < terms / 2; pair += 2) {
    uint2 x[edge];
    uint2 y[edge];
#pragma unroll
    for (int i = 0; i < edge; ++i) {
      x[i] =
          *reinterpret_cast<const uint2*>(&a.exponents[place.row + i * place_step][k / 2 + pair]);
      y[i] = *reinterpret_cast<const uint2*>(
          &b.exponents[place.column + i * place_step][k / 2 + pair]);
    }
#pragma unroll
    for (int i = 0; i < edge; ++i) {
#pragma unroll
      for (int j = 0; j < edge; ++j) {
        largest[i][j] = larger_sums(x[i].x, y[j].x, largest[i][j]);
        largest[i][j] = larger_sums(x[i].y, y[j].y, largest[i][j]);
      }
    }
  }
  float scale[edge][edge];
  uint32_t sum[edge][edge];
#pragma unroll
  for (int i = 0; i < edge; ++i) {
#pragma unroll
    for (int j = 0; j < edge; ++j) {
      scale[i][j] =
          grid_scale(grid, largest_exponent(largest[i][j], chains.c[i][j]), chains.outside[i][j]);
      sum[i][j] = cut_to_grid(product_toward_zero(chains.c[i][j], scale[i][j]));
    }
  }
#pragma unroll
  for (int four = 0; four < terms; four += 4) {
    float x[edge][4];
    float y[edge][4];
#pragma unroll
    for (int i = 0; i < edge; ++i) {
      *reinterpret_cast<float4*>(x[i]) =
          *reinterpret_cast<const float4*>(&a.values[place.row + i * place_step][k + four]);
      *reinterpret_cast<float4*>(y[i]) =
          *reinterpret_cast<const float4*>(&b.values[place.column + i * place_step][k + four]);
    }
#pragma unroll
    for (int t = 0; t < 4; ++t) {
#pragma unroll
      for (int i = 0; i < edge; ++i) {
#pragma unroll
        for (int j = 0; j < edge; ++j) {
          const float product = product_toward_zero(x[i][t], y[j][t]);
          sum[i][j] += cut_to_grid(product_toward_zero(product, scale[i][j]));
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < edge; ++i) {
#pragma unroll
    for (int j = 0; j < edge; ++j) {
      chains.c[i][j] = float_result(grid, sum[i][j], scale[i][j], chains.outside[i][j]);
    }
  }
}

// All steps of the block's chains.
template <int terms>
__device__ inline void run_steps(const ChainBlock& block, SharedTerms& a, SharedTerms& b,
                                 const ThreadPlace& place, ThreadChains& chains) {
  for (int k = 0; k < block.length; k += chunk) {
    __syncthreads();
    load_terms(block.a, block.first_row, block.rows, k, a);
    load_terms(block.b, block.first_column, block.columns, block.from + k, b);
    __syncthreads();
#pragma unroll 1
    for (int first = 0; first < chunk; first += terms)
      step<terms>(block.grid, a, b, place, first, chains);
  }
}

__device__ inline void run_steps(const ChainBlock& block, SharedTerms& a, SharedTerms& b,
                                 const ThreadPlace& place, ThreadChains& chains) {
  switch (block.sum.terms) {
    case 4: return run_steps<4>(block, a, b, place, chains);
    case 8: return run_steps<8>(block, a, b, place, chains);
    case 16: return run_steps<16>(block, a, b, place, chains);
    default: return run_steps<32>(block, a, b, place, chains);
  }
}

// One chain by its definition.
__device__ __noinline__ inline uint32_t defined_chain(const ChainBlock& block, int64_t row,
                                                      int64_t column, int length, uint32_t c) {
  return fused_chain(block.sum, {block.a.format, block.b.format}, c,
                     block.a.codes + row * block.a.stride,
                     block.b.codes + column * block.b.stride + block.from, length);
}

// `length_of(i)` is the length of the block's i-th row, at most the block's.
template <class LengthOf>
__device__ void run_chains(const ChainBlock& block, SharedTerms& a, SharedTerms& b,
                           const LengthOf& length_of) {
  const ThreadPlace place = thread_place();
  const auto c_of = [&](int i, int j) {
    return &block.c[(place.row + i * place_step) * block.c_stride + place.column + j * place_step];
  };
  const auto exists = [&](int i, int j) {
    return place.row + i * place_step < block.rows && place.column + j * place_step < block.columns;
  };
  ThreadChains chains;
#pragma unroll
  for (int i = 0; i < edge; ++i) {
#pragma unroll
    for (int j = 0; j < edge; ++j) {
      chains.c[i][j] = bit_cast<float>(exists(i, j) && !block.from_zero ? *c_of(i, j) : 0);
      chains.outside[i][j] = !block.fast;
    }
  }
  if (block.fast) run_steps(block, a, b, place, chains);
#pragma unroll
  for (int i = 0; i < edge; ++i) {
#pragma unroll
    for (int j = 0; j < edge; ++j) {
      if (!exists(i, j)) continue;
      const int64_t row = block.first_row + place.row + i * place_step;
      const int64_t column = block.first_column + place.column + j * place_step;
      const int length = length_of(place.row + i * place_step);
      uint32_t* const c = c_of(i, j);
      const uint32_t begin = block.from_zero ? 0 : *c;
      if (length == 0) {
        *c = begin;
      } else if (chains.outside[i][j] || block.a.special[row] != 0 ||
                 block.b.special[column] != 0) {
        *c = defined_chain(block, row, column, length, begin);
      } else {
        *c = bit_cast<uint32_t>(chains.c[i][j]);
      }
    }
  }
}

}  // namespace ulpscope::cuda
