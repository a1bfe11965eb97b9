#include "ulpscope/analysis/moment_errors.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/scaling/quantise.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace ulpscope {

namespace {

constexpr size_t group_size = 128;

bool is_zero(double x) { return std::fpclassify(x) == FP_ZERO; }
double number(uint32_t code) { return static_cast<double>(bit_cast<float>(code)); }

ScalingScheme scheme_of(const MomentFormat& format) {
  return {.element = format.element,
          .block = static_cast<int64_t>(group_size),
          .along = Along::memory,
          .expansion = format.expansion};
}

// Calls body(first, end) for every group.
void for_each_group(size_t count, auto&& body) {
  for (size_t first = 0; first < count; first += group_size) {
    body(first, std::min(count, first + group_size));
  }
}

double median_range(std::span<const uint32_t> values) {
  std::vector<double> ranges;
  for_each_group(values.size(), [&](size_t first, size_t end) {
    double low = 0;
    double high = 0;
    for (size_t i = first; i < end; ++i) {
      const double x = std::abs(number(values[i]));
      high = std::max(high, x);
      if (x > 0) low = low > 0 ? std::min(low, x) : x;
    }
    if (low > 0) ranges.push_back(high / low);
  });
  if (ranges.empty()) return 0;
  const auto middle = ranges.begin() + static_cast<std::ptrdiff_t>(ranges.size() / 2);
  std::nth_element(ranges.begin(), middle, ranges.end());
  return *middle;
}

// The moment through a format, back in binary64; the report's part of that format.
std::vector<double> stored(std::span<const uint32_t> values, size_t format, MomentReport& report) {
  const ScalingScheme scheme = scheme_of(moment_formats[format]);
  const Quantised q = quantise(scheme, values);
  for (const uint32_t k : q.exponents) ++report.exponents[format][number(k)];
  std::vector<double> decoded;
  decoded.reserve(values.size());
  for (const uint32_t code : dequantise(scheme, q)) decoded.push_back(number(code));
  for (size_t i = 0; i < values.size(); ++i) {
    report.lost[format] +=
        static_cast<uint64_t>(is_zero(decoded[i]) && !is_zero(number(values[i])));
  }
  return decoded;
}

double step(double m, double v) { return m / (std::sqrt(v) + 1e-8); }

GroupMean over_groups(const std::vector<double>& means) {
  CompensatedSum sum, squares;
  for (const double x : means) sum.add(x);
  const auto n = static_cast<double>(means.size());
  const double mean = sum.value() / n;
  for (const double x : means) squares.add((x - mean) * (x - mean));
  if (means.size() < 2) return {.mean = mean};
  return {.mean = mean, .standard_error = std::sqrt(squares.value() / (n * (n - 1)))};
}

void require_moments(std::span<const uint32_t> first, std::span<const uint32_t> second) {
  if (first.empty() || first.size() != second.size()) {
    throw Error(ErrorKind::input, "moments of " + std::to_string(first.size()) + " and " +
                                      std::to_string(second.size()) +
                                      " values: expected as many of both");
  }
  for (size_t i = 0; i < first.size(); ++i) {
    if (std::isfinite(number(first[i])) && std::isfinite(number(second[i])) &&
        number(second[i]) >= 0) {
      continue;
    }
    throw Error(ErrorKind::input, "moments at " + std::to_string(i) +
                                      ": expected finite numbers, the second at least 0");
  }
}

}  // namespace

MomentErrors moment_errors(std::span<const uint32_t> first, std::span<const uint32_t> second) {
  require_moments(first, second);
  const HostFpGuard guard;
  MomentErrors errors;
  errors.first.median_range = median_range(first);
  errors.second.median_range = median_range(second);
  std::array<std::vector<double>, moment_format_count> m, v;
  for (size_t f = 0; f < moment_format_count; ++f) {
    m[f] = stored(first, f, errors.first);
    v[f] = stored(second, f, errors.second);
  }
  std::vector<double> exact(first.size());
  for (size_t i = 0; i < exact.size(); ++i) exact[i] = step(number(first[i]), number(second[i]));
  for (size_t a = 0; a < moment_format_count; ++a) {
    for (size_t b = 0; b < moment_format_count; ++b) {
      std::vector<double> means;
      for_each_group(exact.size(), [&](size_t from, size_t end) {
        CompensatedSum sum;
        for (size_t i = from; i < end; ++i) {
          const double error = step(m[a][i], v[b][i]) - exact[i];
          sum.add(error * error);
        }
        means.push_back(sum.value() / static_cast<double>(end - from));
      });
      errors.groups = std::ssize(means);
      errors.steps[a][b] = over_groups(means);
    }
  }
  return errors;
}

}  // namespace ulpscope
