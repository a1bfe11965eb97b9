// The backward pass of attention on tensor cores, in the order of FlashAttention-2's deterministic
// mode: what the recipe fa2-torch calls its backward pass.
//
//   delta_kernel   delta = rowsum(dO O): backward_ends.cuh
//   sweep_kernel   for a block's key tiles, ascending; for their row tiles, descending
//     S = Q.K^T, P = 2^(S c - L log2 e)      mul, sub, ex2.approx.f32; hidden pairs -infinity
//     dP = dO.V^T                            from +0
//     dS = P (dP - delta)                    sub, mul, with P before its cast
//     dV = dV + P16^T.dO, dK = dK + dS16^T.Q mma.sync over the tile's rows, ascending
//     dQ part = dS16.K                       mma.sync from +0 over the tile's keys, ascending, then
//                                            red.global.add.f32 into the block's own buffer
//     and at the end of a key tile dV and dK scale, cast
//   sum_kernel     dQ = (buffer 0 + buffer 1 + ...) scale, cast
//
// A block has 128 keys, a warp 16 of them: S and dP are computed as their transposes, keys by rows,
// whose registers are what the products for dV and dK take. dS16 goes through shared memory to the
// product for dQ, whose rows and columns the eight warps share. Block z of a head takes the key
// tiles z, z + buffers, ...: the same thread adds to a place of its buffer every time, so the order
// is fixed.
//
// Written to be looked at, not for speed: every tile is waited for. The instructions and how many:
// stated_instructions.hpp.
// Limits: as forward.cuh. Tested against the emulator by `ulpscope verify --kernels`, on an H200:
// docs/validation.
#pragma once

#include <algorithm>

#include "kernels/backward_ends.cuh"
#include "kernels/fragments.cuh"
#include "support/bundle.hpp"

namespace ulpscope::cuda {

inline constexpr int sweep_threads = 256;

template <int head>
struct BackwardTile {
  static constexpr int dim = head;
  static constexpr int rows = static_cast<int>(gpu::backward_tiles(head).rows);
  static constexpr int keys = static_cast<int>(gpu::backward_tiles(head).keys);
  static constexpr int q_bytes = rows * dim * 2;
  static constexpr int kv_bytes = keys * dim * 2;
  static constexpr int ds_bytes = keys * rows * 2;
  static constexpr int row_bytes = rows * 4;
  static constexpr int shared_bytes = 2 * q_bytes + 2 * kv_bytes + ds_bytes + 2 * row_bytes;
};

// What a warp holds: 16 keys, of a tile and of its gradients.
template <class Element, class Tile>
class WarpKeys {
 public:
  static constexpr int row_octets = Tile::rows / 8;
  static constexpr int dim_octets = Tile::dim / 8;

  __device__ explicit WarpKeys(const BackwardArguments& arguments) : a_(arguments) {
#pragma unroll
    for (int j = 0; j < dim_octets; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) dk_[j][i] = dv_[j][i] = 0;
    }
  }

