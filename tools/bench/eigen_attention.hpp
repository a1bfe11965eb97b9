// A straightforward causal attention in binary32 by Eigen, forward and backward: what the same
// products cost where no bit is looked at. One thread, one head, rows in blocks of 64.
#pragma once

#include <cstdint>

namespace ulpscope::bench {

// (length, dim) each, row by row.
struct FloatHead {
  int64_t length;
  int64_t dim;
  const float* q;
  const float* k;
  const float* v;
};

struct FloatOutputs {
  const float* dout;
  const float* o;
  const float* lse;
};

struct FloatGradients {
  float* dq;
  float* dk;
  float* dv;
};

void eigen_forward(const FloatHead& head, float* o, float* lse);
void eigen_backward(const FloatHead& head, const FloatOutputs& outputs, const FloatGradients& to);

}  // namespace ulpscope::bench
