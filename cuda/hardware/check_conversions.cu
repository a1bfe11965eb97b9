// Holds PTX's conversions against the chip on all operands: every rounding and saturation that
// sm_90a has, from binary32 to bf16, f16, tf32, e4m3 and e5m2, and between f16 and the 8-bit
// formats. Points are corners and scattered operands.
#include "hardware/all_operands.cuh"
#include "hardware/checks.hpp"
#include "hardware/conversions.cuh"

namespace ulpscope::cuda {
namespace {

// Every code where there are few, else the corners of binary32 and of the ranges of narrower
// formats, and scattered codes.
template <class Row>
std::vector<uint32_t> recorded_operands() {
  std::vector<uint32_t> x;
  if (Row::bits == 8) {
    for (uint32_t code = 0; code < 256; ++code) x.push_back(code);
    return x;
  }
  constexpr uint32_t mask = low_mask<uint32_t>(Row::bits);
  if (Row::bits == 32) {
    for (const uint32_t sign : {0u, 0x8000'0000u}) {
      for (const uint32_t code :
           {0u,           1u,           0x007F'FFFFu, 0x0080'0000u, 0x3380'0000u, 0x3380'0001u,
            0x387F'C000u, 0x3A80'0000u, 0x3A80'0001u, 0x3B00'0000u, 0x3F7F'FFFFu, 0x3F80'0000u,
            0x3F80'1000u, 0x3F80'8000u, 0x3F81'8000u, 0x43E0'0000u, 0x43E8'0000u, 0x43E8'0001u,
            0x477F'E000u, 0x477F'F000u, 0x477F'EFFFu, 0x4760'0000u, 0x4770'0000u, 0x7F7F'0000u,
            0x7F7F'8000u, 0x7F7F'FFFFu, 0x7F80'0000u, 0x7F80'0001u, 0x7FC0'0000u, 0x7FFF'FFFFu}) {
        x.push_back(sign | code);
      }
    }
  }
  uint32_t state = 20261122;
  for (int i = 0; i < 160; ++i) {
    state = state * 1664525u + 1013904223u;  // a full-period generator; only scatter is wanted
    x.push_back((state ^ (state >> 15)) & mask);
  }
  return x;
}

template <class... Row>
void check_all(List<Row...>, const Report& report, std::ostream* points) {
  (report(swept<Row>(NoTables{})), ...);
  if (points == nullptr) return;
  *points << "function,x,y\n";
  (record<Row>(*points, NoTables{}, recorded_operands<Row>()), ...);
}

}  // namespace

void check_conversions(const Report& report, std::ostream* points) {
  check_all(Conversions{}, report, points);
}

}  // namespace ulpscope::cuda
