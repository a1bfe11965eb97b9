// The forward pass of attention on tensor cores, in FlashAttention-2's order: the recipe fa2-torch.
//
// A block of four warps has 128 query rows, a warp two times 16 of them: their running O, maximum m
// and four lane sums l stay in registers. Key tiles are visited from the last one to the first:
//
//   S = Q.K^T            mma.sync over the head size, ascending; hidden keys become -infinity
//   m' = max(m, S)       max.f32 and two shuffles in the four lanes of a row
//   r = 2^((m - m') c)   sub, mul, ex2.approx.f32; r m' = 0 for a row that has seen no key
//   O = O r              mul
//   P = 2^(S c - m' c)   mul, sub, ex2.approx.f32
//   l = fma(l, r, P), l + P ...   of each lane's own columns, ascending
//   O = O + P16.V        cvt.rn to 16 bits, mma.sync over the tile's keys, ascending, onto O
//
// and at the end l = (l0 + l2) + (l1 + l3), O (1 / l), LSE = fma(m, scale, lg2(l) ln 2).
//
// MaximumRule::stable is the mitigation of Qiu and Yao (arXiv 2510.04212) as published: a tile's
// maximum that several of its scores reach becomes factor m above 0, and 0 below
// (attention/maximum.hpp). Exposure::every_tile writes S, P, m, l and O of every tile.
//
// Each tile of K is copied while the product before it is under way, each of V during Q.K^T. The
// instructions and how many: stated_instructions.hpp.
// Limits: head sizes up to 128 in multiples of 8, filled up with zeros to 64 or 128; no dropout, no
// windows, as many K/V heads as query heads. Tested against the emulator by `ulpscope verify
// --kernels`, on an H200: docs/validation.
#pragma once

#include "kernels/forward.hpp"
#include "kernels/fragments.cuh"
#include "support/bundle.hpp"

namespace ulpscope::cuda {

inline constexpr int block_threads = 128;

// Sizes of a kernel for one class of head sizes.
template <int head>
struct ForwardTile {
  static constexpr int dim = head;
  static constexpr int rows = static_cast<int>(gpu::forward_tiles(head).rows);
  static constexpr int keys = static_cast<int>(gpu::forward_tiles(head).keys);
  static constexpr int row_groups = 2;  // of 16 rows, a warp
  static constexpr int pieces = dim / 8;
  static constexpr int q_bytes = rows * dim * 2;
  static constexpr int kv_bytes = keys * dim * 2;
  static constexpr int shared_bytes = q_bytes + 2 * kv_bytes;
};

// What a warp holds. Row index r = 2 group + half is row 16 group + 8 half + lane / 4 of its 32.
template <class Element, class Tile>
class WarpRows {
 public:
  static constexpr int groups = Tile::row_groups;
  static constexpr int held = 2 * groups;  // rows of a lane
  static constexpr float minus_infinity = -__builtin_huge_valf();

  __device__ WarpRows(const ForwardArguments& arguments, int first_row)
      : a_(arguments), first_row_(first_row + static_cast<int>(threadIdx.x) / 32 * 16 * groups) {
#pragma unroll
    for (int r = 0; r < held; ++r) {
      m_[r] = minus_infinity;
      l_[r] = 0;
    }
#pragma unroll
    for (int g = 0; g < groups; ++g) {
#pragma unroll
      for (auto& quad : o_[g]) quad[0] = quad[1] = quad[2] = quad[3] = 0;
    }
  }

  __device__ int row(int r) const { return first_row_ + 8 * r + lane() / 4; }

