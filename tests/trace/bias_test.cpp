// Mean, standard error and z against the textbook formulas in plain binary64.
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>

#include "trace/records.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Matrix = std::vector<std::vector<Record>>;

double ulps(const Record& r) {
  return static_cast<double>(r.residue) / static_cast<double>(one_ulp);
}
double outward(const Record& r) { return r.negative ? -ulps(r) : ulps(r); }

// G/(G-1) sum (S - n m)^2 over the clusters; 0 for one.
double spread(const std::vector<double>& sums, const std::vector<double>& counts, double mean) {
  if (sums.size() < 2) return 0;
  double total = 0;
  for (size_t g = 0; g < sums.size(); ++g) total += std::pow(sums[g] - counts[g] * mean, 2);
  const auto groups = static_cast<double>(sums.size());
  return total * groups / (groups - 1);
}

template <class Value>
Bias by_hand(const Matrix& matrix, Value&& value) {
  double sum = 0, squares = 0, n = 0;
  size_t width = 0;
  for (const auto& row : matrix) width = std::max(width, row.size());
  std::vector<double> row_sums, row_counts, column_sums(width), column_counts(width);
  for (const auto& row : matrix) {
    double row_sum = 0;
    for (size_t j = 0; j < row.size(); ++j) {
      const double x = value(row[j]);
      sum += x;
      squares += x * x;
      n += 1;
      row_sum += x;
      column_sums[j] += x;
      column_counts[j] += 1;
    }
    row_sums.push_back(row_sum);
    row_counts.push_back(static_cast<double>(row.size()));
  }
  const double mean = sum / n;
  const double rows = spread(row_sums, row_counts, mean);
  const double columns = spread(column_sums, column_counts, mean);
  const double single = squares - n * mean * mean;
  const double error = std::sqrt(std::max({rows, columns, rows + columns - single})) / n;
  return {mean, error, mean / error};
}

// 1e-9: the differences of large sums lose a few digits of sixteen.
bool near(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }
bool near(const Bias& a, const Bias& b) {
  return near(a.mean, b.mean) && near(a.standard_error, b.standard_error) && near(a.z, b.z);
}

Matrix random_matrix(uint64_t seed, size_t rows, size_t columns, int64_t row_effect,
                     int64_t column_effect) {
  RandomErrors random(seed);
  std::vector<int64_t> of_column;
  for (size_t j = 0; j < columns; ++j) {
    of_column.push_back(static_cast<int64_t>(random.word() % 1001) * column_effect / 1000);
  }
  Matrix matrix(rows);
  for (auto& row : matrix) {
    const int64_t of_row = static_cast<int64_t>(random.word() % 1001) * row_effect / 1000;
    // Rows end early now and then, as causal ones do.
    const size_t length = columns - random.word() % (columns / 2);
    for (size_t j = 0; j < length; ++j) row.push_back(random.next(of_row + of_column[j]));
  }
  return matrix;
}

}  // namespace

TEST_CASE("mean, standard error and z are those of the formulas") {
  const std::array effects{std::pair{0, 0}, std::pair{20000, 0}, std::pair{0, 20000},
                           std::pair{9000, 5000}, std::pair{-30000, 8000}};
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (const auto& [rows, columns] : effects) {
      const Matrix matrix = random_matrix(seed, 30 + seed, 50, rows, columns);
      const BiasSummary summary = summarise(statistics_of(matrix));
      CHECK(near(summary.by_value, by_hand(matrix, ulps)));
      CHECK(near(summary.by_magnitude, by_hand(matrix, outward)));
    }
  }
}

TEST_CASE("a matrix worked by hand") {
  const int64_t quarter = one_ulp / 4;
  const Matrix matrix{{error(quarter), error(quarter)}, {error(quarter), error(-quarter)}};
  const Bias bias = summarise(statistics_of(matrix)).by_value;
  CHECK(near(bias.mean, 0.125));
  CHECK(near(bias.standard_error, std::sqrt(5.0 / 16) / 4));
  CHECK(near(bias.z, 0.125 / (std::sqrt(5.0 / 16) / 4)));
  CHECK_FALSE(is_biased(bias));
}

