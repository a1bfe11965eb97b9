// One mma.sync per warp, its operands as plain matrices in shared memory.
//
//   D[16][8] = C[16][8] + A[16][k] * B[k][8]
//
// B is stored by columns, so that an output's operands are two runs of k codes: what fused_sum
// takes. Lane l, with g = l / 4 and t = l % 4, holds the outputs (g, 2t), (g, 2t+1), (g+8, 2t),
// (g+8, 2t+1), as PTX ISA's section on mma fragments has it for both shapes used here.
//
// Expected machine code for sm_90a: one HMMA.16816.F32.BF16, HMMA.16816.F32 or
// HMMA.1688.F32.TF32 each. Included by check_fused_sums.cu.
#pragma once

#include "ulpscope/format/catalogue.hpp"

namespace ulpscope::cuda {

inline constexpr int mma_rows = 16;
inline constexpr int mma_columns = 8;

// A lane's four outputs, in the order of its registers.
struct Quad {
  uint32_t bits[4];
};

__device__ inline int quad_row(int lane, int i) { return lane / 4 + i / 2 * 8; }
__device__ inline int quad_column(int lane, int i) { return 2 * (lane % 4) + i % 2; }

template <class Code, int rows, int k>
struct Operands {
  Code a[rows][k];
  Code b[mma_columns][k];
};
template <class Mma>
using OperandsOf = Operands<typename Mma::Code, Mma::rows, Mma::k>;

// What a warp's mma.sync has in common.
struct WarpShape {
  static constexpr int rows = mma_rows;
  static constexpr int threads = 32;
  __device__ static int row(int lane, int i) { return quad_row(lane, i); }
};

// The registers of both k16 shapes with 16-bit factors: two neighbouring codes each.
struct Fragments {
  uint32_t a[4];
  uint32_t b[2];
};

__device__ inline Fragments fragments(const Operands<uint16_t, mma_rows, 16>& m, int lane) {
  const int g = lane / 4;
  const int t = 2 * (lane % 4);
  const auto pair = [](const uint16_t* codes) {
    return codes[0] | (static_cast<uint32_t>(codes[1]) << 16);
  };
  return {{pair(&m.a[g][t]), pair(&m.a[g + 8][t]), pair(&m.a[g][t + 8]), pair(&m.a[g + 8][t + 8])},
          {pair(&m.b[g][t]), pair(&m.b[g][t + 8])}};
}

struct MmaBf16 : WarpShape {
  static constexpr const char* name = "mma.m16n8k16.f32.bf16.bf16.f32";
  static constexpr int k = 16;
  static constexpr Format input = bf16;
  using Code = uint16_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int lane) {
    const Fragments f = fragments(m, lane);
    Quad d;
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=r"(d.bits[0]), "=r"(d.bits[1]), "=r"(d.bits[2]), "=r"(d.bits[3])
        : "r"(f.a[0]), "r"(f.a[1]), "r"(f.a[2]), "r"(f.a[3]), "r"(f.b[0]), "r"(f.b[1]),
          "r"(c.bits[0]), "r"(c.bits[1]), "r"(c.bits[2]), "r"(c.bits[3]));
    return d;
  }
};

struct MmaF16 : WarpShape {
  static constexpr const char* name = "mma.m16n8k16.f32.f16.f16.f32";
  static constexpr int k = 16;
  static constexpr Format input = fp16;
  using Code = uint16_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int lane) {
    const Fragments f = fragments(m, lane);
    Quad d;
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=r"(d.bits[0]), "=r"(d.bits[1]), "=r"(d.bits[2]), "=r"(d.bits[3])
        : "r"(f.a[0]), "r"(f.a[1]), "r"(f.a[2]), "r"(f.a[3]), "r"(f.b[0]), "r"(f.b[1]),
          "r"(c.bits[0]), "r"(c.bits[1]), "r"(c.bits[2]), "r"(c.bits[3]));
    return d;
  }
};

// TF32 factors sit in 32-bit registers whose 13 low bits do not count: they are filled here with
// scattered bits, so that a machine that looked at them would show. An infinity with such bits,
// a NaN as binary32, is an infinity all the same.
struct MmaTf32 : WarpShape {
  static constexpr const char* name = "mma.m16n8k8.f32.tf32.tf32.f32";
  static constexpr int k = 8;
  static constexpr Format input = tf32;
  using Code = uint32_t;

  __device__ static uint32_t filled(uint32_t code) {
    constexpr int unused = 13;
    return (code << unused) | ((code * 2731u + 1) & low_mask<uint32_t>(unused));
  }

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    Quad d;
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
        : "=r"(d.bits[0]), "=r"(d.bits[1]), "=r"(d.bits[2]), "=r"(d.bits[3])
        : "r"(filled(m.a[g][t])), "r"(filled(m.a[g + 8][t])), "r"(filled(m.a[g][t + 4])),
          "r"(filled(m.a[g + 8][t + 4])), "r"(filled(m.b[g][t])), "r"(filled(m.b[g][t + 4])),
          "r"(c.bits[0]), "r"(c.bits[1]), "r"(c.bits[2]), "r"(c.bits[3]));
    return d;
  }
};

}  // namespace ulpscope::cuda
