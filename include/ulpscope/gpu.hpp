// The plain C++ door to the GPU room: what the tool may ask of a graphics card.
//
//   for (const auto& check : gpu::verify({.chip = chip_named("h200")})) ...
//     wgmma.m64n8k32.f32.e4m3.e4m3   tried 1000000014   differences 0
//
// `verify` holds the models of hardware/ against the card that is there, instruction by
// instruction. `forward` and `backward` run our own attention kernels, which show their steps;
// run/kernel_check.hpp holds them against the emulator. `run_forward` is the emulator on the card;
// compare/forward_check.hpp holds it against the host. Every function throws an Error of kind
// resource where no card answers, and in a build without CUDA. Behind the door: cuda/. Tested by
// tests/cli/exit_codes_test.cpp (without a card) and on an H200: docs/validation.
#pragma once

#include "ulpscope/hardware/chip.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

struct Plan;
struct DriverOptions;
struct DriverResult;

}  // namespace ulpscope

namespace ulpscope::gpu {

struct Device {
  std::string name;                // "NVIDIA H200"
  std::string compute_capability;  // "9.0"
  std::string driver;              // "580.159.04"
  std::string runtime;             // of CUDA, "13.0"
  std::string toolkit;             // nvcc's version when this was built, "13.0.88"
};

Device device();

// One instruction or library function against its model, by bits.
struct ModelCheck {
  std::string model;   // "ex2.approx.f32"
  uint64_t tried = 0;  // operands, or outputs of matrix products
  uint64_t differences = 0;
  std::string first = {};   // the first difference: operands, the chip's bits, the model's
  std::string remark = {};  // of a sum that differs: the row that fits, as far as one was found
};

struct VerifyOptions {
  const Chip& chip;                                  // whose rows are held against the card
  uint64_t sums = 1'000'000'000;                     // outputs of each kind of matrix instruction
  uint64_t triples = 1'000'000'000;                  // operands of each instruction of two or three
  std::function<void(const ModelCheck&)> each = {};  // as soon as it is known
  const std::atomic<bool>* stop = nullptr;           // asked between checks
};

std::vector<ModelCheck> verify(const VerifyOptions& options);

// Our kernels in FlashAttention-2's order: tiles of the forward one for a head size, 0 where there
// is none.
struct KernelTiles {
  int64_t rows;
  int64_t keys;
};
constexpr KernelTiles forward_tiles(int64_t dim) {
  if (dim < 8 || dim > 128 || dim % 8 != 0) return {0, 0};
  return {.rows = 128, .keys = dim <= 64 ? 128 : 64};
}

enum class KeysSeen { all, up_to_diagonal };  // the last row's diagonal is the last key

// The published rule of the stable maximum, in units of the scores: attention/maximum.hpp.
struct StableRule {
  uint32_t factor;
  uint32_t tolerance;
};

// One call, its constants decided by a plan. Binary32 numbers are bits, tensors (heads, rows or
// keys, dim) codes of the format; every head has its own K and V.
struct ForwardCall {
  Format format;  // bf16 or fp16
  int64_t heads;
  int64_t rows;
  int64_t keys;
  int64_t dim;
  KeysSeen seen;
  uint32_t scale;
  uint32_t scale_log2;
  int64_t guarded_tiles;  // Plan::guarded_tiles
  std::optional<StableRule> stable;
  std::span<const uint16_t> q;
  std::span<const uint16_t> k;
  std::span<const uint16_t> v;
};

// All that the kernel computes on the way, as binary32 bits; a tile that a row's block does not
// visit keeps `unwritten`.
struct ExposedForward {
  static constexpr uint32_t unwritten = 0xA5A5'A5A5;
  std::vector<uint32_t> scores;         // (heads, rows, tiles, keys of a tile), before the scale
  std::vector<uint32_t> probabilities;  // the same, before the cast
  std::vector<uint32_t> maxima;         // (heads, rows, tiles)
  std::vector<uint32_t> lane_sums;      // (heads, rows, tiles, 4)
  std::vector<uint32_t> running;        // (heads, rows, tiles, dim), O after each tile
  std::vector<uint32_t> lse;            // (heads, rows)
  std::vector<uint16_t> o;              // (heads, rows, dim), codes
};

// An Error of kind usage where the kernel does not take the call.
ExposedForward forward(const ForwardCall& call);

// The tiles of our backward kernels, 0 where there is none.
constexpr KernelTiles backward_tiles(int64_t dim) {
  if (forward_tiles(dim).rows == 0) return {0, 0};
  return {.rows = dim <= 64 ? 128 : 64, .keys = 128};
}

// `problem` as the forward pass has it, without a stable maximum; what that left; dO.
struct BackwardCall {
  ForwardCall problem;
  int64_t dq_buffers;  // BackwardPlan::dq_buffers
  int delta_lanes;     // of 8 columns: DeltaLayout
  std::span<const uint16_t> dout;
  std::span<const uint16_t> o;
  std::span<const uint32_t> lse;
};

// (heads, rows, tiles, keys of a tile) for pairs; codes, and binary32 bits in 32 bits.
struct ExposedBackward {
  std::vector<uint32_t> delta;  // (heads, rows)
  std::vector<uint16_t> p;      // P recomputed, as the product for dV takes it
  std::vector<uint32_t> dp;
  std::vector<uint16_t> ds;  // as the products take it
  std::vector<uint16_t> dq;  // (heads, rows, dim)
  std::vector<uint16_t> dk;  // (heads, keys, dim)
  std::vector<uint16_t> dv;
};

// An Error of kind usage where the kernels do not take the call.
ExposedBackward backward(const BackwardCall& call);

struct ForwardTiming {
  int64_t heads;
  int64_t rows;  // and keys
  int64_t dim;
  KeysSeen seen;
  Format format;
  std::optional<StableRule> stable;
  int launches = 50;   // that are timed, after a tenth as many that are not
  int input_sets = 4;  // taken in turn
};

// Milliseconds of each launch of the kernel that shows nothing, by events, on N(0, 1) operands.
std::vector<double> time_forward(const ForwardTiming& timing);

// The forward pass of attention/driver.hpp on the card: any recipe, chip row, format and mode, with
// the bits of the host. Errors of kind usage for what it does not cover: a log of roundings, sites
// that are exact. The result has no statistics.
DriverResult run_forward(const Plan& plan, const DriverOptions& options);

}  // namespace ulpscope::gpu
