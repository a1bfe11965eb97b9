// The door's side of our forward kernel: checks a call, brings its operands to the card and the
// numbers back.
#include "kernels/forward.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "support/device_buffer.hpp"

namespace ulpscope::gpu {

namespace {

using cuda::DeviceBuffer;

}  // namespace

ExposedForward forward(const ForwardCall& call) {
  cuda::check_call(call);
  device();
  const KernelTiles tiles = forward_tiles(call.dim);
  const int64_t count = (call.keys + tiles.keys - 1) / tiles.keys;
  const auto rows = static_cast<size_t>(call.heads * call.rows);
  const auto row_tiles = rows * static_cast<size_t>(count);
  const DeviceBuffer<uint16_t> q(cuda::copied(call.q)), k(cuda::copied(call.k)),
      v(cuda::copied(call.v));
  DeviceBuffer<uint16_t> o(rows * static_cast<size_t>(call.dim));
  DeviceBuffer<float> lse(rows), maxima(row_tiles), lane_sums(row_tiles * 4);
  DeviceBuffer<float> running(row_tiles * static_cast<size_t>(call.dim));
  DeviceBuffer<float> scores(row_tiles * static_cast<size_t>(tiles.keys));
  DeviceBuffer<float> probabilities(scores.size());
  cuda::ForwardLaunch launch = cuda::launch_of(call);
  auto& a = launch.arguments;
  a.q = q.data();
  a.k = k.data();
  a.v = v.data();
  a.o = o.data();
  a.lse = lse.data();
  a.exposed = {scores.data(), probabilities.data(), maxima.data(), lane_sums.data(),
               running.data()};
  const auto run = [&](cuda::Exposure exposure) {
    launch.exposure = exposure;
    cuda::launch_forward(call.format, launch);
    cuda::checked_launch("forward_kernel");
    return std::pair{o.to_host(), cuda::words(lse)};
  };
  const auto shown = run(cuda::Exposure::every_tile);
  // The kernel that shows nothing, for its speed, leaves the same output.
  o.poison();
  lse.poison();
  if (run(cuda::Exposure::nothing) != shown) {
    throw Error(ErrorKind::resource,
                "the tensor-core kernel gives other bits where it does not show its steps");
  }
  return {.scores = cuda::words(scores),
          .probabilities = cuda::words(probabilities),
          .maxima = cuda::words(maxima),
          .lane_sums = cuda::words(lane_sums),
          .running = cuda::words(running),
          .lse = shown.second,
          .o = shown.first};
}

std::vector<double> time_forward(const ForwardTiming& timing) {
  device();
  const double scale = 1 / std::sqrt(static_cast<double>(timing.dim));
  const auto rounded = static_cast<float>(scale);
  constexpr double log2_of_e = 1.4426950408889634;
  const ForwardCall call{.format = timing.format,
                         .heads = timing.heads,
                         .rows = timing.rows,
                         .keys = timing.rows,
                         .dim = timing.dim,
                         .seen = timing.seen,
                         .scale = bit_cast<uint32_t>(rounded),
                         .scale_log2 = bit_cast<uint32_t>(
                             static_cast<float>(static_cast<double>(rounded) * log2_of_e)),
                         .guarded_tiles = 3,  // as many as a diagonal crosses at most
                         .stable = timing.stable,
                         .q = {},
                         .k = {},
                         .v = {}};
  return cuda::time_launches(timing.format, cuda::launch_of(call), timing);
}

}  // namespace ulpscope::gpu

namespace ulpscope::cuda {

using gpu::ForwardCall;

namespace {

constexpr int64_t most_positions = 1 << 20;  // rows or keys: places are counted in 32 bits
constexpr int64_t most_heads = 65535;        // of a grid's second axis

}  // namespace

void check_call(const ForwardCall& call) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::usage, "the tensor-core kernel: " + what);
  };
  if (gpu::forward_tiles(call.dim).rows == 0) {
    refuse("head size " + std::to_string(call.dim) + "; expected a multiple of 8 up to 128");
  }
  if (!(call.format == bf16) && !(call.format == fp16)) refuse("expected bf16 or fp16");
  if (std::min({call.heads, call.rows, call.keys}) < 1 || call.heads > most_heads ||
      std::max(call.rows, call.keys) > most_positions) {
    refuse("expected 1 to 65535 heads, 1 to 2^20 rows and keys");
  }
  const auto size = [&](int64_t positions) {
    return static_cast<size_t>(call.heads * positions * call.dim);
  };
  if (call.q.size() != size(call.rows) || call.k.size() != size(call.keys) ||
      call.v.size() != size(call.keys)) {
    refuse("the operands do not have the sizes of the call");
  }
}

std::vector<uint32_t> words(const DeviceBuffer<float>& buffer) {
  const std::vector<float> numbers = buffer.to_host();
  std::vector<uint32_t> bits(numbers.size());
  std::transform(numbers.begin(), numbers.end(), bits.begin(),
                 [](float x) { return bit_cast<uint32_t>(x); });
  return bits;
}

std::vector<uint16_t> copied(std::span<const uint16_t> codes) {
  return {codes.begin(), codes.end()};
}

ForwardLaunch launch_of(const gpu::ForwardCall& call) {
  const gpu::StableRule rule = call.stable.value_or(gpu::StableRule{0, 0});
  const int64_t shift =
      call.seen == gpu::KeysSeen::up_to_diagonal ? call.keys - call.rows : call.keys;
  return {.arguments = {.rows = static_cast<int>(call.rows),
                        .keys = static_cast<int>(call.keys),
                        .features = static_cast<int>(call.dim),
                        .shift = static_cast<int>(shift),
                        .guarded_tiles = static_cast<int>(call.guarded_tiles),
                        .scale = bit_cast<float>(call.scale),
                        .scale_log2 = bit_cast<float>(call.scale_log2),
                        .factor = bit_cast<float>(rule.factor),
                        .tolerance = bit_cast<float>(rule.tolerance)},
          .heads = static_cast<int>(call.heads),
          .exposure = Exposure::nothing,
          .rule = call.stable ? MaximumRule::stable : MaximumRule::plain};
}

void launch_forward(const Format& format, const ForwardLaunch& launch) {
  if (format == bf16) return launch_forward_bf16(launch);
  launch_forward_f16(launch);
}

}  // namespace ulpscope::cuda
