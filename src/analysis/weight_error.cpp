#include "ulpscope/analysis/weight_error.hpp"

#include "ulpscope/analysis/drift.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <cmath>
#include <vector>

namespace ulpscope {

namespace {

double dot(std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

// Rows brought to length 1, with the lengths that they had.
class UnitRows {
 public:
  explicit UnitRows(int64_t size) : size_(static_cast<size_t>(size)) {}

  void add(std::span<const double> row, double length) {
    for (const double x : row) values_.push_back(x / length);
    lengths_.push_back(length);
  }
  std::span<const double> operator[](size_t i) const {
    return std::span(values_).subspan(i * size_, size_);
  }
  double length(size_t i) const { return lengths_[i]; }
  size_t count() const { return lengths_.size(); }

 private:
  size_t size_;
  std::vector<double> values_;
  std::vector<double> lengths_;
};

bool is_usable(double length) { return length > 0 && std::isfinite(length); }

}  // namespace

WeightError weight_error(const WeightErrorTerms& terms) {
  const HostFpGuard guard;
  const auto dim = static_cast<size_t>(terms.dim);
  const auto width = static_cast<size_t>(terms.width);
  UnitRows pk(terms.dim), x(terms.width);
  std::vector<double> sum(dim * width);
  CompensatedSum largest;
  for (size_t t = 0; t < terms.errors.size(); ++t) {
    const auto pk_row = terms.pk.subspan(t * dim, dim);
    const auto x_row = terms.x.subspan(t * width, width);
    const double pk_length = std::sqrt(dot(pk_row, pk_row));
    const double x_length = std::sqrt(dot(x_row, x_row));
    const double factor = terms.alpha * terms.errors[t];
    if (!is_usable(pk_length) || !is_usable(x_length) || !std::isfinite(factor)) continue;
    pk.add(pk_row, pk_length);
    x.add(x_row, x_length);
    largest.add(std::abs(factor) * pk_length * x_length);
    for (size_t i = 0; i < dim; ++i) {
      for (size_t j = 0; j < width; ++j) sum[i * width + j] += factor * pk_row[i] * x_row[j];
    }
  }
  const size_t count = pk.count();
  CompensatedSum cosines, squares;  // over pairs of two different tokens, each pair once
  for (size_t t = 0; t < count; ++t) {
    for (size_t u = 0; u < t; ++u) {
      const double cosine = dot(pk[t], pk[u]) * dot(x[t], x[u]);
      cosines.add(cosine);
      squares.add(cosine * cosine);
    }
  }
  WeightError result;
  const auto n = static_cast<double>(count);
  result.tokens = static_cast<int64_t>(count);
  if (count > 1) result.similarity = 2 * cosines.value() / (n * (n - 1));
  if (count > 0) result.effective_rank = n * n / (n + 2 * squares.value());
  result.spectral_norm = spectral_norm(sum, terms.dim, terms.width);
  result.largest = largest.value();
  return result;
}

}  // namespace ulpscope
