// The part of a summary that tells two tensors apart: how many elements differ and by how much,
// the first of them, the groups in which they lie, and which rounding explains one by the other.
//
// Read and checked as the rest (summary.hpp). Tested by tests/report/comparison_test.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ulpscope {

inline constexpr double not_given = std::numeric_limits<double>::quiet_NaN();

// A mean is called biased only from here on; below, z may be chance (docs/numerics).
inline constexpr double called_z = 5.0;

// One element of a tensor, written out.
struct ElementRow {
  std::string bits;    // "0xbf12"
  std::string fields;  // "1 01111110 0010010"
  std::string hex_float;
  double value = not_given;
};

struct FirstDifferenceRow {
  std::vector<uint64_t> index;
  ElementRow a, b;
  double ulp = not_given;  // absent beside a NaN or infinity
};

struct ComparisonRow {
  std::string a, b;
  uint64_t elements = 0, different_bits = 0, different_values = 0;
  double max_ulp = not_given;
  std::vector<std::pair<std::string, uint64_t>> ulp_buckets;  // 0, 1, 2, 3-10, 11-100, >100
  std::optional<uint64_t> nan_mismatch, inf_mismatch;
  std::optional<FirstDifferenceRow> first_difference;
};

// The elements of one sign, binade, row tile, feature or head.
struct GroupRow {
  std::string name;
  uint64_t count = 0, skipped = 0, different_bits = 0;
  double mean_ulp = not_given, stderr_ulp = not_given, z = not_given;
  double z_away = not_given, max_abs_ulp = not_given;
  bool one_sided = false;
};

struct DivisionRow {
  std::string by;
  std::vector<GroupRow> groups;
};

// The `most` groups to look at first: those that are called, the largest z first, then those in
// which most elements differ. None without a different element.
std::vector<const GroupRow*> worst_groups(const DivisionRow& division, std::size_t most);

struct FittedRow {
  std::string roundings;  // "rz, rd": no element tells them apart
  uint64_t explained = 0;
};

// One rounding on the way to an element.
struct StepRow {
  std::string site, bits;
  std::string place;  // "key 17", "feature 3"; empty where the row has one value
  double value = not_given, error_ulp = not_given;
};

// What a kernel does at a site for one element.
struct SiteStepsRow {
  uint64_t steps = 0, inexact = 0;
  double max_abs_ulp = not_given;
  std::string last_bits;
  double last_value = not_given;
};

struct HistorySiteRow {
  std::string site;
  std::vector<SiteStepsRow> kernels;
  uint64_t different = 0;
};

struct HistoryKernelRow {
  std::string name;
  ElementRow element;
  std::vector<std::string> agrees_with;  // "a", "b"
};

// How one or two kernels come to an element.
struct HistoryRow {
  std::string output;
  std::vector<uint64_t> index;
  std::vector<HistoryKernelRow> kernels;
  std::vector<HistorySiteRow> sites;
  std::vector<StepRow> parting;  // none, or a step of each
};

// Which rounding of the wide tensor gives the observed one.
struct FitRow {
  std::string from, to;  // formats
  uint64_t elements = 0, telling = 0, either_neighbour = 0;
  std::vector<FittedRow> ranking;
};

}  // namespace ulpscope
