// Dumps the special function unit's results over one octave, for tools/generate/fit_mufu.
//
//   dump_mufu DATE FILE
//
// FILE gets three times 2^23 little-endian binary32 codes: ex2 of k/2^23, then lg2 and rcp of
// 1 + k/2^23, k ascending: every table row at every operand. 96 MiB; fit it where it was made and
// keep the tables. Instructions: MUFU.EX2, MUFU.LG2, MUFU.RCP.
#include <fstream>

#include "hardware/instructions.cuh"
#include "support/device_buffer.hpp"
#include "support/probe.hpp"

namespace ulpscope::cuda {
namespace {

constexpr uint32_t octave = 1u << 23;

__global__ void dump(uint32_t* results) {
  const uint32_t k = blockIdx.x * blockDim.x + threadIdx.x;
  const uint32_t above_one = 0x3F800000u + k;
  const float fraction = __uint2float_rn(k) * 0x1p-23f;  // exact: 23 bits
  results[k] = Ex2Ftz::chip(__float_as_uint(fraction));
  results[octave + k] = Lg2Ftz::chip(above_one);
  results[2 * octave + k] = RcpFtz::chip(above_one);
}

int probe(char** argv) {
  constexpr uint32_t threads = 256;
  DeviceBuffer<uint32_t> results(3 * size_t{octave});
  dump<<<octave / threads, threads>>>(results.data());
  checked_launch("dump");
  const auto words = results.to_host();
  std::ofstream file(argv[2], std::ios::binary);
  file.write(reinterpret_cast<const char*>(words.data()),
             static_cast<std::streamsize>(words.size() * sizeof(uint32_t)));
  if (!file.flush()) throw Error(ErrorKind::resource, std::string(argv[2]) + ": cannot write");
  return 0;
}

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  return ulpscope::cuda::probe_main(argc, argv, 2, "DATE FILE", ulpscope::cuda::probe);
}