TEST_CASE("the sign test counts signs alone") {
  const Matrix matrix{{error(5), error(7), error(9), error(0)}, {error(-1), error(3)}};
  CHECK(near(summarise(statistics_of(matrix)).sign_z, 3 / std::sqrt(5.0)));
  CHECK(near(summarise(statistics_of({{error(0)}})).sign_z, 0.0));
}

TEST_CASE("errors that rows share count as one a row") {
  // 20 rows of 400 equal errors, +1/4 or -1/4 ulp by turns but for two rows more of the former.
  Matrix matrix;
  for (int i = 0; i < 20; ++i) {
    matrix.emplace_back(400, error(i < 11 ? one_ulp / 4 : -one_ulp / 4));
  }
  const BiasSummary summary = summarise(statistics_of(matrix));
  CHECK(summary.sign_z > bias_threshold);  // 8,000 errors taken as independent
  CHECK_FALSE(is_biased(summary.by_value));
  CHECK(summary.by_value.z < 1);
}

TEST_CASE("an error that never varies is biased beyond doubt") {
  const Matrix low(3, std::vector<Record>(4, error(-one_ulp / 4)));
  const BiasSummary summary = summarise(statistics_of(low));
  CHECK(near(summary.by_value.mean, -0.25));
  CHECK(summary.by_value.standard_error <= 0);
  CHECK(std::isinf(summary.by_value.z));
  CHECK(summary.by_value.z < 0);
  CHECK(is_biased(summary.by_value));
  const Matrix exact(3, std::vector<Record>(4, error(0)));
  CHECK(std::abs(summarise(statistics_of(exact)).by_value.z) <= 0);
}

TEST_CASE("one cluster says nothing of a spread, so nothing of a bias") {
  ErrorStatistics one_row = statistics_of({std::vector<Record>(100, error(-one_ulp / 4))});
  one_row.columns = {};  // a site without a second index
  const Bias bias = summarise(one_row).by_value;
  CHECK(near(bias.mean, -0.25));
  CHECK(std::isnan(bias.standard_error));
  CHECK(std::abs(bias.z) <= 0);
  CHECK_FALSE(is_biased(bias));
}

TEST_CASE("with clusters on one side only, that side gives the error") {
  RandomErrors random(7);
  Matrix one_row(1);
  for (int j = 0; j < 64; ++j) one_row[0].push_back(random.next());
  ErrorStatistics statistics = statistics_of(one_row);
  CHECK(statistics.rows.clusters == 1);
  const Bias bias = summarise(statistics).by_value;
  CHECK(near(bias, by_hand(one_row, ulps)));
  CHECK(bias.standard_error > 0);
}

TEST_CASE("nothing and nothing but skipped errors have no bias") {
  for (const Matrix& matrix : {Matrix{}, Matrix{{rounding_of(1e10, fp16)}}}) {
    const BiasSummary summary = summarise(statistics_of(matrix));
    CHECK_FALSE(is_biased(summary.by_value));
    CHECK_FALSE(is_biased(summary.by_magnitude));
    CHECK(std::abs(summary.by_value.mean) <= 0);
  }
}

TEST_CASE("a bias toward zero shows by magnitude and hides by value") {
  RandomErrors random(9);
  Matrix matrix(60);
  for (auto& row : matrix) {
    for (int j = 0; j < 40; ++j) {
      const double x = 1 + static_cast<double>(random.word() >> 12) * 0x1p-52;
      row.push_back(rounding_of(random.word() % 2 == 0 ? x : -x, bf16, toward_zero));
    }
  }
  const BiasSummary summary = summarise(statistics_of(matrix));
  CHECK(is_biased(summary.by_magnitude));
  CHECK(summary.by_magnitude.mean < -0.4);
  CHECK_FALSE(is_biased(summary.by_value));
}

TEST_CASE("the threshold is five, on either side") {
  CHECK(is_biased({1, 0.2, 5.0}));
  CHECK(is_biased({-1, 0.2, -5.0}));
  CHECK_FALSE(is_biased({1, 0.21, 4.99}));
  CHECK_FALSE(is_biased({1, 0.21, std::nan("")}));
}
