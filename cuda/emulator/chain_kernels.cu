// See kernels.hpp: the two products, chains of fused sums (chains.cuh).
#include "emulator/chains.cuh"
#include "emulator/kernels.hpp"
#include "emulator/placing.cuh"

namespace ulpscope::cuda {
namespace {

// The rows of a block of chains: a piece of a row tile of one head.
struct BlockRows {
  PlacedRow first;
  int count;
};
__device__ BlockRows block_rows(const ForwardJob& job) {
  const int64_t tile_rows = job.plan->tile_rows;
  const int64_t pieces = (tile_rows + block_edge - 1) / block_edge;
  const int64_t tile = blockIdx.y / pieces;
  const int64_t in_tile = blockIdx.y % pieces * block_edge;
  const int64_t first = tile * tile_rows + in_tile;
  const int64_t end = min(min((tile + 1) * tile_rows, job.rows), first + block_edge);
  return {{blockIdx.z * job.rows + first, first, tile, blockIdx.z, in_tile},
          static_cast<int>(end - first)};
}

__device__ bool takes_fast_form(const FusedSum& sum, const DeviceOperand& a, const DeviceOperand& b,
                                int64_t from) {
  return fits_floats(sum, {a.format, b.format}) && from % 4 == 0;
}

__device__ int count_of(int64_t all, int64_t first) {
  return static_cast<int>(min(all - first, int64_t{block_edge}));
}

// S of one key tile: chains along the features.
__global__ void __launch_bounds__(block_threads, 2) score_chains(ForwardJob job, int turn) {
  __shared__ SharedTerms a;
  __shared__ SharedTerms b;
  const BlockRows rows = block_rows(job);
  if (rows.count <= 0) return;
  const Visit visit = visit_of(job, rows.first, turn);
  if (visit.tile < 0) return;
  const Plan& plan = *job.plan;
  const int64_t column = int64_t{blockIdx.x} * block_edge;
  const int64_t first_key = visit.tile * plan.tile_keys + column;
  const int keys = count_of(min(plan.tile_keys - column, plan.problem.keys - first_key), 0);
  if (keys <= 0) return;
  const ChainBlock block{.sum = plan.sum,
                         .grid = float_grid(plan.sum),
                         .fast = takes_fast_form(plan.sum, job.q, job.k, 0),
                         .a = job.q,
                         .b = job.k,
                         .first_row = rows.first.at,
                         .rows = rows.count,
                         .first_column = first_key,
                         .columns = keys,
                         .from = 0,
                         .length = static_cast<int>(plan.problem.dim),
                         .c = job.scores + rows.first.at * job.score_stride + column,
                         .c_stride = job.score_stride,
                         .from_zero = true};
  run_chains(block, a, b, [&](int) { return block.length; });
}

// P16.V of one key tile: chains along its keys, as many as the row sees.
__global__ void __launch_bounds__(block_threads, 2) output_chains(ForwardJob job, int turn) {
  __shared__ SharedTerms a;
  __shared__ SharedTerms b;
  const BlockRows rows = block_rows(job);
  if (rows.count <= 0) return;
  const Visit visit = visit_of(job, rows.first, turn);
  if (visit.tile < 0) return;
  const Plan& plan = *job.plan;
  const int64_t feature = int64_t{blockIdx.x} * block_edge;
  const bool in_registers = plan.accumulator == Accumulator::registers;
  uint32_t* const o = in_registers ? job.o : job.update;
  const int64_t dim = plan.problem.dim;
  const ChainBlock block{
      .sum = plan.sum,
      .grid = float_grid(plan.sum),
      .fast = takes_fast_form(plan.sum, job.p, job.v, visit.tile * plan.tile_keys),
      .a = job.p,
      .b = job.v,
      .first_row = rows.first.at,
      .rows = rows.count,
      .first_column = feature,
      .columns = count_of(dim, feature),
      .from = visit.tile * plan.tile_keys,
      .length = static_cast<int>(plan.tile_keys),
      .c = o + rows.first.at * dim + feature,
      .c_stride = dim,
      .from_zero = !in_registers};
  // Where V holds an infinity or NaN, hidden keys count too: 0 times it is NaN.
  const bool all = *job.v_special != 0;
  run_chains(block, a, b, [&](int i) {
    return static_cast<int>(all ? plan.tile_keys : keys_of(plan, visit, rows.first.row + i).end);
  });
}

// Of every row tile's rows in pieces, and so many columns.
dim3 chain_blocks(const ForwardJob& job, const Plan& plan, int64_t columns) {
  const unsigned pieces = blocks(plan.tile_rows, block_edge) * static_cast<unsigned>(job.row_tiles);
  return {blocks(columns, block_edge), pieces, static_cast<unsigned>(job.heads)};
}

}  // namespace

void run_score_chains(cudaStream_t stream, const ForwardJob& job, const Plan& plan, int turn) {
  score_chains<<<chain_blocks(job, plan, plan.tile_keys), block_threads, 0, stream>>>(job, turn);
  launched("score_chains");
}

void run_output_chains(cudaStream_t stream, const ForwardJob& job, const Plan& plan, int turn) {
  output_chains<<<chain_blocks(job, plan, plan.problem.dim), block_threads, 0, stream>>>(job, turn);
  launched("output_chains");
}

}  // namespace ulpscope::cuda
