// The instructions that our kernels are meant to consist of, by name and number: in PTX as the
// front of the compiler writes them, in SASS as the chip runs them.
//
//   forward_kernel<Bf16, head size 128>: mma.sync ... bf16.bf16.f32 and HMMA.16816.F32.BF16, 256
//   each
//
// Counted is the text of one kernel, whose loops over tiles are written out once. The PTX is in the
// order of the computation; ptxas schedules freely, so that in SASS only numbers are held. The FMAs
// of row sums and LSE are the only ones: one that joined a product and a difference of the softmax
// would round once where the recipe rounds twice. programs/check_listing.cpp compares listings with
// it: the PTX of every build as a test, SASS where cuobjdump is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::cuda {

struct StatedInstruction {
  std::string ptx;   // how a line of the listing begins
  std::string sass;  // the same; empty where it is not held
  int count;
};

struct StatedKernel {
  std::string name;
  std::vector<std::string> mangled;  // parts of its name in a listing
  std::vector<StatedInstruction> instructions;
  std::vector<std::string_view> order_in_ptx;  // each begins somewhere after the one before
};

// What must not be there: other exponentials and flushed subnormals, memory for what should be
// registers. The sweep for head size 64 spills five of them.
inline constexpr std::string_view absent_in_ptx[] = {"ex2.approx.ftz", "mul.ftz", "add.ftz",
                                                     "sub.ftz", "fma.rn.ftz"};

inline constexpr std::string_view load_by_rows = "ldmatrix.sync.aligned.m8n8.x4.shared.b16";
inline constexpr std::string_view load_by_columns =
    "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16";

inline std::string mangled_element(std::string_view element) {
  return element == "bf16" ? "4Bf16E" : "3F16E";
}

inline StatedInstruction products(std::string_view element, int count) {
  const std::string e(element);
  return {"mma.sync.aligned.m16n8k16.row.col.f32." + e + "." + e + ".f32",
          element == "bf16" ? "HMMA.16816.F32.BF16" : "HMMA.16816.F32", count};
}

// 16 bytes a thread; `rows` of all tiles that are copied.
inline StatedInstruction copies(int rows, int dim, int threads) {
  return {"cp.async.cg.shared.global", "LDGSTS.E.BYPASS", rows * (dim / 8) / threads};
}

inline StatedInstruction casts(std::string_view element, int count) {
  return {"cvt.rn." + std::string(element) + "x2.f32", "F2FP", count};
}

enum class StatedRule { plain, stable };

// The forward kernel that shows nothing, one thread of 128: four rows of a tile, keys / 4 columns
// of each.
inline StatedKernel stated_forward(std::string_view element, int dim, StatedRule rule) {
  const int keys = dim == 64 ? 128 : 64;
  const int held = keys;  // numbers of a tile
  const bool stable = rule == StatedRule::stable;
  const int moved = stable ? 4 : 0;
  return {
      .name = "forward " + std::string(element) + ", head size " + std::to_string(dim) +
              (stable ? ", stable" : ""),
      .mangled = {"forward_kernel", mangled_element(element),
                  "ForwardTileILi" + std::to_string(dim) + "E", "ExposureE0",
                  stable ? "MaximumRuleE1" : "MaximumRuleE0"},
      .instructions = {copies(128 + 3 * keys, dim, 128),
                       {std::string(load_by_rows), "LDSM.16.M88.4", dim / 16 * (2 + keys / 16)},
                       {std::string(load_by_columns), "LDSM.16.MT88.4", keys / 16 * (dim / 16)},
                       products(element, 2 * (dim / 16 * (keys / 8) + keys / 16 * (dim / 8))),
                       {"ex2.approx.f32", "MUFU.EX2", held + 4},  // P, and r of four rows
                       casts(element, held / 2 + dim / 2),        // P, and O at the end
                       {"fma.rn.f32", "", 4 + 4},                 // row sums, LSE
                       // Two roundings an exponent. O r and O / l, and three products of each row.
                       {"mul.rn.f32", "", held + 2 * dim + 12 + moved},
                       {"sub.rn.f32", "", held + 4 + moved},
                       {"add.rn.f32", "", held + 4},
                       {"lg2.approx.f32", "MUFU.LG2", 4},
                       {"rcp.rn.f32", "", 4},
                       {"st.local", "STL", 0},
                       {"ld.local", "LDL", 0}},
      .order_in_ptx = {"cp.async.cg", "bar.sync", load_by_rows, "mma.sync", "shfl.sync",
                       "ex2.approx.f32", load_by_columns, "lg2.approx.f32", "st.global"}};
}

// The sweep of the backward pass, one thread of 256: a quarter of 16 keys by the tile's rows.
inline StatedKernel stated_sweep(std::string_view element, int dim) {
  const int rows = dim == 64 ? 128 : 64;
  const int keys = 128;
  const int held = rows / 2;  // pairs of a tile
  const int columns = 64;     // of dQ, a warp
  return {
      .name = "backward " + std::string(element) + ", head size " + std::to_string(dim),
      .mangled = {"sweep_kernel", mangled_element(element),
                  "BackwardTileILi" + std::to_string(dim) + "E"},
      .instructions = {copies(2 * keys + 2 * rows, dim, 256),
                       {std::string(load_by_rows), "LDSM.16.M88.4",
                        2 * (dim / 16) * (1 + rows / 16)},
                       {std::string(load_by_columns), "LDSM.16.MT88.4",
                        2 * (rows / 16) * (dim / 16) + keys / 16 * (1 + columns / 16)},
                       products(element, 2 * (dim / 16) * (rows / 8) + 2 * (rows / 16) * (dim / 8) +
                                             keys / 16 * (columns / 8)),
                       {"ex2.approx.f32", "MUFU.EX2", held},
                       casts(element, held + dim / 2),  // P and dS, dV and dK at the end
                       {"fma.rn.f32", "", 0},
                       // S c, dS, dK scale, L log2 e
                       {"mul.rn.f32", "", 2 * held + dim / 2 + 1},
                       {"sub.rn.f32", "", 2 * held},  // the exponent, dP - delta
                       {"red.global.add.f32", "REDG.E.ADD.F32.FTZ.RN", columns / 2}},
      .order_in_ptx = {"cp.async.cg", "bar.sync", load_by_rows, "mma.sync", "ex2.approx.f32",
                       load_by_columns, "bar.sync", load_by_columns, "red.global.add.f32",
                       "st.global.u32"}};
}

inline std::vector<StatedKernel> stated_kernels(std::string_view pass, std::string_view element) {
  if (pass == "backward") return {stated_sweep(element, 64), stated_sweep(element, 128)};
  return {stated_forward(element, 64, StatedRule::plain),
          stated_forward(element, 64, StatedRule::stable),
          stated_forward(element, 128, StatedRule::plain),
          stated_forward(element, 128, StatedRule::stable)};
}

}  // namespace ulpscope::cuda
