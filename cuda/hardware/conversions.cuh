// Every cvt between binary32, the 16-bit formats, tf32 and the 8-bit formats that sm_90a has, each
// beside its model; what PTX gives for pairs is asked of the lower half.
//
// A row is a struct with a name, the number of operands' bits, `chip` (device only) and `model`.
// asm takes a literal alone, hence the macros, which end with this file. Forms that ptxas 13.0
// refuses for sm_90a (no .rna but to tf32, no .rz to 8 bits, stochastic .rs) are not here.
//
// Included by check_conversions.cu.
#pragma once

#include "ulpscope/hardware/conversions.hpp"

#include "hardware/all_operands.cuh"

namespace ulpscope::cuda {

// NOLINTBEGIN(cppcoreguidelines-macro-usage)
#define ULPSCOPE_FROM_F32_TO_16(Row, ptx, how)                 \
  struct Row {                                                 \
    static constexpr const char* name = ptx;                   \
    static constexpr int bits = 32;                            \
    __device__ static uint32_t chip(uint32_t x) {              \
      uint16_t y;                                              \
      asm(ptx " %0, %1;" : "=h"(y) : "f"(__uint_as_float(x))); \
      return y;                                                \
    }                                                          \
    __device__ static uint32_t model(NoTables, uint32_t x) {   \
      constexpr Conversion c = how;                            \
      return convert(c, x);                                    \
    }                                                          \
  };
#define ULPSCOPE_FROM_F32_TO_TF32(Row, ptx, how)               \
  struct Row {                                                 \
    static constexpr const char* name = ptx;                   \
    static constexpr int bits = 32;                            \
    __device__ static uint32_t chip(uint32_t x) {              \
      uint32_t y;                                              \
      asm(ptx " %0, %1;" : "=r"(y) : "f"(__uint_as_float(x))); \
      return y;                                                \
    }                                                          \
    __device__ static uint32_t model(NoTables, uint32_t x) {   \
      constexpr Conversion c = how;                            \
      return tf32_register(convert(c, x));                     \
    }                                                          \
  };
#define ULPSCOPE_FROM_F32_TO_8(Row, ptx, how)                                 \
  struct Row {                                                                \
    static constexpr const char* name = ptx;                                  \
    static constexpr int bits = 32;                                           \
    __device__ static uint32_t chip(uint32_t x) {                             \
      uint16_t y;                                                             \
      asm(ptx " %0, %1, %2;" : "=h"(y) : "f"(1.0f), "f"(__uint_as_float(x))); \
      return y & 0xFFu;                                                       \
    }                                                                         \
    __device__ static uint32_t model(NoTables, uint32_t x) {                  \
      constexpr Conversion c = how;                                           \
      return convert(c, x);                                                   \
    }                                                                         \
  };
#define ULPSCOPE_FROM_F16_TO_8(Row, ptx, how)                \
  struct Row {                                               \
    static constexpr const char* name = ptx;                 \
    static constexpr int bits = 16;                          \
    __device__ static uint32_t chip(uint32_t x) {            \
      uint16_t y;                                            \
      asm(ptx " %0, %1;" : "=h"(y) : "r"(x));                \
      return y & 0xFFu;                                      \
    }                                                        \
    __device__ static uint32_t model(NoTables, uint32_t x) { \
      constexpr Conversion c = how;                          \
      return convert(c, x);                                  \
    }                                                        \
  };
#define ULPSCOPE_FROM_8_TO_F16(Row, ptx, how)                        \
  struct Row {                                                       \
    static constexpr const char* name = ptx;                         \
    static constexpr int bits = 8;                                   \
    __device__ static uint32_t chip(uint32_t x) {                    \
      uint32_t y;                                                    \
      asm(ptx " %0, %1;" : "=r"(y) : "h"(static_cast<uint16_t>(x))); \
      return y & 0xFFFFu;                                            \
    }                                                                \
    __device__ static uint32_t model(NoTables, uint32_t x) {         \
      constexpr Conversion c = how;                                  \
      return convert(c, x);                                          \
    }                                                                \
  };

ULPSCOPE_FROM_F32_TO_16(CvtRnBf16, "cvt.rn.bf16.f32", (cvt(bf16, nearest_even)))
ULPSCOPE_FROM_F32_TO_16(CvtRnReluBf16, "cvt.rn.relu.bf16.f32",
                        (cvt(bf16, nearest_even, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRnFiniteBf16, "cvt.rn.satfinite.bf16.f32",
                        (cvt(bf16, saturating(nearest_even))))
ULPSCOPE_FROM_F32_TO_16(CvtRnReluFiniteBf16, "cvt.rn.relu.satfinite.bf16.f32",
                        (cvt(bf16, saturating(nearest_even), Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRzBf16, "cvt.rz.bf16.f32", (cvt(bf16, toward_zero)))
ULPSCOPE_FROM_F32_TO_16(CvtRzReluBf16, "cvt.rz.relu.bf16.f32",
                        (cvt(bf16, toward_zero, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRzFiniteBf16, "cvt.rz.satfinite.bf16.f32",
                        (cvt(bf16, saturating(toward_zero))))
ULPSCOPE_FROM_F32_TO_16(CvtRzReluFiniteBf16, "cvt.rz.relu.satfinite.bf16.f32",
                        (cvt(bf16, saturating(toward_zero), Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRmBf16, "cvt.rm.bf16.f32", (cvt(bf16, downward)))
ULPSCOPE_FROM_F32_TO_16(CvtRpBf16, "cvt.rp.bf16.f32", (cvt(bf16, upward)))
ULPSCOPE_FROM_F32_TO_16(CvtRnF16, "cvt.rn.f16.f32", (cvt(fp16, nearest_even)))
ULPSCOPE_FROM_F32_TO_16(CvtRnReluF16, "cvt.rn.relu.f16.f32",
                        (cvt(fp16, nearest_even, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRnFiniteF16, "cvt.rn.satfinite.f16.f32",
                        (cvt(fp16, saturating(nearest_even))))
ULPSCOPE_FROM_F32_TO_16(CvtRnReluFiniteF16, "cvt.rn.relu.satfinite.f16.f32",
                        (cvt(fp16, saturating(nearest_even), Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRzF16, "cvt.rz.f16.f32", (cvt(fp16, toward_zero)))
ULPSCOPE_FROM_F32_TO_16(CvtRzReluF16, "cvt.rz.relu.f16.f32",
                        (cvt(fp16, toward_zero, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRzFiniteF16, "cvt.rz.satfinite.f16.f32",
                        (cvt(fp16, saturating(toward_zero))))
ULPSCOPE_FROM_F32_TO_16(CvtRzReluFiniteF16, "cvt.rz.relu.satfinite.f16.f32",
                        (cvt(fp16, saturating(toward_zero), Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_16(CvtRmF16, "cvt.rm.f16.f32", (cvt(fp16, downward)))
ULPSCOPE_FROM_F32_TO_16(CvtRpF16, "cvt.rp.f16.f32", (cvt(fp16, upward)))
ULPSCOPE_FROM_F32_TO_16(CvtRnSatF16, "cvt.rn.sat.f16.f32",
                        (cvt(fp16, nearest_even, Clamp::to_unit)))
ULPSCOPE_FROM_F32_TO_16(CvtRzSatF16, "cvt.rz.sat.f16.f32", (cvt(fp16, toward_zero, Clamp::to_unit)))
ULPSCOPE_FROM_F32_TO_16(CvtRmSatF16, "cvt.rm.sat.f16.f32", (cvt(fp16, downward, Clamp::to_unit)))
ULPSCOPE_FROM_F32_TO_16(CvtRpSatF16, "cvt.rp.sat.f16.f32", (cvt(fp16, upward, Clamp::to_unit)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRnTf32, "cvt.rn.tf32.f32", (cvt(tf32, nearest_even)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRnReluTf32, "cvt.rn.relu.tf32.f32",
                          (cvt(tf32, nearest_even, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRnaTf32, "cvt.rna.tf32.f32", (cvt_rna_tf32(Overflow::standard)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRnaFiniteTf32, "cvt.rna.satfinite.tf32.f32",
                          (cvt_rna_tf32(Overflow::saturate)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRzTf32, "cvt.rz.tf32.f32", (cvt(tf32, toward_zero)))
ULPSCOPE_FROM_F32_TO_TF32(CvtRzReluTf32, "cvt.rz.relu.tf32.f32",
                          (cvt(tf32, toward_zero, Clamp::negatives)))
ULPSCOPE_FROM_F32_TO_8(CvtE4m3, "cvt.rn.satfinite.e4m3x2.f32",
                       (cvt(e4m3fn, saturating(nearest_even))))
ULPSCOPE_FROM_F16_TO_8(CvtF16E4m3, "cvt.rn.satfinite.e4m3x2.f16x2",
                       (cvt_from(fp16, cvt(e4m3fn, saturating(nearest_even)))))
ULPSCOPE_FROM_8_TO_F16(CvtE4m3F16, "cvt.rn.f16x2.e4m3x2",
                       (cvt_from(e4m3fn, cvt(fp16, nearest_even))))
ULPSCOPE_FROM_F32_TO_8(CvtReluE4m3, "cvt.rn.satfinite.relu.e4m3x2.f32",
                       (cvt(e4m3fn, saturating(nearest_even), Clamp::negatives)))
ULPSCOPE_FROM_F16_TO_8(CvtReluF16E4m3, "cvt.rn.satfinite.relu.e4m3x2.f16x2",
                       (cvt_from(fp16, cvt(e4m3fn, saturating(nearest_even), Clamp::negatives))))
ULPSCOPE_FROM_8_TO_F16(CvtReluE4m3F16, "cvt.rn.relu.f16x2.e4m3x2",
                       (cvt_from(e4m3fn, cvt(fp16, nearest_even, Clamp::negatives))))
ULPSCOPE_FROM_F32_TO_8(CvtE5m2, "cvt.rn.satfinite.e5m2x2.f32",
                       (cvt(e5m2, saturating(nearest_even))))
ULPSCOPE_FROM_F16_TO_8(CvtF16E5m2, "cvt.rn.satfinite.e5m2x2.f16x2",
                       (cvt_from(fp16, cvt(e5m2, saturating(nearest_even)))))
ULPSCOPE_FROM_8_TO_F16(CvtE5m2F16, "cvt.rn.f16x2.e5m2x2", (cvt_from(e5m2, cvt(fp16, nearest_even))))
ULPSCOPE_FROM_F32_TO_8(CvtReluE5m2, "cvt.rn.satfinite.relu.e5m2x2.f32",
                       (cvt(e5m2, saturating(nearest_even), Clamp::negatives)))
ULPSCOPE_FROM_F16_TO_8(CvtReluF16E5m2, "cvt.rn.satfinite.relu.e5m2x2.f16x2",
                       (cvt_from(fp16, cvt(e5m2, saturating(nearest_even), Clamp::negatives))))
ULPSCOPE_FROM_8_TO_F16(CvtReluE5m2F16, "cvt.rn.relu.f16x2.e5m2x2",
                       (cvt_from(e5m2, cvt(fp16, nearest_even, Clamp::negatives))))

#undef ULPSCOPE_FROM_F32_TO_16
#undef ULPSCOPE_FROM_F32_TO_TF32
#undef ULPSCOPE_FROM_F32_TO_8
#undef ULPSCOPE_FROM_F16_TO_8
#undef ULPSCOPE_FROM_8_TO_F16
// NOLINTEND(cppcoreguidelines-macro-usage)

using Conversions =
    List<CvtRnBf16, CvtRnReluBf16, CvtRnFiniteBf16, CvtRnReluFiniteBf16, CvtRzBf16, CvtRzReluBf16,
         CvtRzFiniteBf16, CvtRzReluFiniteBf16, CvtRmBf16, CvtRpBf16, CvtRnF16, CvtRnReluF16,
         CvtRnFiniteF16, CvtRnReluFiniteF16, CvtRzF16, CvtRzReluF16, CvtRzFiniteF16,
         CvtRzReluFiniteF16, CvtRmF16, CvtRpF16, CvtRnSatF16, CvtRzSatF16, CvtRmSatF16, CvtRpSatF16,
         CvtRnTf32, CvtRnReluTf32, CvtRnaTf32, CvtRnaFiniteTf32, CvtRzTf32, CvtRzReluTf32, CvtE4m3,
         CvtF16E4m3, CvtE4m3F16, CvtReluE4m3, CvtReluF16E4m3, CvtReluE4m3F16, CvtE5m2, CvtF16E5m2,
         CvtE5m2F16, CvtReluE5m2, CvtReluF16E5m2, CvtReluE5m2F16>;

}  // namespace ulpscope::cuda
