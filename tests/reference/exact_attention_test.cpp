#include "ulpscope/reference/exact_attention.hpp"

#include "ulpscope/base/bits.hpp"

#include <cmath>
#include <limits>

#include "reference/heads.hpp"
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <doctest/doctest.h>

using namespace ulpscope;
using test::Head;

namespace {

// Three times the bits of the code under test.
using Judge = boost::multiprecision::number<
    boost::multiprecision::cpp_bin_float<480, boost::multiprecision::digit_base_2>,
    boost::multiprecision::et_off>;

uint64_t bits_of(double x) { return bit_cast<uint64_t>(x); }

double distance(const TwoDoubles& x, const Judge& y) {
  return Judge(abs(Judge(x.hi) + Judge(x.lo) - y)).convert_to<double>();
}

struct JudgedRow {
  std::vector<Judge> o;
  std::vector<Judge> magnitude;  // sum p|v| / sum p
  Judge lse;
};

// Without the maximum, and keys in descending order: another road to the same numbers.
JudgedRow judged_row(const Head& head, int64_t row) {
  const auto dim = static_cast<size_t>(head.dim_v);
  JudgedRow result{std::vector<Judge>(dim), std::vector<Judge>(dim), 0};
  Judge sum = 0;
  for (int64_t j = head.keys - 1; j >= 0; --j) {
    Judge s = 0;
    for (int64_t i = 0; i < head.dim_qk; ++i) {
      s += Judge(head.q[static_cast<size_t>(row * head.dim_qk + i)]) *
           Judge(head.k[static_cast<size_t>(j * head.dim_qk + i)]);
    }
    const Judge p = exp(Judge(s * Judge(head.scale)));
    sum += p;
    for (size_t f = 0; f < dim; ++f) {
      const Judge term = p * Judge(head.v[static_cast<size_t>(j) * dim + f]);
      result.o[f] += term;
      result.magnitude[f] += abs(term);
    }
  }
  for (Judge& o : result.o) o /= sum;
  for (Judge& m : result.magnitude) m /= sum;
  result.lse = log(sum);
  return result;
}

void check_head(const Head& head) {
  ExactRow exact;
  for (int64_t row = 0; row < head.rows; ++row) {
    exact_attention_row(head.view(), row, exact);
    const JudgedRow judged = judged_row(head, row);
    for (size_t f = 0; f < exact.o.size(); ++f) {
      const double magnitude = judged.magnitude[f].convert_to<double>();
      REQUIRE(distance(exact.o[f], judged.o[f]) <= 0x1p-104 * magnitude);
      REQUIRE(exact.o_error[f] >= 0x1p-90 * magnitude);
      REQUIRE(exact.o_error[f] <= 0x1.01p-90 * magnitude + 0x1p-500);
    }
    REQUIRE(distance(exact.lse, judged.lse) <= 0x1p-104 * (1 + std::abs(exact.lse.hi)));
  }
}

}  // namespace

TEST_CASE("equal scores give the mean, exactly where two doubles hold it") {
  Head head = test::zero_head(1, 3, 4, 2);
  head.v = {1, 1, 0, 1 + 0x1p-60, 0, 1};
  head.v[3] = 0x1p-60;
  head.v[5] = 2;
  ExactRow row;
  exact_attention_row(head.view(), 0, row);
  // 1/3 is not two doubles; 1 + 2^-60 / 3 needs the low one.
  CHECK(distance(row.o[0], Judge(1) / 3) < 0x1p-107);
  CHECK(bits_of(row.o[1].hi) == bits_of(1.0));
  CHECK(std::abs(row.o[1].lo - 0x1p-60 / 3) < 0x1p-110);
  CHECK(distance(row.lse, log(Judge(3))) < 0x1p-105);
}

TEST_CASE("two keys are the logistic function") {
  Head head = test::zero_head(1, 2, 1, 1);
  head.q = {1};
  head.k = {0.75, -1.5};
  head.v = {1, -3};
  ExactRow row;
  exact_attention_row(head.view(), 0, row);
  const Judge logistic = 1 / (1 + exp(Judge(-2.25)));
  CHECK(distance(row.o[0], Judge(-3) + 4 * logistic) < 0x1p-105);
}

TEST_CASE("exact rows agree with three times the bits by another road") {
  check_head(test::random_head(21, 2, 40, 16, 6));
  check_head(test::sink_head(22, 2, 33, 8));
  check_head(test::random_head(23, 2, 24, 32, 4, 60.0));  // scores in the thousands
}

TEST_CASE("rows without keys, NaN and infinities are those of the wide reference") {
  Head head = test::random_head(24, 2, 3, 4, 3);
  head.visible = causal_keys(3, -1);
  ExactRow row;
  exact_attention_row(head.view(), 0, row);
  CHECK(bits_of(row.o[2].hi) == 0);
  CHECK(bits_of(row.lse.hi) == bits_of(std::numeric_limits<double>::infinity()));
  head.visible = {};
  head.v[1] = -std::numeric_limits<double>::infinity();
  exact_attention_row(head.view(), 1, row);
  CHECK(bits_of(row.o[1].hi) == bits_of(-std::numeric_limits<double>::infinity()));
  CHECK(std::isfinite(row.o[0].hi));
  head.k[5] = std::numeric_limits<double>::quiet_NaN();
  exact_attention_row(head.view(), 1, row);
  CHECK(std::isnan(row.o[0].hi));
  CHECK(std::isnan(row.lse.hi));
}

TEST_CASE("a key with a score of minus infinity weighs nothing") {
  Head head = test::zero_head(1, 3, 1, 1);
  head.q = {1};
  head.k = {0, -std::numeric_limits<double>::infinity(), 0};
  head.v = {1, 100, 2};
  ExactRow exact;
  WideRow wide;
  exact_attention_row(head.view(), 0, exact);
  wide_attention_row(head.view(), 0, wide);
  CHECK(bits_of(exact.o[0].hi) == bits_of(1.5));
  CHECK(bits_of(wide.o[0]) == bits_of(1.5));
}
