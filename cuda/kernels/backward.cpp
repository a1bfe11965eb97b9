// The door's side of our backward kernels: checks a call, brings its operands to the card and the
// numbers back.
#include "kernels/backward.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <algorithm>
#include <string>

namespace ulpscope::gpu {

namespace {

using cuda::DeviceBuffer;

void check(const BackwardCall& call) {
  cuda::check_call(call.problem);
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::usage, "the tensor-core backward kernels: " + what);
  };
  const auto rows = static_cast<size_t>(call.problem.heads * call.problem.rows);
  if (call.problem.stable) refuse("a stable maximum; expected none");
  if (call.dq_buffers < 1) refuse("no buffer for dQ; expected one or more");
  if (call.delta_lanes != 4 && call.delta_lanes != 8) refuse("expected 4 or 8 lanes for delta");
  if (call.dout.size() != call.problem.q.size() || call.o.size() != call.problem.q.size() ||
      call.lse.size() != rows) {
    refuse("dO, O or LSE does not have the size of the call");
  }
}

std::vector<float> numbers(std::span<const uint32_t> bits) {
  std::vector<float> x(bits.size());
  std::transform(bits.begin(), bits.end(), x.begin(),
                 [](uint32_t word) { return bit_cast<float>(word); });
  return x;
}

}  // namespace

ExposedBackward backward(const BackwardCall& call) {
  check(call);
  device();
  const ForwardCall& p = call.problem;
  const KernelTiles tiles = backward_tiles(p.dim);
  const auto rows = static_cast<size_t>(p.heads * p.rows);
  const auto tile_count = static_cast<size_t>((p.keys + tiles.keys - 1) / tiles.keys);
  const size_t places = rows * tile_count * static_cast<size_t>(tiles.keys);
  const DeviceBuffer<uint16_t> q(cuda::copied(p.q)), k(cuda::copied(p.k)), v(cuda::copied(p.v));
  const DeviceBuffer<uint16_t> dout(cuda::copied(call.dout)), o(cuda::copied(call.o));
  const DeviceBuffer<float> lse(numbers(call.lse));
  DeviceBuffer<float> buffers(
      std::vector<float>(p.q.size() * static_cast<size_t>(call.dq_buffers)));
  DeviceBuffer<float> delta(rows), dp(places);
  DeviceBuffer<uint16_t> dq(p.q.size()), dk(p.k.size()), dv(p.v.size());
  DeviceBuffer<uint16_t> shown_p(places), shown_ds(places);
  const cuda::ForwardArguments common = cuda::launch_of(p).arguments;
  const cuda::BackwardLaunch launch{
      .arguments = {.q = q.data(),
                    .k = k.data(),
                    .v = v.data(),
                    .o = o.data(),
                    .dout = dout.data(),
                    .lse = lse.data(),
                    .delta = delta.data(),
                    .buffers = buffers.data(),
                    .dq = dq.data(),
                    .dk = dk.data(),
                    .dv = dv.data(),
                    .rows = common.rows,
                    .keys = common.keys,
                    .features = common.features,
                    .shift = common.shift,
                    .buffer_count = static_cast<int>(call.dq_buffers),
                    .delta_lanes = call.delta_lanes,
                    .scale = common.scale,
                    .scale_log2 = common.scale_log2,
                    .exposed = {.p = shown_p.data(), .dp = dp.data(), .ds = shown_ds.data()}},
      .heads = static_cast<int>(p.heads)};
  if (p.format == bf16) {
    cuda::launch_backward_bf16(launch);
  } else {
    cuda::launch_backward_f16(launch);
  }
  cuda::checked_launch("sweep_kernel");
  return {.delta = cuda::words(delta),
          .p = shown_p.to_host(),
          .dp = cuda::words(dp),
          .ds = shown_ds.to_host(),
          .dq = dq.to_host(),
          .dk = dk.to_host(),
          .dv = dv.to_host()};
}

}  // namespace ulpscope::gpu