  // P and dP of the tile's pairs; `shift` is L log2 e of its rows, in shared memory.
  __device__ void pairs(uint32_t q, uint32_t dout, uint32_t k, uint32_t v, int first_row,
                        int first_key, const float* shift) {
    transposed_product(s_, k, q);
    transposed_product(ds_, v, dout);
#pragma unroll
    for (int j = 0; j < row_octets; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int r = row(j, i);
        const int key = first_key + warp() * 16 + lane() / 4 + i / 2 * 8;
        const bool hidden = key >= a_.keys || key > first_row + r + a_.shift;
        const float s = hidden ? -__builtin_huge_valf() : s_[j][i];
        s_[j][i] = ex2(__fsub_rn(__fmul_rn(s, a_.scale_log2), shift[r]));
      }
    }
  }

  __device__ void show_dp(int64_t head, int first_row, int tile, int tiles) const {
    each_place(head, first_row, tile, tiles,
               [&](int64_t place, int j, int i) { a_.exposed.dp[place] = ds_[j][i]; });
  }

  // dP -> dS, and both as codes.
  __device__ void cast(const float* delta) {
#pragma unroll
    for (int j = 0; j < row_octets; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        ds_[j][i] = __fmul_rn(s_[j][i], __fsub_rn(ds_[j][i], delta[row(j, i)]));
      }
      for (int half = 0; half < 2; ++half) {
        p16_[j][half] = Element::pack(s_[j][2 * half], s_[j][2 * half + 1]);
        ds16_[j][half] = Element::pack(ds_[j][2 * half], ds_[j][2 * half + 1]);
      }
    }
  }

  __device__ void show_codes(int64_t head, int first_row, int tile, int tiles) const {
    each_place(head, first_row, tile, tiles, [&](int64_t place, int j, int i) {
      a_.exposed.p[place] = static_cast<uint16_t>(p16_[j][i / 2] >> (16 * (i % 2)));
      a_.exposed.ds[place] = static_cast<uint16_t>(ds16_[j][i / 2] >> (16 * (i % 2)));
    });
  }

  // dV = dV + P16^T.dO, dK = dK + dS16^T.Q; dS16 into shared memory, keys by rows.
  __device__ void accumulate(uint32_t q, uint32_t dout, uint8_t* ds) {
    add_product(dv_, p16_, dout);
    add_product(dk_, ds16_, q);
#pragma unroll
    for (int j = 0; j < row_octets; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int key = warp() * 16 + lane() / 4 + half * 8;
        *reinterpret_cast<uint32_t*>(ds + place<Tile::rows>(key, j) + lane() % 4 * 4) =
            ds16_[j][half];
      }
    }
  }

  // dS16.K for this warp's 16 rows and 64 columns, added to the buffer.
  __device__ void add_query_gradient(uint32_t ds, uint32_t k, int first_row, float* buffer) const {
    constexpr int groups = Tile::rows / 16;
    constexpr int octets = 8;
    const int group = warp() % groups;
    const int part = warp() / groups;
    const uint32_t ds_at = pieces_first<Tile::rows>(ds, 0) ^ static_cast<uint32_t>(32 * group);
    const uint32_t k_at = rows_first<Tile::dim>(k, 0) ^ static_cast<uint32_t>(part * 128);
    float dq[octets][4] = {};
#pragma unroll
    for (uint32_t i = 0; i < Tile::keys / 16; ++i) {
      const Codes4 a = load_transposed(ds_at + i * 32 * Tile::rows);
#pragma unroll
      for (uint32_t d = 0; d < octets / 2; ++d) {
        const Codes4 b = load_transposed((k_at ^ (32 * d)) + i * 32 * Tile::dim);
        Element::multiply(dq[2 * d], a, b.r[0], b.r[1]);
        Element::multiply(dq[2 * d + 1], a, b.r[2], b.r[3]);
      }
    }
#pragma unroll
    for (int j = 0; j < octets; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int row = first_row + 16 * group + lane() / 4 + i / 2 * 8;
        const int column = part * 64 + 8 * j + lane() % 4 * 2 + i % 2;
        if (row >= a_.rows || column >= a_.features) continue;
        add_in_memory(buffer + static_cast<int64_t>(row) * a_.features + column, dq[j][i]);
      }
    }
  }

  // The gradients of the tile's keys as codes.
  __device__ void store(int64_t head, int first_key) const {
#pragma unroll
    for (int j = 0; j < dim_octets; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int key = first_key + warp() * 16 + lane() / 4 + half * 8;
        const int column = 8 * j + lane() % 4 * 2;
        if (key >= a_.keys || column >= a_.features) continue;
        const int64_t at = (head * a_.keys + key) * a_.features + column;
        *reinterpret_cast<uint32_t*>(a_.dv + at) =
            Element::pack(dv_[j][2 * half], dv_[j][2 * half + 1]);
        *reinterpret_cast<uint32_t*>(a_.dk + at) = Element::pack(
            __fmul_rn(dk_[j][2 * half], a_.scale), __fmul_rn(dk_[j][2 * half + 1], a_.scale));
      }
    }
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  __device__ static int warp() { return static_cast<int>(threadIdx.x / 32); }
  // The row of the tile that number i of octet j belongs to.
  __device__ static int row(int j, int i) { return 8 * j + lane() % 4 * 2 + i % 2; }

  // Keys by rows: this warp's 16 keys of `keys` times all rows of `rows`.
  __device__ void transposed_product(float (&sums)[row_octets][4], uint32_t keys,
                                     uint32_t rows) const {
    const uint32_t keys_at = rows_first<Tile::dim>(keys, warp() * 16);
    const uint32_t rows_at = pieces_first<Tile::dim>(rows, 0);
#pragma unroll
    for (auto& quad : sums) quad[0] = quad[1] = quad[2] = quad[3] = 0;
#pragma unroll
    for (uint32_t d = 0; d < Tile::dim / 16; ++d) {
      const Codes4 a = load_matrices(keys_at ^ (32 * d));
#pragma unroll
      for (uint32_t j = 0; j < row_octets / 2; ++j) {
        const Codes4 b = load_matrices((rows_at ^ (32 * d)) + j * 32 * Tile::dim);
        Element::multiply(sums[2 * j], a, b.r[0], b.r[1]);
        Element::multiply(sums[2 * j + 1], a, b.r[2], b.r[3]);
      }
    }
  }

  // sums = sums + codes.rows, over the tile's rows.
  __device__ void add_product(float (&sums)[dim_octets][4], const uint32_t (&codes)[row_octets][2],
                              uint32_t rows) const {
    const uint32_t rows_at = rows_first<Tile::dim>(rows, 0);
#pragma unroll
    for (uint32_t i = 0; i < row_octets / 2; ++i) {
      const Codes4 a{{codes[2 * i][0], codes[2 * i][1], codes[2 * i + 1][0], codes[2 * i + 1][1]}};
#pragma unroll
      for (uint32_t d = 0; d < dim_octets / 2; ++d) {
        const Codes4 b = load_transposed((rows_at ^ (32 * d)) + i * 32 * Tile::dim);
        Element::multiply(sums[2 * d], a, b.r[0], b.r[1]);
        Element::multiply(sums[2 * d + 1], a, b.r[2], b.r[3]);
      }
    }
  }

  template <class Body>
  __device__ void each_place(int64_t head, int first_row, int tile, int tiles, Body&& body) const {
#pragma unroll
    for (int j = 0; j < row_octets; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int r = first_row + row(j, i);
        if (r >= a_.rows) continue;
        const int key = warp() * 16 + lane() / 4 + i / 2 * 8;
        body(((head * a_.rows + r) * tiles + tile) * Tile::keys + key, j, i);
      }
    }
  }

  const BackwardArguments& a_;
  float s_[row_octets][4];   // S, then P; keys by rows
  float ds_[row_octets][4];  // dP, then dS
  uint32_t p16_[row_octets][2];
  uint32_t ds16_[row_octets][2];
  float dk_[dim_octets][4];
  float dv_[dim_octets][4];
};

