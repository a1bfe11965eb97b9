// The launch of our forward kernel: what the host hands to the device.
//
// Filled by forward.cpp, read by forward.cuh; all sizes have been checked.
#pragma once

#include "ulpscope/gpu.hpp"

#include "support/device_buffer.hpp"
#include <cuda_runtime_api.h>

namespace ulpscope::cuda {

// Where a kernel that exposes its steps leaves them: ExposedForward says in which order.
struct ExposedSteps {
  float* scores;
  float* probabilities;
  float* maxima;
  float* lane_sums;
  float* running;
};

struct ForwardArguments {
  const uint16_t* q = nullptr;
  const uint16_t* k = nullptr;
  const uint16_t* v = nullptr;
  uint16_t* o = nullptr;
  float* lse = nullptr;
  int rows;
  int keys;
  int features;  // head size
  int shift;     // row i sees the keys up to i + shift
  int guarded_tiles;
  float scale;
  float scale_log2;
  float factor;     // of the stable maximum
  float tolerance;  // in units of the scores
  ExposedSteps exposed = {};
};

enum class Exposure { nothing, every_tile };
enum class MaximumRule { plain, stable };

struct ForwardLaunch {
  ForwardArguments arguments;
  int heads;
  Exposure exposure;
  MaximumRule rule;
};

// An Error of kind usage where the kernels do not take a call.
void check_call(const gpu::ForwardCall& call);

// The numbers of a call; its pointers are left to the caller.
ForwardLaunch launch_of(const gpu::ForwardCall& call);

// Without waiting; an Error of kind resource if the launch fails.
void launch_forward_bf16(const ForwardLaunch& launch);
void launch_forward_f16(const ForwardLaunch& launch);
void launch_forward(const Format& format, const ForwardLaunch& launch);  // one of the two

// gpu::time_forward with everything but the operands in `launch`.
std::vector<double> time_launches(const Format& format, ForwardLaunch launch,
                                  const gpu::ForwardTiming& timing);

std::vector<uint16_t> copied(std::span<const uint16_t> codes);
std::vector<uint32_t> words(const DeviceBuffer<float>& buffer);

}  // namespace ulpscope::cuda
