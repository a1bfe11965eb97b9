#include "ulpscope/analysis/p_cast.hpp"

#include "ulpscope/reference/wide_exp.hpp"
#include "ulpscope/round/value.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ulpscope {

namespace {

// The running state of a row: maximum, sum and the two O, with P cast and with P as it is.
class OnlineRow {
 public:
  OnlineRow(const PCast& cast, std::span<const double> scores, std::span<const double> values)
      : cast_(cast),
        scores_(scores),
        values_(values),
        features_(values.size() / scores.size()),
        o_(features_),
        exact_(features_) {}

  void visit(size_t first, size_t end) {
    const double old = maximum_;
    maximum_ = std::max(old, *std::max_element(scores_.begin() + static_cast<ptrdiff_t>(first),
                                               scores_.begin() + static_cast<ptrdiff_t>(end)));
    const double factor = wide_exp(old - maximum_);
    sum_ *= factor;
    for (double& x : o_) x *= factor;
    for (double& x : exact_) x *= factor;
    for (size_t key = first; key < end; ++key) add(key, wide_exp(scores_[key] - maximum_));
  }

  CastRow finish() const {
    CastRow row{.keys = static_cast<int64_t>(scores_.size()),
                .lost = lost_,
                .elements = static_cast<int64_t>(features_)};
    const double gap = vanishing_gap(cast_);
    row.below_threshold = std::count_if(scores_.begin(), scores_.end(),
                                        [&](double s) { return maximum_ - s >= gap; });
    for (size_t d = 0; d < features_; ++d) {
      const double exact = exact_[d] / sum_;
      const double error = o_[d] / sum_ - exact;
      row.squared_error += error * error;
      row.squared_exact += exact * exact;
    }
    return row;
  }

 private:
  void add(size_t key, double p) {
    const auto exact = decode<uint64_t>(fp64, bit_cast<uint64_t>(p * cast_.scale));
    const auto code = rounded(cast_.format, exact, cast_.rounding,
                              {.seed = cast_.seed, .site = experiment_site, .element = key});
    const double kept = double_value(cast_.format, code.bits) / cast_.scale;
    lost_ += p > 0 && !(kept > 0);
    sum_ += p;
    const double* const v = &values_[key * features_];
    for (size_t d = 0; d < features_; ++d) {
      o_[d] += kept * v[d];
      exact_[d] += p * v[d];
    }
  }

  const PCast& cast_;
  std::span<const double> scores_;
  std::span<const double> values_;
  size_t features_;
  double maximum_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;
  int64_t lost_ = 0;
  std::vector<double> o_;
  std::vector<double> exact_;
};

}  // namespace

double vanishing_gap(const PCast& cast) {
  constexpr double ln2 = 0.693147180559945309;
  return (1 - smallest_positive_exponent(cast.format)) * ln2 + wide_log(cast.scale);
}

void CastRow::merge(const CastRow& other) {
  keys += other.keys;
  lost += other.lost;
  below_threshold += other.below_threshold;
  elements += other.elements;
  squared_error += other.squared_error;
  squared_exact += other.squared_exact;
}

CastRow cast_row(const PCast& cast, std::span<const double> scores,
                 std::span<const double> values) {
  OnlineRow row(cast, scores, values);
  const auto tile = static_cast<size_t>(cast.tile);
  const size_t tiles = (scores.size() + tile - 1) / tile;
  for (size_t i = 0; i < tiles; ++i) {
    const size_t t = cast.order == TileOrder::ascending ? i : tiles - 1 - i;
    row.visit(t * tile, std::min((t + 1) * tile, scores.size()));
  }
  return row.finish();
}

}  // namespace ulpscope
