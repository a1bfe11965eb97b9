// One wgmma per warpgroup of 128 threads, its operands as plain matrices in shared memory.
//
//   D[64][8] = C[64][8] + A[64][k] * B[k][8]        k = 16 for bf16 and f16, 32 for e4m3 and e5m2
//
// Rows of A and columns of B are 32 bytes. The instruction reads them as core matrices of 8 lines
// by 16 bytes, each 128 bytes in a piece, which `arranged` makes: neighbours along k lie 128 bytes
// apart (the descriptor's leading offset), neighbours along lines 256 (its stride), without a
// swizzle. Warp w of the four holds the rows 16 w .. 16 w + 15, its lanes as those of mma.sync.
// PTX ISA, sections on wgmma's register fragments and matrix descriptors.
//
// Expected machine code for sm_90a: HGMMA.64x8x16.F32 (.BF16), QGMMA.64x8x32.F32.E4M3.E4M3 and
// .E5M2.E5M2. Included by check_fused_sums.cu.
#pragma once

#include "hardware/tensor_core.cuh"

namespace ulpscope::cuda {

inline constexpr int line_bytes = 32;

struct WarpgroupShape {
  static constexpr int rows = 64;
  static constexpr int threads = 128;
  __device__ static int row(int thread, int i) {
    return thread / 32 * 16 + quad_row(thread % 32, i);
  }
};

// Where a byte of a line lies among the core matrices.
__device__ inline int arranged(int line, int byte) {
  return line / 8 * 256 + byte / 16 * 128 + line % 8 * 16 + byte % 16;
}

__device__ inline uint64_t descriptor(const uint8_t* matrices) {
  const auto address = static_cast<uint64_t>(__cvta_generic_to_shared(matrices));
  constexpr uint64_t along_k = 128;
  constexpr uint64_t along_lines = 256;
  return (address >> 4 & 0x3FFF) | (along_k >> 4) << 16 | (along_lines >> 4) << 32;
}

// What an instruction takes: the two matrices, and the accumulators in and out.
struct Warpgroup {
  uint64_t a;
  uint64_t b;
  float d[4];
};

// The step that all kinds share: `instruction` is the one wgmma between its fences.
template <class Code, int k, class Instruction>
__device__ Quad run_warpgroup(const Operands<Code, WarpgroupShape::rows, k>& m, const Quad& c,
                              int thread, const Instruction& instruction) {
  static_assert(sizeof(m.a[0]) == line_bytes && sizeof(m.b[0]) == line_bytes);
  __shared__ alignas(128) uint8_t a[WarpgroupShape::rows * line_bytes];
  __shared__ alignas(128) uint8_t b[mma_columns * line_bytes];
  const auto* const plain_a = reinterpret_cast<const uint8_t*>(m.a);
  const auto* const plain_b = reinterpret_cast<const uint8_t*>(m.b);
  __syncthreads();  // the matrices of the case before have been read
  for (int e = thread; e < WarpgroupShape::rows * line_bytes; e += WarpgroupShape::threads) {
    a[arranged(e / line_bytes, e % line_bytes)] = plain_a[e];
  }
  for (int e = thread; e < mma_columns * line_bytes; e += WarpgroupShape::threads) {
    b[arranged(e / line_bytes, e % line_bytes)] = plain_b[e];
  }
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  Warpgroup w{descriptor(a), descriptor(b), {}};
  for (int i = 0; i < 4; ++i) w.d[i] = __uint_as_float(c.bits[i]);
  asm volatile("wgmma.fence.sync.aligned;"
               : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])::"memory");
  instruction(w);
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  asm volatile("wgmma.wait_group.sync.aligned 0;"
               : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])::"memory");
  Quad d;
  for (int i = 0; i < 4; ++i) d.bits[i] = __float_as_uint(w.d[i]);
  return d;
}

struct WgmmaBf16 : WarpgroupShape {
  static constexpr const char* name = "wgmma.m64n8k16.f32.bf16.bf16";
  static constexpr int k = 16;
  static constexpr Format input = bf16;
  using Code = uint16_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int thread) {
    return run_warpgroup(m, c, thread, [](Warpgroup& w) {
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
          "{%0, %1, %2, %3}, %4, %5, 1, 1, 1, 0, 0;"
          : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])
          : "l"(w.a), "l"(w.b));
    });
  }
};

struct WgmmaF16 : WarpgroupShape {
  static constexpr const char* name = "wgmma.m64n8k16.f32.f16.f16";
  static constexpr int k = 16;
  static constexpr Format input = fp16;
  using Code = uint16_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int thread) {
    return run_warpgroup(m, c, thread, [](Warpgroup& w) {
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 "
          "{%0, %1, %2, %3}, %4, %5, 1, 1, 1, 0, 0;"
          : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])
          : "l"(w.a), "l"(w.b));
    });
  }
};

struct WgmmaE4m3 : WarpgroupShape {
  static constexpr const char* name = "wgmma.m64n8k32.f32.e4m3.e4m3";
  static constexpr int k = 32;
  static constexpr Format input = e4m3fn;
  using Code = uint8_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int thread) {
    return run_warpgroup(m, c, thread, [](Warpgroup& w) {
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 "
          "{%0, %1, %2, %3}, %4, %5, 1, 1, 1;"
          : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])
          : "l"(w.a), "l"(w.b));
    });
  }
};

struct WgmmaE5m2 : WarpgroupShape {
  static constexpr const char* name = "wgmma.m64n8k32.f32.e5m2.e5m2";
  static constexpr int k = 32;
  static constexpr Format input = e5m2;
  using Code = uint8_t;

  __device__ static Quad run(const Operands<Code, rows, k>& m, const Quad& c, int thread) {
    return run_warpgroup(m, c, thread, [](Warpgroup& w) {
      asm volatile(
          "wgmma.mma_async.sync.aligned.m64n8k32.f32.e5m2.e5m2 "
          "{%0, %1, %2, %3}, %4, %5, 1, 1, 1;"
          : "+f"(w.d[0]), "+f"(w.d[1]), "+f"(w.d[2]), "+f"(w.d[3])
          : "l"(w.a), "l"(w.b));
    });
  }
};

}  // namespace ulpscope::cuda