  // S = Q.K^T
  __device__ void score(uint32_t q, uint32_t k) {
    const uint32_t q_at =
        rows_first<Tile::dim>(q, static_cast<int>(threadIdx.x) / 32 * 16 * groups);
    const uint32_t k_at = pieces_first<Tile::dim>(k, 0);
#pragma unroll
    for (int g = 0; g < groups; ++g) {
#pragma unroll
      for (auto& quad : s_[g]) quad[0] = quad[1] = quad[2] = quad[3] = 0;
    }
#pragma unroll
    for (uint32_t d = 0; d < Tile::dim / 16; ++d) {
      Codes4 rows[groups];
#pragma unroll
      for (uint32_t g = 0; g < groups; ++g) {
        rows[g] = load_matrices((q_at ^ (32 * d)) + g * 32 * Tile::dim);
      }
#pragma unroll
      for (uint32_t j = 0; j < Tile::keys / 16; ++j) {
        const Codes4 columns = load_matrices((k_at ^ (32 * d)) + j * 32 * Tile::dim);
#pragma unroll
        for (int g = 0; g < groups; ++g) {
          Element::multiply(s_[g][2 * j], rows[g], columns.r[0], columns.r[1]);
          Element::multiply(s_[g][2 * j + 1], rows[g], columns.r[2], columns.r[3]);
        }
      }
    }
  }

  // -infinity for keys beyond the last one and those that a row does not see.
  __device__ void hide(int first_key) {
#pragma unroll
    for (int r = 0; r < held; ++r) {
      const int end = min(a_.keys, row(r) + a_.shift + 1) - first_key;
#pragma unroll
      for (int c = 0; c < columns; ++c) {
        if (column(c) >= end) at(r, c) = minus_infinity;
      }
    }
  }

  // S -> P, and what runs on: m, l, O brought down to the new maximum.
  template <MaximumRule rule>
  __device__ void exponentiate(bool fresh, bool guarded) {
    const float c = a_.scale_log2;
#pragma unroll
    for (int r = 0; r < held; ++r) {
      const float old = m_[r];
      const float raised = fmaxf(old, moved<rule>(r, tile_maximum(r)));
      m_[r] = raised;
      const float known = raised == minus_infinity ? 0 : raised;
      float factor = 0;
      if (!fresh) {
        factor = ex2(__fmul_rn(__fsub_rn(old, guarded ? known : raised), c));
#pragma unroll
        for (auto& quad : o_[r / 2]) {
          quad[r % 2 * 2] = __fmul_rn(quad[r % 2 * 2], factor);
          quad[r % 2 * 2 + 1] = __fmul_rn(quad[r % 2 * 2 + 1], factor);
        }
      }
      const float shift = __fmul_rn(known, c);
#pragma unroll
      for (int i = 0; i < columns; ++i) at(r, i) = ex2(__fsub_rn(__fmul_rn(at(r, i), c), shift));
      // A first tile has l = 0 and r = 0: the fma leaves P.
      float sum = __fmaf_rn(l_[r], factor, at(r, 0));
#pragma unroll
      for (int i = 1; i < columns; ++i) sum = __fadd_rn(sum, at(r, i));
      l_[r] = sum;
    }
  }

  // O = O + P16.V
  __device__ void accumulate(uint32_t v) {
    const uint32_t v_at = rows_first<Tile::dim>(v, 0);
#pragma unroll
    for (uint32_t i = 0; i < Tile::keys / 16; ++i) {
      Codes4 p[groups];
#pragma unroll
      for (int g = 0; g < groups; ++g) {
        const auto& low = s_[g][2 * i];
        const auto& high = s_[g][2 * i + 1];
        p[g] = {{Element::pack(low[0], low[1]), Element::pack(low[2], low[3]),
                 Element::pack(high[0], high[1]), Element::pack(high[2], high[3])}};
      }
#pragma unroll
      for (uint32_t d = 0; d < Tile::dim / 16; ++d) {
        const Codes4 columns = load_transposed((v_at ^ (32 * d)) + i * 32 * Tile::dim);
#pragma unroll
        for (int g = 0; g < groups; ++g) {
          Element::multiply(o_[g][2 * d], p[g], columns.r[0], columns.r[1]);
          Element::multiply(o_[g][2 * d + 1], p[g], columns.r[2], columns.r[3]);
        }
      }
    }
  }