template <class Element, class Tile>
__global__ void __launch_bounds__(sweep_threads, 1)
    sweep_kernel(const __grid_constant__ BackwardArguments a) {
  extern __shared__ __align__(1024) uint8_t memory[];
  const auto k = static_cast<uint32_t>(__cvta_generic_to_shared(memory));
  const uint32_t v = k + Tile::kv_bytes;
  const uint32_t q = v + Tile::kv_bytes;
  const uint32_t dout = q + Tile::q_bytes;
  uint8_t* const ds = memory + 2 * Tile::kv_bytes + 2 * Tile::q_bytes;
  auto* const shift = reinterpret_cast<float*>(ds + Tile::ds_bytes);
  float* const delta = shift + Tile::rows;
  const int64_t head = blockIdx.y;
  const int tiles = (a.keys + Tile::keys - 1) / Tile::keys;
  const int row_tiles = (a.rows + Tile::rows - 1) / Tile::rows;
  const int64_t row_codes = head * a.rows * a.features;
  const int64_t key_codes = head * a.keys * a.features;
  float* const buffer =
      a.buffers + (head * a.buffer_count + blockIdx.x) * int64_t{a.rows} * a.features;
  const int thread = static_cast<int>(threadIdx.x);

#pragma unroll 1
  for (int tile = static_cast<int>(blockIdx.x); tile < tiles; tile += a.buffer_count) {
    const int first_key = tile * Tile::keys;
    __syncthreads();
    copy_rows<sweep_threads, Tile::dim, Tile::keys>(k, a.k + key_codes, first_key, a.keys,
                                                    a.features);
    copy_rows<sweep_threads, Tile::dim, Tile::keys>(v, a.v + key_codes, first_key, a.keys,
                                                    a.features);
    WarpKeys<Element, Tile> keys(a);
    const int first_seen = max(0, first_key - a.shift) / Tile::rows;
#pragma unroll 1
    for (int m = row_tiles - 1; m >= first_seen; --m) {
      const int first_row = m * Tile::rows;
      __syncthreads();
      copy_rows<sweep_threads, Tile::dim, Tile::rows>(q, a.q + row_codes, first_row, a.rows,
                                                      a.features);
      copy_rows<sweep_threads, Tile::dim, Tile::rows>(dout, a.dout + row_codes, first_row, a.rows,
                                                      a.features);
      close_copies();
      if (thread < Tile::rows) {
        const bool there = first_row + thread < a.rows;
        const int64_t row = head * a.rows + first_row + thread;
        constexpr float log2_of_e = 0x1.715476p+0f;
        const float lse = there ? a.lse[row] : __builtin_huge_valf();
        shift[thread] = lse == -__builtin_huge_valf() ? 0 : __fmul_rn(lse, log2_of_e);
        delta[thread] = there ? a.delta[row] : 0;
      }
      wait_for_copies();
      __syncthreads();
      keys.pairs(q, dout, k, v, first_row, first_key, shift);
      if (a.exposed.dp != nullptr) keys.show_dp(head, first_row, tile, tiles);
      keys.cast(delta);
      if (a.exposed.p != nullptr) keys.show_codes(head, first_row, tile, tiles);
      keys.accumulate(q, dout, ds);
      __syncthreads();
      keys.add_query_gradient(dout + Tile::q_bytes, k, first_row, buffer);
    }
    keys.store(head, first_key);
    // Of a tile that no row sees the copies are still under way.
    close_copies();
    wait_for_copies();
  }
}

