#include "ulpscope/run/compare_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using Side = OneTensor;

// A code's place on the line of all codes; both zeros at 0.
int64_t place(const Format& format, uint64_t code) {
  const auto magnitude = static_cast<int64_t>(code & (sign_mask(format) - 1));
  return is_negative(format, code) ? -magnitude : magnitude;
}

// Elements by distance in codes.
struct Bucket {
  const char* name;
  uint64_t largest;
};
constexpr std::array buckets{Bucket{"0", 0},        Bucket{"1", 1},
                             Bucket{"2", 2},        Bucket{"3-10", 10},
                             Bucket{"11-100", 100}, Bucket{">100", ~uint64_t{0}}};

struct Counts {
  uint64_t different_bits = 0;
  uint64_t different_values = 0;
  uint64_t nan_mismatch = 0;
  uint64_t inf_mismatch = 0;
  uint64_t largest_distance = 0;
  std::array<uint64_t, buckets.size()> distances{};

  void add_distance(uint64_t distance) {
    largest_distance = std::max(largest_distance, distance);
    size_t bucket = 0;
    while (distance > buckets[bucket].largest) ++bucket;
    ++distances[bucket];
  }
};

void count_element(const Side& a, const Side& b, size_t i, Counts& counts) {
  const bool same_format = a.format == b.format;
  const double x = double_value(a.format, a.codes[i]);
  const double y = double_value(b.format, b.codes[i]);
  const bool same_value =
      (std::isnan(x) && std::isnan(y)) || !(x < y || x > y || std::isnan(x) || std::isnan(y));
  counts.different_values += !same_value;
  counts.different_bits += same_format ? a.codes[i] != b.codes[i] : !same_value;
  counts.nan_mismatch += std::isnan(x) != std::isnan(y);
  counts.inf_mismatch +=
      (std::isinf(x) || std::isinf(y)) && !std::isnan(x) && !std::isnan(y) && !same_value;
  if (!std::isfinite(x) || !std::isfinite(y)) return;
  if (same_format) {
    const int64_t distance = place(a.format, a.codes[i]) - place(b.format, b.codes[i]);
    counts.add_distance(static_cast<uint64_t>(distance < 0 ? -distance : distance));
  } else {
    const auto error = output_record(a.format, x, y).residue;
    const auto magnitude = static_cast<uint64_t>(error < 0 ? -error : error);
    counts.add_distance((magnitude + (uint64_t{1} << 32) - 1) >> 32);
  }
}

ErrorTally tally(const Side& a, const Side& b, int64_t rows, int64_t columns) {
  constexpr int64_t row_tile = 128;
  const auto count = static_cast<int64_t>(a.codes.size());
  const int64_t outer_count = count / (rows * columns);
  ErrorTally all(rows, columns, row_tile);
  std::vector<double> x(static_cast<size_t>(columns));
  std::vector<double> y(static_cast<size_t>(columns));
  for (int64_t outer = 0; outer < outer_count; ++outer) {
    ErrorTally head(rows, columns, row_tile);
    for (int64_t row = 0; row < rows; ++row) {
      const auto at = static_cast<size_t>((outer * rows + row) * columns);
      for (size_t c = 0; c < x.size(); ++c) {
        x[c] = double_value(a.format, a.codes[at + c]);
        y[c] = double_value(b.format, b.codes[at + c]);
      }
      head.add_row(a.format, outer, row, x.data(), y.data(), nullptr);
    }
    head.close_head();
    all.merge(head);
  }
  return all;
}

nlohmann::json side_json(const std::string& letter, const Side& side) {
  return {{"tensor", letter},
          {"file", side.where},
          {"shape", side.info.shape},
          {"layout", "as stored"},
          {"format", format_name(side.format)},
          {"xxh3_128", side.hash}};
}

nlohmann::json verdict_json(const Counts& counts, const ErrorTally& errors, size_t elements) {
  if (counts.different_bits == 0) {
    return {{"status", "equal"},
            {"text", fmt::format("All {} elements are equal, bit for bit.", elements)}};
  }
  const Bias bias = summarise(errors.statistics()).by_value;
  return {
      {"status", "different"},
      {"text", fmt::format("{} of {} elements differ in bits, {} in value; the largest distance "
                           "is {} ulp. Mean signed error of A against B {:+.4f} ulp (z {:+.1f}): "
                           "{}.",
                           counts.different_bits, elements, counts.different_values,
                           counts.largest_distance, bias.mean, bias.z,
                           is_biased(bias) ? "one-sided" : "not one-sided")}};
}

nlohmann::json comparison_json(const Side& a, const Side& b, const Counts& counts) {
  nlohmann::json by_distance;
  for (size_t i = 0; i < buckets.size(); ++i) by_distance[buckets[i].name] = counts.distances[i];
  return {{"a", a.where},
          {"b", b.where},
          {"elements", a.codes.size()},
          {"different_bits", counts.different_bits},
          {"different_values", counts.different_values},
          {"max_ulp", counts.largest_distance},
          {"ulp_buckets", by_distance},
          {"nan_mismatch", counts.nan_mismatch},
          {"inf_mismatch", counts.inf_mismatch}};
}

Counts count_elements(const Side& a, const Side& b) {
  Counts counts;
  for (size_t i = 0; i < a.codes.size(); ++i) count_element(a, b, i, counts);
  return counts;
}

}  // namespace

nlohmann::json comparison_json(const OneTensor& a, const OneTensor& b) {
  const HostFpGuard guard;
  return comparison_json(a, b, count_elements(a, b));
}

nlohmann::json run_compare(const CompareOptions& options) {
  const HostFpGuard guard;
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const Side a = load_one_tensor(options.a, options.format);
  const Side b = load_one_tensor(options.b, options.format);
  if (a.info.shape != b.info.shape) {
    throw Error(ErrorKind::input,
                fmt::format("{} has shape {}, {} has shape {}: expected equal shapes", a.where,
                            shape_text(a.info.shape), b.where, shape_text(b.info.shape)));
  }
  if (a.codes.empty()) {
    throw Error(ErrorKind::input, fmt::format("{} has no elements", a.where));
  }
  const Counts counts = count_elements(a, b);
  const auto& shape = a.info.shape;
  const int64_t columns = shape.empty() ? 1 : shape.back();
  const int64_t rows = shape.size() < 2 ? 1 : shape[shape.size() - 2];
  const ErrorTally errors = tally(a, b, rows, columns);

  nlohmann::json summary = summary_header("compare", options.command);
  summary["verdict"] = verdict_json(counts, errors, a.codes.size());
  summary["inputs"] = {side_json("A", a), side_json("B", b)};
  summary["formats"] = nlohmann::json::array({format_json(a.format)});
  if (!(a.format == b.format)) summary["formats"].push_back(format_json(b.format));
  summary["casts"] = nlohmann::json::array();
  summary["reference"] = {{"name", "B"}, {"description", b.where}};
  summary["sites"] = nlohmann::json::array();
  std::vector<int64_t> axes(shape.begin(), shape.empty() ? shape.begin() : shape.end() - 1);
  summary["outputs"] =
      nlohmann::json::array({output_json("A - B", a.format, shape, {axes, rows}, errors)});
  summary["comparison"] = comparison_json(a, b, counts);
  if (folder) {
    write_file_atomically(folder->path() / "summary.json", summary.dump(1) + "\n");
    write_file_atomically(folder->path() / "report.html", html_report(summary));
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