  // O / l as codes, and LSE.
  __device__ void store(int64_t head) {
#pragma unroll
    for (int r = 0; r < held; ++r) {
      float l = l_[r];
      l = __fadd_rn(l, __shfl_xor_sync(~0u, l, 2));
      l = __fadd_rn(l, __shfl_xor_sync(~0u, l, 1));
      if (row(r) >= a_.rows) continue;
      constexpr float ln_2 = 0x1.62E430p-1f;
      const bool usable = l != 0 && l == l;
      const float inverse = usable ? __frcp_rn(l) : 1.0f;
      const int64_t place = head * a_.rows + row(r);
      if (lane() % 4 == 0) {
        a_.lse[place] =
            usable ? __fmaf_rn(m_[r], a_.scale, __fmul_rn(lg2(l), ln_2)) : __builtin_huge_valf();
      }
      uint16_t* const to = a_.o + place * a_.features;
#pragma unroll
      for (int j = 0; j < Tile::dim / 8; ++j) {
        const auto& quad = o_[r / 2][j];
        if (column(2 * j) >= a_.features) continue;
        *reinterpret_cast<uint32_t*>(to + column(2 * j)) = Element::pack(
            __fmul_rn(quad[r % 2 * 2], inverse), __fmul_rn(quad[r % 2 * 2 + 1], inverse));
      }
    }
  }

  // S or P into a tensor (heads, rows, tiles, keys of a tile).
  __device__ void expose_columns(float* to, int64_t head, int tile, int tiles) const {
#pragma unroll
    for (int r = 0; r < held; ++r) {
      if (row(r) >= a_.rows) continue;
      float* const here = to + ((head * a_.rows + row(r)) * tiles + tile) * Tile::keys;
#pragma unroll
      for (int c = 0; c < columns; ++c) here[column(c)] = at(r, c);
    }
  }

  // m, l and O as the tile leaves them.
  __device__ void expose_sums(int64_t head, int tile, int tiles) const {
#pragma unroll
    for (int r = 0; r < held; ++r) {
      if (row(r) >= a_.rows) continue;
      const int64_t place = (head * a_.rows + row(r)) * tiles + tile;
      if (lane() % 4 == 0) a_.exposed.maxima[place] = m_[r];
      a_.exposed.lane_sums[place * 4 + lane() % 4] = l_[r];
#pragma unroll
      for (int i = 0; i < Tile::dim / 4; ++i) {
        if (column(i) >= a_.features) continue;
        a_.exposed.running[place * a_.features + column(i)] = o_[r / 2][i / 2][r % 2 * 2 + i % 2];
      }
    }
  }

 private:
  static constexpr int columns = Tile::keys / 4;  // of a lane

  __device__ static int lane() { return static_cast<int>(threadIdx.x % 32); }
  // The column of a row that a lane's number c has.
  __device__ static int column(int c) { return c / 2 * 8 + lane() % 4 * 2 + c % 2; }
  __device__ float& at(int r, int c) { return s_[r / 2][c / 2][r % 2 * 2 + c % 2]; }
  __device__ float at(int r, int c) const { return s_[r / 2][c / 2][r % 2 * 2 + c % 2]; }

  __device__ float tile_maximum(int r) const {
    float most = at(r, 0);
#pragma unroll
    for (int c = 1; c < columns; ++c) most = fmaxf(most, at(r, c));
    most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
    return fmaxf(most, __shfl_xor_sync(~0u, most, 1));
  }

  // The tile's maximum, off the scores where several reach it.
  template <MaximumRule rule>
  __device__ float moved(int r, float most) const {
    if constexpr (rule == MaximumRule::plain) return most;
    const float least = __fsub_rn(most, a_.tolerance);
    int count = 0;
#pragma unroll
    for (int c = 0; c < columns; ++c) count += at(r, c) >= least ? 1 : 0;
    count += __shfl_xor_sync(~0u, count, 2);
    count += __shfl_xor_sync(~0u, count, 1);
    if (count < 2 || most == 0 || most == minus_infinity) return most;
    return most < 0 ? 0 : __fmul_rn(most, a_.factor);
  }

