// The instructions that the forward kernel is meant to consist of, by name and number: in PTX as
// the compiler front writes them, in SASS as the chip runs them.
//
//   one row of Bf16, head size 128: mma.sync ... f32.bf16.bf16.f32 and HMMA.16816.F32.BF16 256
//   times
//
// Counted is the text of one kernel, whose loop over key tiles is written out once. The PTX is in
// the order of the computation (order_in_ptx); ptxas schedules freely, so that in SASS only numbers
// are held. What a row sum and an LSE fuse are the only FMAs: one that joined a product and a
// difference of the softmax would round once where the recipe rounds twice.
// programs/check_listing.cpp compares a listing with it: on every build's PTX as a test, on the
// SASS where cuobjdump is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::cuda {

struct KernelShape {
  std::string_view element;  // "bf16" or "f16"
  int dim;                   // 64 or 128
  int keys;                  // of a tile
  bool stable;
};

struct StatedInstruction {
  std::string ptx;   // how a line of the listing begins, without operands
  std::string sass;  // the same; empty where it is not held
  int count;
};

// A kernel without exposed steps, for one thread: 4 rows of a tile, keys / 4 columns of each.
inline std::vector<StatedInstruction> stated_instructions(const KernelShape& shape) {
  const std::string element(shape.element);
  const int score_products = shape.dim / 16 * (shape.keys / 8) * 2;
  const int output_products = shape.keys / 16 * (shape.dim / 8) * 2;
  const int held = shape.keys;  // numbers of a tile that a thread has: 4 rows, keys / 4 each
  const int stable = shape.stable ? 4 : 0;
  const int pieces = shape.dim / 8;
  const int copies = (128 + 3 * shape.keys) / (128 / pieces);
  return {
      {"cp.async.cg.shared.global", "LDGSTS.E.BYPASS", copies},
      {"ldmatrix.sync.aligned.m8n8.x4.shared.b16", "LDSM.16.M88.4",
       shape.dim / 16 * (2 + shape.keys / 16)},
      {"ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16", "LDSM.16.MT88.4",
       shape.keys / 16 * (shape.dim / 16)},
      {"mma.sync.aligned.m16n8k16.row.col.f32." + element + "." + element + ".f32",
       shape.element == "bf16" ? "HMMA.16816.F32.BF16" : "HMMA.16816.F32",
       score_products + output_products},
      // P, and the four rescale factors.
      {"ex2.approx.f32", "MUFU.EX2", held + 4},
      // Two codes an instruction: P, and O at the end.
      {"cvt.rn." + element + "x2.f32", "F2FP", held / 2 + shape.dim / 4 * 2},
      {"fma.rn.f32", "", 4 + 4},  // row sums, LSE
      // Two roundings an exponent: the product, and the difference. O r, O / l, and a row's four.
      {"mul.rn.f32", "", held + 2 * shape.dim + 12 + stable},
      {"sub.rn.f32", "", held + 4 + stable},
      {"add.rn.f32", "", held + 4},
      {"lg2.approx.f32", "MUFU.LG2", 4},
      {"rcp.rn.f32", "", 4},
  };
}

// In PTX the steps follow each other: Q.K^T, exponentials, P.V.
inline constexpr std::array<std::string_view, 9> order_in_ptx{
    "cp.async.cg", "bar.sync",       "ldmatrix.sync.aligned.m8n8.x4.shared", "mma.sync",
    "shfl.sync",   "ex2.approx.f32", "ldmatrix.sync.aligned.m8n8.x4.trans",  "lg2.approx.f32",
    "st.global"};

// What must not be there: other exponentials and flushed subnormals, local memory.
inline constexpr std::array<std::string_view, 4> absent_in_ptx{"ex2.approx.ftz", ".ftz.f32",
                                                               "st.local", "ld.local"};
inline constexpr std::array<std::string_view, 2> absent_in_sass{"STL", "LDL"};

}  // namespace ulpscope::cuda
