// All 2^32 binary32 numbers through round_array, on every instruction set of the machine, against
// round_pack. Registered only with ULPSCOPE_NIGHTLY, ten minutes of one core.
#include <mutex>

#include "exhaustive/every_core.hpp"
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
  on_every_target([&] {
    std::string first_difference;
    std::mutex one_at_a_time;
    on_every_core(all_codes / chunk, [&](size_t i) {
      const auto x = numbers_from(i * chunk);
      std::vector<Code> found(x.size());
      round_array(x, f, r, found);
      const auto where = difference(x, found, expected_codes<Code>(x, f, r));
      if (where.empty()) return;
      const std::scoped_lock lock(one_at_a_time);
      first_difference = where;
    });
    INFO(format_name(f) << " " << rounding_name(r) << ": " << first_difference);
    CHECK(first_difference.empty());
  });
}

}  // namespace

TEST_CASE("all binary32 numbers are rounded to e4m3fn as the core rounds") {
  sweep<uint8_t>(e4m3fn, nearest_even);
}

TEST_CASE("all binary32 numbers are rounded to bf16 as the core rounds") {
  sweep<uint16_t>(bf16, nearest_even);
}