  const ForwardArguments& a_;
  int first_row_;
  float s_[groups][Tile::keys / 8][4];
  float o_[groups][Tile::dim / 8][4];
  float m_[held];
  float l_[held];
};

template <class Element, class Tile, Exposure exposure, MaximumRule rule>
__global__ void __launch_bounds__(block_threads, exposure == Exposure::nothing ? 2 : 1)
    forward_kernel(const __grid_constant__ ForwardArguments a) {
  extern __shared__ __align__(1024) uint8_t memory[];
  const auto q = static_cast<uint32_t>(__cvta_generic_to_shared(memory));
  const uint32_t k = q + Tile::q_bytes;
  const uint32_t v = k + Tile::kv_bytes;
  // Under a causal mask the last rows have most tiles; they start first.
  const int first_row = static_cast<int>(gridDim.x - 1 - blockIdx.x) * Tile::rows;
  const int64_t head = blockIdx.y;
  const int tiles = (a.keys + Tile::keys - 1) / Tile::keys;
  const int seen = min(a.keys, first_row + Tile::rows + a.shift);
  const int last = (seen + Tile::keys - 1) / Tile::keys - 1;
  const uint16_t* const k_head = a.k + head * a.keys * a.features;
  const uint16_t* const v_head = a.v + head * a.keys * a.features;

  WarpRows<Element, Tile> rows(a, first_row);
  if (seen > 0) {
    copy_rows<block_threads, Tile::dim, Tile::rows>(q, a.q + head * a.rows * a.features, first_row,
                                                    a.rows, a.features);
    copy_rows<block_threads, Tile::dim, Tile::keys>(k, k_head, last * Tile::keys, a.keys,
                                                    a.features);
    close_copies();
  }
#pragma unroll 1
  for (int tile = seen > 0 ? last : -1; tile >= 0; --tile) {
    const int first_key = tile * Tile::keys;
    wait_for_copies();
    __syncthreads();
    copy_rows<block_threads, Tile::dim, Tile::keys>(v, v_head, first_key, a.keys, a.features);
    close_copies();
    rows.score(q, k);
    wait_for_copies();
    __syncthreads();
    if (tile > 0) {
      copy_rows<block_threads, Tile::dim, Tile::keys>(k, k_head, first_key - Tile::keys, a.keys,
                                                      a.features);
      close_copies();
    }
    if (first_key + Tile::keys > min(a.keys, first_row + a.shift + 1)) rows.hide(first_key);
    if constexpr (exposure == Exposure::every_tile) {
      rows.expose_columns(a.exposed.scores, head, tile, tiles);
    }
    rows.template exponentiate<rule>(tile == last, last - tile < a.guarded_tiles);
    if constexpr (exposure == Exposure::every_tile) {
      rows.expose_columns(a.exposed.probabilities, head, tile, tiles);
    }
    rows.accumulate(v);
    if constexpr (exposure == Exposure::every_tile) rows.expose_sums(head, tile, tiles);
  }
  rows.store(head);
}

template <class Element, class Tile, Exposure exposure, MaximumRule rule>
void launch_one(const ForwardLaunch& launch) {
  const auto kernel = forward_kernel<Element, Tile, exposure, rule>;
  checked(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::shared_bytes),
      "cudaFuncSetAttribute");
  const dim3 grid(static_cast<uint32_t>((launch.arguments.rows + Tile::rows - 1) / Tile::rows),
                  static_cast<uint32_t>(launch.heads));
  kernel<<<grid, block_threads, Tile::shared_bytes>>>(launch.arguments);
  checked(cudaGetLastError(), "forward_kernel");
}

template <class Element, class Tile, Exposure exposure>
void launch_rule(const ForwardLaunch& launch) {
  switch (launch.rule) {
    case MaximumRule::plain: return launch_one<Element, Tile, exposure, MaximumRule::plain>(launch);
    case MaximumRule::stable:
      return launch_one<Element, Tile, exposure, MaximumRule::stable>(launch);
  }
}

template <class Element, class Tile>
void launch_exposure(const ForwardLaunch& launch) {
  switch (launch.exposure) {
    case Exposure::nothing: return launch_rule<Element, Tile, Exposure::nothing>(launch);
    case Exposure::every_tile: return launch_rule<Element, Tile, Exposure::every_tile>(launch);
  }
}

template <class Element>
void launch_forward(const ForwardLaunch& launch) {
  if (launch.arguments.features <= 64) return launch_exposure<Element, ForwardTile<64>>(launch);
  launch_exposure<Element, ForwardTile<128>>(launch);
}

}  // namespace ulpscope::cuda
