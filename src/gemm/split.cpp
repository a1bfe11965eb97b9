#include "ulpscope/gemm/split.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

std::vector<int64_t> split_lengths(int64_t k, int64_t parts) {
  const int64_t units = k / split_unit + (k % split_unit != 0 ? 1 : 0);
  if (parts < 1 || parts > units) {
    throw Error(ErrorKind::usage,
                fmt::format("--split-k {}: k = {} has {} units of {}; expected 1 to {} parts",
                            parts, k, units, split_unit, units));
  }
  std::vector<int64_t> lengths;
  int64_t from = 0;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t of_part = units / parts + (part < units % parts ? 1 : 0);
    const int64_t length = std::min(of_part * split_unit, k - from);  // the last unit may be short
    lengths.push_back(length);
    from += length;
  }
  return lengths;
}

}  // namespace ulpscope
