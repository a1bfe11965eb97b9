#include "ulpscope/compare/head_errors.hpp"

#include "ulpscope/compare/breakdown.hpp"

namespace ulpscope {

void FeatureErrors::add(const Record& record) {
  total.add(record);
  not_zero += has_error(record) && record.residue != 0;
  Cluster one;
  one.add(record);
  if (one.count != 0) rows.add(one);
}

void FeatureErrors::merge(const FeatureErrors& other) {
  total.merge(other.total);
  not_zero += other.not_zero;
  rows.merge(other.rows);
}

FeatureBias feature_bias(const FeatureErrors& errors) {
  ErrorStatistics statistics;
  statistics.moments.count = errors.total.count;
  statistics.moments.sum = errors.total.sum;
  statistics.moments.sum_away = errors.total.sum_away;
  statistics.rows = errors.rows;
  const Bias bias = summarise(statistics).by_value;
  return {.count = errors.total.count,
          .mean = bias.mean,
          .standard_error = bias.standard_error,
          .z = bias.z,
          .one_sided = is_biased(bias) && errors.not_zero >= fewest_errors};
}

}  // namespace ulpscope
