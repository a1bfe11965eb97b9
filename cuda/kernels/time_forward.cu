// The time of the forward kernel: events around every launch, operands from several sets in turn,
// so that no launch finds its own in the cache.
//
// Operands are sums of four uniform numbers, near enough to N(0, 1), from a counter.
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/forward.hpp"
#include "support/scatter.cuh"
#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace ulpscope::cuda {
namespace {

enum class Codes { bf16, f16 };

__global__ void fill(uint16_t* codes, int64_t count, uint64_t seed, Codes format) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const uint64_t bits = scatter(seed + static_cast<uint64_t>(i));
  float sum = -2;
  for (int part = 0; part < 4; ++part) {
    sum += static_cast<float>(bits >> (16 * part) & 0xFFFF) * 0x1p-16f;
  }
  constexpr float to_unit_variance = 1.7320508f;  // of four uniform numbers: 1/3
  const float x = sum * to_unit_variance;
  codes[i] = format == Codes::bf16 ? __bfloat16_as_ushort(__float2bfloat16_rn(x))
                                   : __half_as_ushort(__float2half_rn(x));
}

struct Operands {
  explicit Operands(size_t count) : q(count), k(count), v(count) {}
  DeviceBuffer<uint16_t> q, k, v;
};

void fill_all(Operands& set, uint64_t seed, Codes format) {
  constexpr uint32_t threads = 256;
  for (DeviceBuffer<uint16_t>* tensor : {&set.q, &set.k, &set.v}) {
    const auto count = static_cast<int64_t>(tensor->size());
    fill<<<static_cast<uint32_t>((count + threads - 1) / threads), threads>>>(tensor->data(), count,
                                                                              seed << 40, format);
    checked_launch("fill");
    ++seed;
  }
}

class Event {
 public:
  Event() { checked(cudaEventCreate(&event_), "cudaEventCreate"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() { checked(cudaEventRecord(event_), "cudaEventRecord"); }
  double since(const Event& start) const {
    float milliseconds = 0;
    checked(cudaEventElapsedTime(&milliseconds, start.event_, event_), "cudaEventElapsedTime");
    return milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

std::vector<double> time_launches(const Format& format, ForwardLaunch launch,
                                  const gpu::ForwardTiming& timing) {
  const auto rows = static_cast<size_t>(timing.heads * timing.rows);
  const size_t count = rows * static_cast<size_t>(timing.dim);
  std::vector<std::unique_ptr<Operands>> sets;
  for (int i = 0; i < timing.input_sets; ++i) {
    sets.push_back(std::make_unique<Operands>(count));
    fill_all(*sets.back(), static_cast<uint64_t>(3 * i + 1),
             format == bf16 ? Codes::bf16 : Codes::f16);
  }
  DeviceBuffer<uint16_t> o(count);
  DeviceBuffer<float> lse(rows);
  launch.arguments.o = o.data();
  launch.arguments.lse = lse.data();
  const int warm = timing.launches / 10 + 1;
  const int all = warm + timing.launches;
  std::vector<Event> begins(static_cast<size_t>(all)), ends(static_cast<size_t>(all));
  for (size_t i = 0; i < begins.size(); ++i) {
    Operands& set = *sets[i % sets.size()];
    launch.arguments.q = set.q.data();
    launch.arguments.k = set.k.data();
    launch.arguments.v = set.v.data();
    begins[i].record();
    launch_forward(format, launch);
    ends[i].record();
  }
  checked_launch("forward_kernel");
  std::vector<double> times;
  for (size_t i = static_cast<size_t>(warm); i < begins.size(); ++i) {
    times.push_back(ends[i].since(begins[i]));
  }
  return times;
}

}  // namespace ulpscope::cuda
