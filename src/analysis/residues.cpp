#include "ulpscope/analysis/residues.hpp"

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_tally.hpp"

#include <cmath>

#include <tbb/parallel_for.h>

namespace ulpscope {

namespace {

Record record_of(int64_t residue) {
  if (residue == Residues::none) return {0, Flag::residue_saturated, false};
  return {residue, flag_if(residue != 0, Flag::inexact), false};
}

// A difference that no residue can hold is none either.
int64_t minus(int64_t a, int64_t b) {
  int64_t result = 0;
  const bool has_both = a != Residues::none && b != Residues::none;
  return has_both && !__builtin_sub_overflow(a, b, &result) ? result : Residues::none;
}

ErrorStatistics head_statistics(const Residues& errors, int64_t head) {
  const auto& [heads, rows, columns] = errors.shape;
  ErrorStatistics statistics;
  std::vector<Cluster> of_column(static_cast<size_t>(columns));
  auto at = static_cast<size_t>(head * rows * columns);
  for (int64_t row = 0; row < rows; ++row) {
    Cluster of_row;
    for (Cluster& column : of_column) {
      const Record record = record_of(errors.values[at++]);
      statistics.moments.add(record);
      of_row.add(record);
      column.add(record);
    }
    statistics.rows.add(of_row);
  }
  fold_and_clear(of_column, statistics.columns);
  return statistics;
}

ErrorFigures figures_of(const ErrorStatistics& errors) {
  const Moments& m = errors.moments;
  const auto count = static_cast<double>(m.count - m.skipped);
  const double squares = static_cast<double>(m.sum_squares) * 0x1p-64;
  return {.sum = m.sum,
          .bias = summarise(errors).by_value,
          .rms = count > 0 ? std::sqrt(squares / count) : 0};
}

}  // namespace

Residues residues_of(const TensorShape& shape, std::span<const uint32_t> codes,
                     const Format& stored, const Format& ulps, std::span<const double> reference) {
  Residues result{.shape = shape, .values = std::vector<int64_t>(codes.size())};
  const int64_t of_head = shape.rows * shape.columns;
  tbb::parallel_for(int64_t{0}, shape.heads, [&](int64_t head) {
    const HostFpGuard guard;
    for (int64_t i = head * of_head; i < (head + 1) * of_head; ++i) {
      const auto at = static_cast<size_t>(i);
      const double value = static_cast<double>(bit_cast<float>(detail::widened(stored, codes[at])));
      const Record record = output_record(ulps, value, reference[at]);
      result.values[at] = has_error(record) ? record.residue : Residues::none;
    }
  });
  return result;
}

Residues difference(const Residues& a, const Residues& b) {
  Residues result{.shape = a.shape, .values = std::vector<int64_t>(a.values.size())};
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = minus(a.values[i], b.values[i]);
  }
  return result;
}

HeadFigures error_figures(const Residues& errors) {
  std::vector<ErrorStatistics> of_head(static_cast<size_t>(errors.shape.heads));
  tbb::parallel_for(int64_t{0}, errors.shape.heads, [&](int64_t head) {
    of_head[static_cast<size_t>(head)] = head_statistics(errors, head);
  });
  const HostFpGuard guard;
  ErrorStatistics whole;
  HeadFigures figures{{}};
  for (const auto& head : of_head) {
    whole.merge(head);
    figures.push_back(figures_of(head));
  }
  figures.front() = figures_of(whole);
  return figures;
}

}  // namespace ulpscope
