// Holds the model of the fused multi-term sum against the tensor cores, and records points.
//
//   check_fused_sum DATE OUTPUTS POINTS.csv
//
// For each kind of mma.sync (bf16, f16, tf32) and of wgmma (bf16, f16, e4m3, e5m2), binary32
// accumulator: the corner vectors of fused_sum_corners.hpp, then at least OUTPUTS random outputs of
// mma_cases.cuh, all judged by bits:
//
//   mma.m16n8k16.f32.bf16.bf16.f32  outputs 1000000000  differences 0  zero 12 subnormal 3 ...
//
// The rows under test are those of hardware/chip.hpp. POINTS.csv gets the corners and some random
// outputs with their operands, for tests without a GPU. Exit code 1 on any difference.
#include "ulpscope/hardware/chip.hpp"

#include <cstdlib>
#include <fstream>

#include "hardware/fused_sum_corners.hpp"
#include "hardware/mma_cases.cuh"
#include "hardware/warpgroup.cuh"
#include "support/device_buffer.hpp"
#include "support/probe.hpp"

namespace ulpscope::cuda {
namespace {

using Count = unsigned long long;  // the type of 64-bit atomics

template <class Mma>
constexpr int outputs_per_mma = Mma::rows* mma_columns;
// A warp or a warpgroup runs one product; a block has four warps.
constexpr int block_threads = 128;
template <class Mma>
constexpr int groups_per_block = block_threads / Mma::threads;

template <class Mma>
__device__ void group_barrier() {
  if constexpr (Mma::threads == 32) {
    __syncwarp();
  } else {
    __syncthreads();  // the group is the block
  }
}

struct Tally {
  Count outputs;
  Count differences;
  Count first;  // the smallest index of an output that differs
  Count zero, negative_zero, subnormal, infinite, nan;
};

// One output with all that went into it.
template <class Mma>
struct Sample {
  uint32_t a[Mma::k];
  uint32_t b[Mma::k];
  uint32_t c;
  uint32_t chip;
  uint32_t model;
};

template <class Mma>
__device__ uint32_t model_output(const FusedSum& row, const OperandsOf<Mma>& m, uint32_t c,
                                 int lane, int i) {
  constexpr Format input = Mma::input;
  return fused_sum(row, input, c, m.a[Mma::row(lane, i)], m.b[quad_column(lane, i)], Mma::k);
}

struct Outputs {
  Quad c;
  Quad d;
};

// Fills the warp's operands for case `index` and runs it; the cancelling recipes run twice.
template <class Mma>
__device__ Outputs run_case(OperandsOf<Mma>& m, Count index, int lane) {
  constexpr Format input = Mma::input;
  using Code = typename Mma::Code;
  const Recipe how = recipe(input, index);
  for (int e = lane; e < Mma::rows * Mma::k; e += Mma::threads) {
    m.a[e / Mma::k][e % Mma::k] =
        static_cast<Code>(factor_code(input, how, index, 0, e / Mma::k, e % Mma::k));
  }
  for (int e = lane; e < mma_columns * Mma::k; e += Mma::threads) {
    m.b[e / Mma::k][e % Mma::k] =
        static_cast<Code>(factor_code(input, how, index, 1, e / Mma::k, e % Mma::k));
  }
  group_barrier<Mma>();
  Outputs out;
  for (int i = 0; i < 4; ++i) out.c.bits[i] = addend_code(input, how, index, lane * 4 + i);
  if (how.addend == Addend::minus_sum || how.addend == Addend::nearly_minus_sum) {
    const Quad sum = Mma::run(m, out.c, lane);
    for (int i = 0; i < 4; ++i) {
      out.c.bits[i] = cancelling(how, index, lane * 4 + i, sum.bits[i]);
    }
  }
  out.d = Mma::run(m, out.c, lane);
  return out;
}

__device__ void count_kind(Tally& tally, uint32_t bits) {
  const uint32_t magnitude = bits & 0x7FFF'FFFFu;
  tally.zero += magnitude == 0 ? 1 : 0;
  tally.negative_zero += bits == 0x8000'0000u ? 1 : 0;
  tally.subnormal += magnitude != 0 && magnitude < 0x0080'0000u ? 1 : 0;
  tally.infinite += magnitude == 0x7F80'0000u ? 1 : 0;
  tally.nan += magnitude > 0x7F80'0000u ? 1 : 0;
}

template <class Mma>
__global__ void sweep(FusedSum row, Count cases, Tally* total) {
  __shared__ OperandsOf<Mma> operands[groups_per_block<Mma>];
  const int lane = static_cast<int>(threadIdx.x) % Mma::threads;
  const int group = static_cast<int>(threadIdx.x) / Mma::threads;
  auto& m = operands[group];
  Tally mine{};
  mine.first = ~Count{0};
  constexpr Count groups = groups_per_block<Mma>;
  const Count first = blockIdx.x * groups + static_cast<Count>(group);
  for (Count index = first; index < cases; index += gridDim.x * groups) {
    const Outputs out = run_case<Mma>(m, index, lane);
    for (int i = 0; i < 4; ++i) {
      mine.outputs += 1;
      count_kind(mine, out.d.bits[i]);
      if (out.d.bits[i] == model_output<Mma>(row, m, out.c.bits[i], lane, i)) continue;
      mine.differences += 1;
      const Count output = index * outputs_per_mma<Mma> + static_cast<Count>(lane * 4 + i);
      if (output < mine.first) mine.first = output;
    }
    group_barrier<Mma>();
  }
  atomicAdd(&total->outputs, mine.outputs);
  atomicAdd(&total->differences, mine.differences);
  atomicMin(&total->first, mine.first);
  atomicAdd(&total->zero, mine.zero);
  atomicAdd(&total->negative_zero, mine.negative_zero);
  atomicAdd(&total->subnormal, mine.subnormal);
  atomicAdd(&total->infinite, mine.infinite);
  atomicAdd(&total->nan, mine.nan);
}

// The output with that index, alone: one block of one group each.
template <class Mma>
__global__ void sample(FusedSum row, const Count* outputs, Sample<Mma>* samples) {
  __shared__ OperandsOf<Mma> m;
  const int lane = static_cast<int>(threadIdx.x);
  const Count output = outputs[blockIdx.x];
  const Outputs out = run_case<Mma>(m, output / outputs_per_mma<Mma>, lane);
  const auto place = static_cast<int>(output % outputs_per_mma<Mma>);
  if (lane != place / 4) return;
  const int i = place % 4;
  Sample<Mma>& s = samples[blockIdx.x];
  for (int k = 0; k < Mma::k; ++k) {
    s.a[k] = m.a[Mma::row(lane, i)][k];
    s.b[k] = m.b[quad_column(lane, i)][k];
  }
  s.c = out.c.bits[i];
  s.chip = out.d.bits[i];
  s.model = model_output<Mma>(row, m, s.c, lane, i);
}

// A given vector in row 0 and column 0, everything else zero. In: a, b, c; out: chip, model.
template <class Mma>
__global__ void ask(FusedSum row, Sample<Mma>* samples) {
  __shared__ OperandsOf<Mma> m;
  using Code = typename Mma::Code;
  const int lane = static_cast<int>(threadIdx.x);
  Sample<Mma>& s = samples[blockIdx.x];
  for (int e = lane; e < Mma::rows * Mma::k; e += Mma::threads) {
    m.a[e / Mma::k][e % Mma::k] = static_cast<Code>(e < Mma::k ? s.a[e] : 0);
  }
  for (int e = lane; e < mma_columns * Mma::k; e += Mma::threads) {
    m.b[e / Mma::k][e % Mma::k] = static_cast<Code>(e < Mma::k ? s.b[e] : 0);
  }
  group_barrier<Mma>();
  const Quad c{{lane == 0 ? s.c : 0, 0, 0, 0}};
  const Quad d = Mma::run(m, c, lane);
  if (lane != 0) return;
  s.chip = d.bits[0];
  s.model = model_output<Mma>(row, m, s.c, 0, 0);
}

template <class Mma>
void record(std::ofstream& points, const Sample<Mma>& s) {
  char text[32];
  const auto word = [&](const char* format, uint32_t bits) {
    std::snprintf(text, sizeof text, format, bits);
    points << text;
  };
  points << Mma::name;
  word(",%08x", s.c);
  word(",%08x", s.chip);
  for (const uint32_t code : s.a) word(",%x", code);
  for (const uint32_t code : s.b) word(",%x", code);
  points << '\n';
}

template <class Mma>
int check_corners(const FusedSum& row, std::ofstream& points) {
  const auto questions = corners<Mma::input>(Mma::k);
  std::vector<Sample<Mma>> samples;
  for (const Corner& corner : questions) {
    Sample<Mma> s{};
    for (size_t k = 0; k < corner.products.size(); ++k) {
      s.a[k] = corner.products[k].a;
      s.b[k] = corner.products[k].b;
    }
    s.c = corner.c;
    samples.push_back(s);
  }
  DeviceBuffer<Sample<Mma>> buffer(samples);
  ask<Mma><<<static_cast<unsigned>(samples.size()), Mma::threads>>>(row, buffer.data());
  checked_launch("ask");
  samples = buffer.to_host();
  int differences = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const Sample<Mma>& s = samples[i];
    const bool same = s.chip == s.model && s.chip == questions[i].expected;
    differences += same ? 0 : 1;
    std::printf("  %-52s chip %08x model %08x expected %08x%s\n", questions[i].question.c_str(),
                s.chip, s.model, questions[i].expected, same ? "" : "  DIFFERENT");
    record(points, s);
  }
  std::printf("%s  corner vectors %zu  differences %d\n", Mma::name, samples.size(), differences);
  return differences;
}

template <class Mma>
std::vector<Sample<Mma>> samples_of(const FusedSum& row, const std::vector<Count>& outputs) {
  DeviceBuffer<Count> indices(outputs);
  DeviceBuffer<Sample<Mma>> samples(outputs.size());
  sample<Mma><<<static_cast<unsigned>(outputs.size()), Mma::threads>>>(row, indices.data(),
                                                                       samples.data());
  checked_launch("sample");
  return samples.to_host();
}

template <class Mma>
void print_first(const FusedSum& row, Count output) {
  const Sample<Mma> s = samples_of<Mma>(row, {output}).front();
  std::printf("  first: output %llu c=%08x chip=%08x model=%08x\n   ", output, s.c, s.chip,
              s.model);
  for (int k = 0; k < Mma::k; ++k) std::printf(" %x*%x", s.a[k], s.b[k]);
  std::printf("\n");
}

template <class Mma>
Count check_random(const FusedSum& row, Count outputs, std::ofstream& points) {
  const Count cases = (outputs + outputs_per_mma<Mma> - 1) / outputs_per_mma<Mma>;
  Tally start{};
  start.first = ~Count{0};
  DeviceBuffer<Tally> tally(std::vector<Tally>{start});
  sweep<Mma><<<132 * 8, block_threads>>>(row, cases, tally.data());
  checked_launch(Mma::name);
  const Tally t = tally.to_host().front();
  std::printf(
      "%s  outputs %llu  differences %llu  zero %llu negative_zero %llu subnormal %llu "
      "infinite %llu nan %llu\n",
      Mma::name, t.outputs, t.differences, t.zero, t.negative_zero, t.subnormal, t.infinite, t.nan);
  if (t.differences != 0) print_first<Mma>(row, t.first);
  std::fflush(stdout);
  std::vector<Count> chosen;  // one output of each of the first cases, a different one each time
  for (Count i = 0; i < 400; ++i)
    chosen.push_back(i * outputs_per_mma<Mma> + i * 37 % outputs_per_mma<Mma>);
  for (const Sample<Mma>& s : samples_of<Mma>(row, chosen)) record(points, s);
  return t.differences + (t.outputs == cases * outputs_per_mma<Mma> ? 0 : 1);
}

constexpr FusedSum row_of(const Format& input) {
  for (const Chip& chip : chips) {
    if (chip.name != "h200") continue;
    for (const MatrixUnit& unit : chip.units) {
      if (unit.input == input && unit.sum.terms != 0) return unit.sum;
    }
  }
  return {};
}

template <class Mma>
bool check(Count outputs, std::ofstream& points) {
  constexpr FusedSum row = row_of(Mma::input);
  static_assert(row.terms == Mma::k);
  const int corner_differences = check_corners<Mma>(row, points);
  return check_random<Mma>(row, outputs, points) == 0 && corner_differences == 0;
}

int probe(char** argv) {
  const Count outputs = std::strtoull(argv[2], nullptr, 10);
  if (outputs == 0) throw Error(ErrorKind::usage, std::string(argv[2]) + ": not a count");
  std::ofstream points(argv[3]);
  points << "instruction,c,d,a...,b...\n";
  int failures = 0;
  failures += check<MmaBf16>(outputs, points) ? 0 : 1;
  failures += check<MmaF16>(outputs, points) ? 0 : 1;
  failures += check<MmaTf32>(outputs, points) ? 0 : 1;
  failures += check<WgmmaBf16>(outputs, points) ? 0 : 1;
  failures += check<WgmmaF16>(outputs, points) ? 0 : 1;
  failures += check<WgmmaE4m3>(outputs, points) ? 0 : 1;
  failures += check<WgmmaE5m2>(outputs, points) ? 0 : 1;
  if (!points.flush()) throw Error(ErrorKind::resource, std::string(argv[3]) + ": cannot write");
  std::printf("instructions that differ: %d of 7\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  return ulpscope::cuda::probe_main(argc, argv, 3, "DATE OUTPUTS POINTS.csv",
                                    ulpscope::cuda::probe);
}
