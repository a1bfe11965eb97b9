#include "ulpscope/compare/bit_counts.hpp"

#include "ulpscope/compare/error_tally.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope {

namespace {

double value_of(const Coded& x) { return double_value(x.format, x.code); }

bool are_same_value(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y);
  return !(x < y || x > y);
}

// A code's place on the line of all codes; both zeros at 0.
int64_t place(const Coded& x) {
  const auto magnitude = static_cast<int64_t>(x.code & (sign_mask(x.format) - 1));
  return is_negative(x.format, x.code) ? -magnitude : magnitude;
}

uint64_t magnitude(int64_t x) {
  return x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
}

}  // namespace

bool have_same_bits(const Coded& a, const Coded& b) {
  return a.format == b.format ? a.code == b.code : are_same_value(value_of(a), value_of(b));
}

std::optional<uint64_t> distance(const Coded& a, const Coded& b) {
  const double x = value_of(a);
  const double y = value_of(b);
  if (!std::isfinite(x) || !std::isfinite(y)) return std::nullopt;
  if (a.format == b.format) return magnitude(place(a) - place(b));
  const Record error = output_record(a.format, x, y);
  if (!has_error(error)) return farthest_between_formats;
  const uint64_t units = magnitude(error.residue);
  return (units >> 32) + ((units & 0xFFFF'FFFF) != 0);
}

void BitCounts::add(size_t index, const Coded& a, const Coded& b) {
  const double x = value_of(a);
  const double y = value_of(b);
  const bool same_value = are_same_value(x, y);
  const bool has_nan = std::isnan(x) || std::isnan(y);
  different_values += !same_value;
  nan_mismatch += std::isnan(x) != std::isnan(y);
  inf_mismatch += !has_nan && !same_value && (std::isinf(x) || std::isinf(y));
  if (!have_same_bits(a, b)) {
    ++different_bits;
    if (!first_different || index < *first_different) first_different = index;
  }
  const auto apart = distance(a, b);
  if (!apart) return;
  largest_distance = std::max(largest_distance, *apart);
  const auto bucket =
      std::find_if(distance_buckets.begin(), distance_buckets.end(),
                   [&](const DistanceBucket& row) { return *apart <= row.largest; });
  ++distances[static_cast<size_t>(bucket - distance_buckets.begin())];
}

}  // namespace ulpscope
