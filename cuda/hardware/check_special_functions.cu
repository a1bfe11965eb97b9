// Holds the special functions' models against the chip on all 2^32 operands. Points are the corners
// of binary32, integers, powers of two and scattered operands.
#include "ulpscope/hardware/profiles/mufu_sm90.hpp"

#include "hardware/checks.hpp"
#include "hardware/instructions.cuh"

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

template <class... Row>
void check_all(List<Row...>, const Report& report, std::ostream* points) {
  (report(swept<Row>(mufu_sm90)), ...);
  if (points == nullptr) return;
  *points << "function,x,y\n";
  (record<Row>(*points, mufu_sm90, recorded_operands()), ...);
}

}  // namespace

void check_special_functions(const Report& report, std::ostream* points) {
  check_all(Instructions{}, report, points);
}

}  // namespace ulpscope::cuda
