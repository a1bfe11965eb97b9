#include "ulpscope/analysis/stalling_sum.hpp"

#include "ulpscope/arith/add.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/round/value.hpp"

namespace ulpscope {

SequentialSum sequential_sum(const Format& format, const AnyRounding& rounding,
                             std::span<const uint16_t> terms, uint64_t seed) {
  const HostFpGuard guard;
  SequentialSum result;
  CompensatedSum exact;
  uint64_t sum = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const auto next = add(decode<uint64_t>(format, sum),
                          decode<uint64_t>(format, uint64_t{terms[i]}), Mode::nearest_even);
    const uint64_t before = sum;
    sum =
        rounded(format, next, rounding, {.seed = seed, .site = experiment_site, .element = i}).bits;
    if (sum != before) result.last_change = static_cast<int64_t>(i) + 1;
    exact.add(double_value(format, uint64_t{terms[i]}));
  }
  result.sum = double_value(format, sum);
  result.exact = exact.value();
  return result;
}

}  // namespace ulpscope
