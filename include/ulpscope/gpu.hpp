// The plain C++ door to the GPU room: what the tool may ask of a graphics card.
//
//   for (const auto& check : gpu::verify({.chip = chip_named("h200")})) ...
//     wgmma.m64n8k32.f32.e4m3.e4m3   tried 1000000014   differences 0
//
// `verify` holds the models of hardware/ against the card that is there, instruction by
// instruction. Every function throws an Error of kind resource where no card answers, and in a
// build without CUDA. Behind the door: cuda/. Tested by tests/cli/exit_codes_test.cpp (without a
// card) and on an H200: docs/validation.
#pragma once

#include "ulpscope/hardware/chip.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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

}  // namespace ulpscope::gpu
