#include "ulpscope/compare/error_tally.hpp"

#include "ulpscope/trace/statistics_words.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace ulpscope {

namespace {

constexpr double residue_scale = 4294967296.0;  // 2^32

uint64_t magnitude(int64_t x) { return static_cast<uint64_t>(x < 0 ? -x : x); }

// Larger errors first; equal ones in the order of the tensor.
bool is_worse(const WorstError& a, const WorstError& b) {
  const auto key = [](const WorstError& e) {
    return std::tuple(~magnitude(e.residue), e.outer, e.row, e.column);
  };
  return key(a) < key(b);
}

}  // namespace

int ulp_exponent(const Format& format, double reference) {
  const bool is_zero_reference = std::fpclassify(reference) == FP_ZERO;
  const int binade =
      is_zero_reference ? emin(format) : std::max(std::ilogb(reference), emin(format));
  return binade - format.trailing_bits;
}

Record output_record(const Format& format, double value, double reference) {
  const bool negative = std::signbit(reference);
  if (!std::isfinite(value) || !std::isfinite(reference)) {
    const bool agree = (std::isnan(value) && std::isnan(reference)) ||
                       (std::isinf(value) && std::isinf(reference) &&
                        std::signbit(value) == std::signbit(reference));
    if (agree) return {0, Flag::none, negative};
    return {0, Flag::residue_saturated | flag_if(std::isinf(value), Flag::overflow), negative};
  }
  const double error =
      std::ldexp(value - reference, -ulp_exponent(format, reference)) * residue_scale;
  constexpr double limit = 0x1p63;
  if (!(std::fabs(error) < limit)) return {0, Flag::residue_saturated, negative};
  const auto residue = static_cast<int64_t>(error);
  return {residue, flag_if(residue != 0, Flag::inexact), negative};
}

float error_in_ulps(const Record& record) {
  if (!has_error(record)) return std::numeric_limits<float>::quiet_NaN();
  return static_cast<float>(static_cast<double>(record.residue) / residue_scale);
}

ErrorTally::ErrorTally(int64_t rows, int64_t columns, int64_t row_tile, Heads heads)
    : keeping_(heads),
      columns_(static_cast<size_t>(columns)),
      heat_map_{.row_tile = row_tile,
                .tiles = (rows + row_tile - 1) / row_tile,
                .columns = columns,
                .cells = {}} {
  heat_map_.cells.resize(static_cast<size_t>(heat_map_.tiles * columns));
}

void ErrorTally::add_row(const Format& format, int64_t outer, int64_t row, const double* values,
                         const double* references, float* errors) {
  Cluster whole_row;
  outer_ = outer;
  Cluster* const cells =
      &heat_map_.cells[static_cast<size_t>(row / heat_map_.row_tile * heat_map_.columns)];
  for (int64_t c = 0; c < heat_map_.columns; ++c) {
    const Record record = output_record(format, values[c], references[c]);
    statistics_.moments.add(record);
    whole_row.add(record);
    columns_[static_cast<size_t>(c)].add(record);
    cells[c].add(record);
    if (has_error(record) && std::isfinite(references[c])) magnitudes_.add(references[c], record);
    if (errors != nullptr) errors[c] = error_in_ulps(record);
    if (has_error(record) && record.residue != 0) {
      keep_worst({outer, row, c, values[c], references[c], record.residue});
    }
  }
  statistics_.rows.add(whole_row);
}

void ErrorTally::keep_worst(const WorstError& error) {
  if (worst_.size() == worst_kept) {
    if (!is_worse(error, worst_.front())) return;
    std::pop_heap(worst_.begin(), worst_.end(), is_worse);
    worst_.pop_back();
  }
  worst_.push_back(error);
  std::push_heap(worst_.begin(), worst_.end(), is_worse);
}

void ErrorTally::merge(const ErrorTally& other) {
  statistics_.merge(other.statistics_);
  if (other.statistics_.moments.count != 0) outer_ = other.outer_;
  magnitudes_.merge(other.magnitudes_);
  heads_.insert(other.heads_.begin(), other.heads_.end());
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].merge(other.columns_[i]);
  for (size_t i = 0; i < heat_map_.cells.size(); ++i) {
    heat_map_.cells[i].merge(other.heat_map_.cells[i]);
  }
  for (const auto& error : other.worst_) keep_worst(error);
}

void ErrorTally::close_head() {
  HeadErrors head;
  for (FeatureErrors& column : columns_) {
    statistics_.columns.add(column.total);
    head.features.push_back(feature_bias(column));
    column = {};
  }
  if (keeping_ == Heads::together || statistics_.moments.count == 0) return;
  head.all = statistics_;
  heads_.emplace(outer_, std::move(head));
}

namespace {

template <class Words, AnyOf<WorstError> E>
void list_words(Words& words, E& e) {
  words(e.outer, e.row, e.column, e.value, e.reference, e.residue);
}

template <class Words, AnyOf<FeatureBias> F>
void list_words(Words& words, F& f) {
  words(f.count, f.mean, f.standard_error, f.z, f.one_sided);
}

}  // namespace

void ErrorTally::write(WordWriter& words) const {
  ulpscope::list_words(words, statistics_);
  for (const auto& cell : heat_map_.cells) ulpscope::list_words(words, cell);
  magnitudes_.write(words);
  words(heads_.size());
  for (const auto& [outer, head] : heads_) {
    words(outer);
    ulpscope::list_words(words, head.all);
    for (const auto& feature : head.features) list_words(words, feature);
  }
  const auto sorted = worst();
  words(sorted.size());
  for (const auto& error : sorted) list_words(words, error);
}

void ErrorTally::read(WordReader& words) {
  ulpscope::list_words(words, statistics_);
  for (auto& cell : heat_map_.cells) ulpscope::list_words(words, cell);
  magnitudes_.read(words);
  size_t heads = 0;
  words(heads);
  for (size_t i = 0; i < heads && !words.has_run_out(); ++i) {
    int64_t outer = 0;
    words(outer);
    HeadErrors& head = heads_[outer];
    ulpscope::list_words(words, head.all);
    head.features.resize(columns_.size());
    for (auto& feature : head.features) list_words(words, feature);
  }
  size_t count = 0;
  words(count);
  for (size_t i = 0; i < std::min(count, worst_kept); ++i) {
    WorstError error;
    list_words(words, error);
    keep_worst(error);
  }
}

std::vector<WorstError> ErrorTally::worst() const {
  auto sorted = worst_;
  std::sort(sorted.begin(), sorted.end(), is_worse);
  return sorted;
}

}  // namespace ulpscope
