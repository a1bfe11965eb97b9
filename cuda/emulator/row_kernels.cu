// See kernels.hpp. A row's steps are those of attention/row_pass.hpp, a thread a row, by the core's
// integers (ScalarSink).
#include "emulator/kernels.hpp"
#include "emulator/placing.cuh"

namespace ulpscope::cuda {
namespace {

constexpr int row_threads = 64;

// body(machine, placed row) of every row.
template <class Body>
__device__ void each_row(const ForwardJob& job, const Body& body) {
  const int64_t at = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (at >= job.heads * job.rows) return;
  const PlacedRow row = placed(job, at);
  ScalarSink sink;
  Machine<ScalarSink> machine(*job.plan, sink);
  machine.enter_rows((job.first_head + static_cast<uint64_t>(row.head)) *
                         static_cast<uint64_t>(job.rows) +
                     static_cast<uint64_t>(row.row - row.in_tile));
  machine.enter_tile(job.last_tiles[at]);
  body(machine, row);
}

__device__ RowOutput output_of(const ForwardJob& job, const PlacedRow& row) {
  const int64_t dim = job.plan->problem.dim;
  return {job.o + row.at * dim, job.update + row.at * dim};
}

__global__ void start(ForwardJob job) {
  const int64_t at = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (at >= job.heads * job.rows) return;
  job.states[at] = RowState{};
}

__global__ void __launch_bounds__(row_threads) softmax(ForwardJob job, int turn) {
  each_row(job, [&](Machine<ScalarSink>& machine, const PlacedRow& row) {
    const Visit visit = visit_of(job, row, turn);
    if (visit.tile < 0) return;
    job.last_tiles[row.at] = static_cast<int32_t>(visit.tile);
    machine.enter_tile(visit.tile);
    const KeySpan keys = keys_of(*job.plan, visit, row.row);
    const ScoreRow scores{job.scores + row.at * job.score_stride,
                          job.scaled + row.at * job.score_stride};
    const Elements seen = detail::seen_elements(row.in_tile, keys);
    machine.at(Site::scores, [&](auto step) { cast_elements(step, seen, scores.s + keys.begin); });
    job.factors[row.at] =
        softmax_row(machine, {job.terms[row.head], row.row}, row.in_tile, keys, scores,
                    kept_of(job, row, visit.last), job.states[row.at], output_of(job, row).o);
    machine.at(Site::probability_cast,
               [&](auto step) { cast_elements(step, seen, scores.s + keys.begin); });
    job.p.special[row.at] = 0;
  });
}

__global__ void __launch_bounds__(row_threads) join(ForwardJob job, int turn) {
  each_row(job, [&](const Machine<ScalarSink>& machine, const PlacedRow& row) {
    const Visit visit = visit_of(job, row, turn);
    if (visit.tile < 0) return;
    const RowOutput output = output_of(job, row);
    uint32_t* const product =
        job.plan->accumulator == Accumulator::registers ? output.o : output.update;
    machine.at(Site::output_accumulate, [&](auto step) {
      cast_elements(step, {row.in_tile, 0, job.plan->problem.dim}, product);
    });
    join_product(machine, row.in_tile, job.factors[row.at], visit.last,
                 kept_of(job, row, visit.last), output, job.states[row.at]);
  });
}

// ---- Ends --------------------------------------------------------------------

constexpr uint32_t plus_infinity32 = 0x7F80'0000;

__global__ void __launch_bounds__(row_threads) finish(ForwardJob job) {
  each_row(job, [&](const Machine<ScalarSink>& machine, const PlacedRow& row) {
    uint32_t* const o = output_of(job, row).o;
    const RowEnd end = finish_row(machine, row.in_tile, job.states[row.at], plus_infinity32, o, o);
    job.lse[row.at] = end.lse;
    job.base2[row.at] = end.base2;
    store_output(machine, row.in_tile, o);
  });
}

__global__ void __launch_bounds__(row_threads) end_part(ForwardJob job, PartOutput part) {
  each_row(job, [&](const Machine<ScalarSink>& machine, const PlacedRow& row) {
    const int64_t dim = job.plan->problem.dim;
    const uint32_t* const o = output_of(job, row).o;
    uint32_t* const to = part.o + row.at * dim;
    const RowState& state = job.states[row.at];
    switch (job.plan->recipe->split.combine) {
      case Combine::unnormalised:
        for (int64_t d = 0; d < dim; ++d) to[d] = o[d];
        part.maximum[row.at] = state.maximum;
        part.sum[row.at] = row_sum_of(machine, row.in_tile, state);
        return;
      case Combine::normalised: break;
    }
    if (visit_of(job, row, 0).tile < 0) {
      for (int64_t d = 0; d < dim; ++d) to[d] = 0;
      part.lse[row.at] = minus_infinity32;
      return;
    }
    part.lse[row.at] = finish_row(machine, row.in_tile, state, minus_infinity32, o, to).lse;
  });
}

__global__ void __launch_bounds__(row_threads) combine(ForwardJob job) {
  each_row(job, [&](const Machine<ScalarSink>& machine, const PlacedRow& row) {
    uint32_t* const o = output_of(job, row).o;
    const int64_t rows = job.heads * job.rows;
    // The pass counts a row within its tile.
    const int64_t before = row.at - row.in_tile;
    const PartsInPlace parts{job.parts.dim, job.parts.o + before * job.parts.dim,
                             job.parts.lse + before, job.parts.maximum + before,
                             job.parts.sum + before};
    job.base2[row.at] = 0;
    switch (job.plan->recipe->split.combine) {
      case Combine::normalised:
        job.lse[row.at] = combine_row(machine, parts, rows, row.in_tile, o);
        break;
      case Combine::unnormalised: {
        const CombinedSums joint = combine_sums(machine, parts, rows, row.in_tile, o);
        job.lse[row.at] = finish_joined_row(machine, row.in_tile, joint, plus_infinity32, o).lse;
        break;
      }
    }
    store_output(machine, row.in_tile, o);
  });
}

unsigned row_blocks(const ForwardJob& job) { return blocks(job.heads * job.rows, row_threads); }

}  // namespace

void start_rows(cudaStream_t stream, const ForwardJob& job, const Plan& plan) {
  start<<<row_blocks(job), row_threads, 0, stream>>>(job);
  launched("start");
  const auto size = static_cast<size_t>(job.heads * job.rows * plan.problem.dim);
  checked(cudaMemsetAsync(job.o, 0, size * sizeof(uint32_t), stream), "cudaMemset");
}

void run_softmax(cudaStream_t stream, const ForwardJob& job, int turn) {
  softmax<<<row_blocks(job), row_threads, 0, stream>>>(job, turn);
  launched("softmax");
}

void run_joins(cudaStream_t stream, const ForwardJob& job, int turn) {
  join<<<row_blocks(job), row_threads, 0, stream>>>(job, turn);
  launched("join");
}

void finish_rows(cudaStream_t stream, const ForwardJob& job) {
  finish<<<row_blocks(job), row_threads, 0, stream>>>(job);
  launched("finish");
}

void finish_part(cudaStream_t stream, const ForwardJob& job, const PartOutput& part) {
  end_part<<<row_blocks(job), row_threads, 0, stream>>>(job, part);
  launched("end_part");
}

void combine_parts(cudaStream_t stream, const ForwardJob& job) {
  combine<<<row_blocks(job), row_threads, 0, stream>>>(job);
  launched("combine");
}

}  // namespace ulpscope::cuda
