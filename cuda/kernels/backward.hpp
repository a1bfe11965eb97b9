// The launch of our backward kernels: what the host hands to the device.
//
// Filled by backward.cpp, read by backward.cuh; all sizes have been checked.
#pragma once

#include "kernels/forward.hpp"

namespace ulpscope::cuda {

// Every pair of the visited tiles, (heads, rows, tiles, keys of a tile); null where nothing is
// shown.
struct ExposedPairs {
  uint16_t* p = nullptr;  // codes, as the products take them
  float* dp = nullptr;
  uint16_t* ds = nullptr;  // codes
};

struct BackwardArguments {
  const uint16_t* q = nullptr;
  const uint16_t* k = nullptr;
  const uint16_t* v = nullptr;
  const uint16_t* o = nullptr;
  const uint16_t* dout = nullptr;
  const float* lse = nullptr;
  float* delta = nullptr;
  float* buffers = nullptr;  // (heads, buffers, rows, features), zeros at first
  uint16_t* dq = nullptr;
  uint16_t* dk = nullptr;
  uint16_t* dv = nullptr;
  int rows;
  int keys;
  int features;
  int shift;  // row i sees the keys up to i + shift
  int buffer_count;
  int delta_lanes;  // of a row
  float scale;
  float scale_log2;
  ExposedPairs exposed = {};
};

struct BackwardLaunch {
  BackwardArguments arguments;
  int heads;
};

// delta, the sweep and dQ, one after the other, without waiting.
void launch_backward_bf16(const BackwardLaunch& launch);
void launch_backward_f16(const BackwardLaunch& launch);

}  // namespace ulpscope::cuda
