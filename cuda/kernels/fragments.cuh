// The instructions of our attention kernels, each asked for by name, and the places of shared
// memory that they read.
//
//   const Codes4 a = load_matrices(address);       ldmatrix, four 8x8 matrices
//   Bf16::multiply(accumulator, a, b0, b1);        mma.sync.m16n8k16, binary32 accumulators
//
// A tile lies in shared memory by rows of `dim` codes, in pieces of 16 bytes. Piece p of row r is
// kept at place p xor (r mod 8), so that the eight rows of a matrix lie in different banks.
//
// Limits: rows of 64 or 128 codes, in memory that is aligned to a row. Lanes of a warp hold the
// fragments as the PTX ISA has them for m16n8k16: lane l has the rows l / 4 and l / 4 + 8 and the
// columns 2 (l mod 4) and the next one of every eight. Included by forward.cuh and backward.cuh.
#pragma once

#include <cstdint>

namespace ulpscope::cuda {

// Four registers of two codes each.
struct Codes4 {
  uint32_t r[4];
};

// Two binary32 numbers as two codes, rounded to nearest even; the first in the low half.
struct Bf16 {
  __device__ static float widen(uint16_t code) {
    return __uint_as_float(static_cast<uint32_t>(code) << 16);
  }
  __device__ static uint32_t pack(float low, float high) {
    uint32_t codes;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(codes) : "f"(high), "f"(low));
    return codes;
  }
  __device__ static void multiply(float (&d)[4], const Codes4& a, uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b0), "r"(b1));
  }
};

struct F16 {
  __device__ static float widen(uint16_t code) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(code));
    return x;
  }
  __device__ static uint32_t pack(float low, float high) {
    uint32_t codes;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(codes) : "f"(high), "f"(low));
    return codes;
  }
  __device__ static void multiply(float (&d)[4], const Codes4& a, uint32_t b0, uint32_t b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.r[0]), "r"(a.r[1]), "r"(a.r[2]), "r"(a.r[3]), "r"(b0), "r"(b1));
  }
};

__device__ inline Codes4 load_matrices(uint32_t address) {
  Codes4 m;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(m.r[0]), "=r"(m.r[1]), "=r"(m.r[2]), "=r"(m.r[3])
               : "r"(address));
  return m;
}
__device__ inline Codes4 load_transposed(uint32_t address) {
  Codes4 m;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(m.r[0]), "=r"(m.r[1]), "=r"(m.r[2]), "=r"(m.r[3])
               : "r"(address));
  return m;
}

// 16 bytes from global to shared memory without a register; zeros where `bytes` is 0.
__device__ inline void copy_async(uint32_t to, const uint16_t* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes)
               : "memory");
}
__device__ inline void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
__device__ inline void wait_for_copies() { asm volatile("cp.async.wait_group 0;" ::: "memory"); }

// 2^x with subnormal results: MUFU.EX2 of x, or of x / 2 and squared below -126.
__device__ inline float ex2(float x) {
  float y;
  asm("ex2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ inline float lg2(float x) {
  float y;
  asm("lg2.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// The sum in memory, rounded to nearest even; subnormal operands and sums are zeros.
__device__ inline void add_in_memory(float* to, float x) {
  asm volatile("red.global.add.f32 [%0], %1;" ::"l"(to), "f"(x) : "memory");
}

// The byte of piece `piece` of row `row`.
template <int dim>
__device__ constexpr uint32_t place(int row, int piece) {
  return static_cast<uint32_t>(row * dim * 2 + ((piece ^ (row % 8)) * 16));
}

// Where this lane's row of a load of four matrices starts, for two orders of the four: the rows
// change first (A of a product, and V transposed), or the pieces (K). Two pieces further is the
// address xor 32, sixteen rows further 32 dim bytes on.
template <int dim>
__device__ uint32_t rows_first(uint32_t tile, int first_row) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return tile + place<dim>(first_row + lane % 16, lane / 16);
}
template <int dim>
__device__ uint32_t pieces_first(uint32_t tile, int first_row) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return tile + place<dim>(first_row + lane / 16 * 8 + lane % 8, lane / 8 % 2);
}

// Copies rows [first, first + count) of a tensor that has `end` of them, by all threads of a block.
// What is not there is 0.
template <int threads, int dim, int count>
__device__ void copy_rows(uint32_t to, const uint16_t* from, int first, int end, int features) {
  constexpr int pieces = dim / 8;
  constexpr int stride = threads / pieces;  // a multiple of 8: the place's xor stays
  const int row = static_cast<int>(threadIdx.x) / pieces;
  const int piece = static_cast<int>(threadIdx.x) % pieces;
  const uint32_t target = to + place<dim>(row, piece);
  const uint16_t* source = from + static_cast<int64_t>(first + row) * features + piece * 8;
#pragma unroll
  for (int i = 0; i < count / stride; ++i) {
    const bool there = first + row + i * stride < end && piece * 8 < features;
    copy_async(target + static_cast<uint32_t>(i * stride * dim * 2),
               there ? source + static_cast<int64_t>(i) * stride * features : from, there ? 16 : 0);
  }
}

}  // namespace ulpscope::cuda
