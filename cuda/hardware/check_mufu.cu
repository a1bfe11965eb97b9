// Holds the special functions' models against the chip on all 2^32 operands, and records points.
//
//   check_mufu DATE POINTS.csv
//
// For every row of instructions.cuh one line:
//
//   ex2.approx.f32      operands 4294967296  differences 0
//   ex2.approx.f32      operands 4294967296  differences 12  first x=c2fc0001 chip=... model=...
//
// Results are compared by bits, NaN included. POINTS.csv gets the chip's results at a fixed list
// of operands, for the tests that run without a GPU. Exit code 1 on any difference.
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include <fstream>

#include "hardware/instructions.cuh"
#include "support/probe.hpp"

namespace ulpscope::cuda {
namespace {

// The corners of binary32, integers, powers of two, and a few hundred scattered operands, half of
// them where the functions are neither 0 nor infinite.
std::vector<uint32_t> recorded_operands() {
  std::vector<uint32_t> x;
  for (const uint32_t sign : {0u, 0x8000'0000u}) {
    for (const uint32_t
             code : {0u,           1u,           0x007F'FFFFu, 0x0080'0000u, 0x3F7F'FFFFu,
                     0x3F80'0000u, 0x3F80'0001u, 0x42FB'FFFFu, 0x42FC'0000u, 0x42FC'0001u,
                     0x42FF'FFFFu, 0x4300'0000u, 0x4314'0000u, 0x4316'0000u, 0x7E80'0000u,
                     0x7E80'0001u, 0x7F7F'FFFFu, 0x7F80'0000u, 0x7F80'0001u, 0x7FC0'0000u,
                     0x7FFF'FFFFu, 0x009F'4E2Bu}) {  // lg2's sum is a multiple of its last place:
                                                     // shows how it is negated
      x.push_back(sign | code);
    }
    for (int i = 2; i <= 20; ++i) x.push_back(sign | bit_cast<uint32_t>(static_cast<float>(i)));
  }
  uint32_t state = 20261122;
  for (int i = 0; i < 240; ++i) {
    state = state * 1664525u + 1013904223u;  // a full-period generator; only scatter is wanted
    const uint32_t scattered = state ^ (state >> 15);
    const uint32_t near_one = (scattered & 0x83FF'FFFFu) | 0x3C00'0000u;  // 2^-7 .. 2^1
    x.push_back(i % 2 == 0 ? scattered : near_one);
  }
  return x;
}

template <class Row>
bool check(std::ofstream& points) {
  const bool same = swept<Row>(mufu_sm90);
  const auto x = recorded_operands();
  const auto y = results_at<Row>(mufu_sm90, x);
  for (size_t i = 0; i < x.size(); ++i) {
    char line[96];
    std::snprintf(line, sizeof line, "%s,%08x,%08x\n", Row::name, x[i], y[i].chip);
    points << line;
  }
  return same;
}

template <class... Row>
int check_all(List<Row...>, const char* path) {
  std::ofstream points(path);
  points << "function,x,y\n";
  int failures = 0;
  ((failures += check<Row>(points) ? 0 : 1), ...);
  if (!points.flush()) throw Error(ErrorKind::resource, std::string(path) + ": cannot write");
  std::printf("functions that differ: %d of %d\n", failures, static_cast<int>(sizeof...(Row)));
  return failures == 0 ? 0 : 1;
}

int probe(char** argv) { return check_all(Instructions{}, argv[2]); }

}  // namespace
}  // namespace ulpscope::cuda

int main(int argc, char** argv) {
  return ulpscope::cuda::probe_main(argc, argv, 2, "DATE POINTS.csv", ulpscope::cuda::probe);
}