template <class Element, class Tile>
void launch_sweep(const BackwardLaunch& launch) {
  const auto kernel = sweep_kernel<Element, Tile>;
  checked(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::shared_bytes),
      "cudaFuncSetAttribute");
  const auto& a = launch.arguments;
  const int tiles = (a.keys + Tile::keys - 1) / Tile::keys;
  const dim3 grid(static_cast<uint32_t>(std::min(tiles, a.buffer_count)),
                  static_cast<uint32_t>(launch.heads));
  kernel<<<grid, sweep_threads, Tile::shared_bytes>>>(a);
  checked(cudaGetLastError(), "sweep_kernel");
}

template <class Element>
void launch_backward(const BackwardLaunch& launch) {
  constexpr int threads = 128;
  const auto& a = launch.arguments;
  const auto blocks = [&](int64_t count) {
    return static_cast<uint32_t>((count + threads - 1) / threads);
  };
  const int64_t rows = int64_t{launch.heads} * a.rows;
  delta_kernel<Element><<<blocks(rows * a.delta_lanes), threads>>>(a, rows);
  checked(cudaGetLastError(), "delta_kernel");
  if (a.features <= 64) {
    launch_sweep<Element, BackwardTile<64>>(launch);
  } else {
    launch_sweep<Element, BackwardTile<128>>(launch);
  }
  sum_kernel<Element><<<blocks(rows * a.features), threads>>>(a, rows * a.features);
  checked(cudaGetLastError(), "sum_kernel");
}

}  // namespace ulpscope::cuda
