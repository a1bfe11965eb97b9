// Memory of a forward pass beyond its inputs: the peak resident set of one causal head of
// fa2-torch, first with nobody listening, then with every rounding logged.
//
//   ulpscope_bench_memory              16384 x 16384, head size 64
//   ulpscope_bench_memory 4096 128 3   three row tiles of 4096 x 4096, head size 128
//
// What is held is the decoded K and V and, for every thread, one row tile (and its log), so the
// first tile reaches the peak already: a few tiles tell what all of them would.
#include "ulpscope/attention/driver.hpp"

#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "inputs.hpp"
#include <fmt/format.h>
#include <sys/resource.h>

namespace ulpscope::bench {
namespace {

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

void measure(const CausalHeads& head, Logging logging, int64_t tiles, const char* name) {
  const double before = peak_mebibytes();
  const Plan plan = head.plan();
  std::atomic<bool> stop = false;
  run_forward(plan, {.logging = logging,
                     .progress = [&](int64_t done) { stop = tiles > 0 && done >= tiles; },
                     .stop = &stop});
  fmt::print("{:<8} peak {:8.1f} MiB, {:7.1f} MiB above the peak before\n", name, peak_mebibytes(),
             peak_mebibytes() - before);
}

int64_t argument(int argc, char** argv, int place, int64_t otherwise) {
  if (place >= argc) return otherwise;
  const char* const text = argv[place];
  int64_t number = 0;
  const auto end = text + std::strlen(text);
  const auto result = std::from_chars(text, end, number);
  if (result.ec != std::errc{} || result.ptr != end || number < 1 || number > 1 << 20) {
    fmt::print(stderr, "argument {}: found '{}', expected 1 to 2^20\n", place, text);
    std::exit(2);
  }
  return number;
}

}  // namespace
}  // namespace ulpscope::bench

int main(int argc, char** argv) {
  using namespace ulpscope;
  const int64_t rows = bench::argument(argc, argv, 1, 16384);
  const int64_t dim = bench::argument(argc, argv, 2, 64);
  const int64_t tiles = bench::argument(argc, argv, 3, 0);
  const bench::CausalHeads head(rows, dim);
  fmt::print("inputs   {:.1f} MiB ({} x {}, head size {}, bf16); peak so far {:.1f} MiB\n",
             static_cast<double>(3 * rows * dim * 2) / (1 << 20), rows, rows, dim,
             bench::peak_mebibytes());
  bench::measure(head, Logging::off, tiles, "silent");
  bench::measure(head, Logging::on, tiles, "logged");
}
