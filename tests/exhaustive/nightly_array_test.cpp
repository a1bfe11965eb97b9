// All 2^32 binary32 numbers through round_array, on every instruction set of the machine, against
// round_pack. Registered only with ULPSCOPE_NIGHTLY, some minutes of one core for a format.
#include "round/array_checks.hpp"

using namespace ulpscope;

namespace {

constexpr uint64_t all_codes = uint64_t{1} << 32;
constexpr size_t chunk = 1 << 16;

std::vector<float> numbers_from(uint64_t first) {
  std::vector<float> x(chunk);
  for (size_t i = 0; i < chunk; ++i) x[i] = bit_cast<float>(static_cast<uint32_t>(first + i));
  return x;
}

template <class Code>
void sweep(const Format& f, Rounding r) {
  for (uint64_t first = 0; first < all_codes; first += chunk) {
    check_against_core<Code>(numbers_from(first), f, r);
  }
}

}  // namespace

TEST_CASE("all binary32 numbers are rounded to e4m3fn as the core rounds") {
  sweep<uint8_t>(e4m3fn, nearest_even);
}

TEST_CASE("all binary32 numbers are rounded to bf16 as the core rounds") {
  sweep<uint16_t>(bf16, nearest_even);
}
