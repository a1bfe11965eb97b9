// See kernels.hpp: codes and probabilities as factors of the products, a thread an element.
#include "emulator/kernels.hpp"
#include "emulator/placing.cuh"

namespace ulpscope::cuda {
namespace {

constexpr int element_threads = 256;

struct Decoding {
  Codes codes;
  const uint16_t* from;
  int64_t rows;
  int64_t length;
  DeviceOperand to;
  int64_t to_rows;
  int* any;
};

// Of every element of the operand.
__global__ void decode_elements(Decoding d) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t row = i / d.to.stride;
  const int64_t k = i % d.to.stride;
  if (row >= d.to_rows) return;
  const bool by_rows = d.codes == Codes::by_rows;
  const int64_t source_row = by_rows ? row : k;
  const int64_t source_column = by_rows ? k : row;
  if (source_row >= d.rows || source_column >= d.length) {
    d.to.values[i] = 0;
    d.to.exponents[i] = zero_lane_exponent;
    d.to.codes[i] = 0;
    return;
  }
  const uint32_t code = d.from[source_row * d.length + source_column];
  set_factor(d.to, row, k, code);
  if (d.any != nullptr && lane(d.to.format, code).special) *d.any = 1;
}

// P as factors of the second product, and zeros behind it.
__global__ void probabilities(ForwardJob job, int turn) {
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t at = i / job.p.stride;
  const int64_t k = i % job.p.stride;
  if (at >= job.heads * job.rows || visit_of(job, placed(job, at), turn).tile < 0) return;
  const uint32_t bits = k < job.plan->tile_keys ? job.scores[at * job.score_stride + k] : 0;
  set_factor(job.p, at, k, static_cast<uint32_t>(code_of(job.p.format, bits)));
}

}  // namespace

void decode(cudaStream_t stream, Codes codes, const uint16_t* from, int64_t rows, int64_t length,
            const DeviceOperand& to, int64_t to_rows, int* any) {
  checked(cudaMemsetAsync(to.special, 0, static_cast<size_t>(to_rows), stream), "cudaMemset");
  decode_elements<<<blocks(to_rows * to.stride, element_threads), element_threads, 0, stream>>>(
      {codes, from, rows, length, to, to_rows, any});
  launched("decode_elements");
}

void set_probabilities(cudaStream_t stream, const ForwardJob& job, int turn) {
  probabilities<<<blocks(job.heads * job.rows * job.p.stride, element_threads), element_threads, 0,
                  stream>>>(job, turn);
  launched("probabilities");
}

}  // namespace ulpscope::cuda
