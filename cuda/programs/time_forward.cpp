// The speed of our forward kernel, plain and with the stable maximum.
//
//   time_forward DATE LAUNCHES
//
//   bf16 32 x 8192 x 128 causal plain    median 7.000 ms  (6.990 to 7.100, 50 launches)  314
//   TFLOP/s
//
// Operations are those of the two products, 4 rows keys dim a head, half of them under a causal
// mask. tools/python/time_torch_flash.py times PyTorch's flash kernel at the same shapes.
#include "ulpscope/base/bits.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/gpu.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "support/probe.hpp"

namespace ulpscope::cuda {
namespace {

struct Shape {
  int64_t heads;
  int64_t rows;
  int64_t dim;
  gpu::KeysSeen seen;
};

void time_shape(const Shape& shape, const Format& format, const char* name,
                std::optional<gpu::StableRule> stable, int launches) {
  auto times = gpu::time_forward({.heads = shape.heads,
                                  .rows = shape.rows,
                                  .dim = shape.dim,
                                  .seen = shape.seen,
                                  .format = format,
                                  .stable = stable,
                                  .launches = launches});
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const bool causal = shape.seen == gpu::KeysSeen::up_to_diagonal;
  const double operations = (causal ? 2.0 : 4.0) * static_cast<double>(shape.heads) *
                            static_cast<double>(shape.rows * shape.rows * shape.dim);
  std::printf(
      "%-4s %3lld x %5lld x %3lld %-6s %-6s  median %7.3f ms  (%.3f to %.3f, %zu launches)  %.0f "
      "TFLOP/s\n",
      name, static_cast<long long>(shape.heads), static_cast<long long>(shape.rows),
      static_cast<long long>(shape.dim), causal ? "causal" : "full", stable ? "stable" : "plain",
      median, times.front(), times.back(), times.size(), operations / median * 1e-9);
  std::fflush(stdout);
}

int probe(char** argv) {
  const int launches = std::atoi(argv[2]);
  if (launches < 1) throw Error(ErrorKind::usage, std::string(argv[2]) + ": not a count");
  using gpu::KeysSeen;
  constexpr uint32_t beta = 0x4000'0000;  // 2
  for (const Shape& shape :
       {Shape{32, 4096, 128, KeysSeen::up_to_diagonal},
        Shape{32, 8192, 128, KeysSeen::up_to_diagonal}, Shape{32, 8192, 128, KeysSeen::all},
        Shape{64, 8192, 64, KeysSeen::up_to_diagonal}, Shape{64, 8192, 64, KeysSeen::all}}) {
    // Twice, so that the spread of one version shows.
    for (int turn = 0; turn < 2; ++turn) {
      time_shape(shape, bf16, "bf16", std::nullopt, launches);
      time_shape(shape, bf16, "bf16", gpu::StableRule{beta, 0}, launches);
    }
    time_shape(shape, fp16, "fp16", std::nullopt, launches);
  }
  return 0;
}

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  return ulpscope::cuda::probe_main(argc, argv, 2, "DATE LAUNCHES", ulpscope::cuda::probe);
}
