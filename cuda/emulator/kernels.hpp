// The kernels of the forward pass, launched on a stream: what forward.cpp drives.
//
// A turn: scores, softmax, probabilities, products, joins; then the ends of the rows. Between the
// kernels everything lies in device memory: of a head of 8,192 rows some 30 MB, which cost a
// hundredth of the sums' time.
#pragma once

#include "emulator/forward_job.hpp"
#include <cuda_runtime_api.h>

namespace ulpscope::cuda {

// Codes (rows x length, row-major) as an operand's rows, or its columns where they are V's: then
// `to` has rows of `rows` terms. All of the operand's padding becomes zero; *any is set where one
// is special.
enum class Codes { by_rows, by_columns };
void decode(cudaStream_t stream, Codes codes, const uint16_t* from, int64_t rows, int64_t length,
            const DeviceOperand& to, int64_t to_rows, int* any);

// Forgets what rows carry; O becomes 0. `plan` is the job's, in the host's memory.
void start_rows(cudaStream_t stream, const ForwardJob& job, const Plan& plan);

// One turn, in this order. Nothing is done for row tiles whose walk is over.
void run_score_chains(cudaStream_t stream, const ForwardJob& job, const Plan& plan, int turn);
void run_softmax(cudaStream_t stream, const ForwardJob& job, int turn);
void set_probabilities(cudaStream_t stream, const ForwardJob& job, int turn);
void run_output_chains(cudaStream_t stream, const ForwardJob& job, const Plan& plan, int turn);
void run_joins(cudaStream_t stream, const ForwardJob& job, int turn);

// How rows end: as outputs, as one of several parts, and as the parts' outputs.
void finish_rows(cudaStream_t stream, const ForwardJob& job);
struct PartOutput {
  uint32_t* o;
  uint32_t* lse;
  uint32_t* maximum;
  uint32_t* sum;
};
void finish_part(cudaStream_t stream, const ForwardJob& job, const PartOutput& part);
void combine_parts(cudaStream_t stream, const ForwardJob& job);

}  // namespace ulpscope::cuda
