#include "ulpscope/attention/row_steps.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/round/array.hpp"

#include <algorithm>
#include <array>

namespace ulpscope::detail {

void cast_row(std::span<uint32_t> x, const Format& format, Rounding rounding) {
  const auto with_one_nan = [](uint32_t bits) { return is_nan32(bits) ? gpu_nan : bits; };
  if (format == fp32 && rounding == nearest_even) {
    std::transform(x.begin(), x.end(), x.begin(), with_one_nan);
    return;
  }
  if (format == fp32 && rounding == nearest_even_flushed) {
    std::transform(x.begin(), x.end(), x.begin(),
                   [&](uint32_t bits) { return with_one_nan(flushed32(bits)); });
    return;
  }
  constexpr size_t chunk = 256;
  std::array<float, chunk> numbers;
  std::array<float, chunk> rounded;
  for (size_t i = 0; i < x.size(); i += chunk) {
    const auto some = x.subspan(i, std::min(chunk, x.size() - i));
    std::transform(some.begin(), some.end(), numbers.begin(),
                   [](uint32_t bits) { return bit_cast<float>(bits); });
    round_values(std::span<const float>(numbers).first(some.size()), format, rounding,
                 std::span(rounded).first(some.size()));
    std::transform(rounded.begin(), rounded.begin() + static_cast<std::ptrdiff_t>(some.size()),
                   some.begin(),
                   [&](float number) { return with_one_nan(bit_cast<uint32_t>(number)); });
  }
}

namespace {

// 1 of what has a bit beside its sign, 0 of a zero.
uint64_t is_nonzero(uint64_t bits) { return (bits << 1 | (0 - (bits << 1))) >> 63; }

// high + low to odd: with 29 bits below a binary32 number's last, it then rounds as the sum does.
// NaN of 0. In integers and without branches, so that compilers make rows of it.
double to_odd(double high, double low) {
  const auto bits = bit_cast<uint64_t>(high);
  const auto rest = bit_cast<uint64_t>(low);
  const uint64_t inward = 0 - ((rest ^ bits) >> 63);
  const uint64_t step = ~bits & is_nonzero(rest);
  const uint64_t odd = bits + ((step ^ inward) - inward);
  return bit_cast<double>(odd | (is_nonzero(bits) - 1));
}

}  // namespace

void round_exact_row(const ExactValues& values, std::span<uint32_t> to) {
  const HostFpGuard guard;
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = bit_cast<uint32_t>(static_cast<float>(to_odd(values.high[i], values.low[i])));
  }
  for (uint32_t& x : to) x = is_nan32(x) ? gpu_nan : x;
}

}  // namespace ulpscope::detail
