#include "ulpscope/interop/eigen.hpp"

#include "ulpscope/interop/doctest.hpp"

#include <type_traits>

#include <Eigen/Dense>
#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

template <class Number>
using MatrixOf = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic>;
template <class Number>
using VectorOf = Eigen::Matrix<Number, Eigen::Dynamic, 1>;

// Entries of both signs with eight significant bits, three binades wide: most sums of their
// products round.
template <class Number>
MatrixOf<Number> sample(Eigen::Index rows, Eigen::Index columns, unsigned seed) {
  MatrixOf<Number> matrix(rows, columns);
  for (Eigen::Index i = 0; i < rows; ++i) {
    for (Eigen::Index j = 0; j < columns; ++j) {
      seed = seed * 1664525 + 1013904223;  // Numerical Recipes' generator
      const int numerator = static_cast<int>(seed >> 23) - 256;
      matrix(i, j) = Number(numerator / 64.0);
    }
  }
  return matrix;
}

// From +0 in the order of the index, every product and every sum rounded.
template <class Number>
MatrixOf<Number> naive_product(const MatrixOf<Number>& a, const MatrixOf<Number>& b) {
  MatrixOf<Number> product(a.rows(), b.cols());
  for (Eigen::Index i = 0; i < a.rows(); ++i) {
    for (Eigen::Index j = 0; j < b.cols(); ++j) {
      Number sum(0);
      for (Eigen::Index k = 0; k < a.cols(); ++k) {
        const auto term = multiply_to<Number>(a(i, k), b(k, j)).value;
        sum = add_to<Number>(sum, term).value;
      }
      product(i, j) = sum;
    }
  }
  return product;
}

template <class Number>
int different_bits(const MatrixOf<Number>& a, const MatrixOf<Number>& b) {
  int count = a.size() == b.size() ? 0 : 1;
  for (Eigen::Index i = 0; i < a.size(); ++i) count += a(i).bits() != b(i).bits() ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a matrix product rounds every product and every sum to bf16") {
  using B = Soft<bf16>;
  for (const int depth : {1, 2, 7, 33, 300}) {
    const auto a = sample<B>(40, depth, 1);  // a multiple of the rows that Eigen takes at a time
    const auto b = sample<B>(depth, 11, 2);
    CHECK(different_bits<B>(a * b, naive_product(a, b)) == 0);
  }
}

TEST_CASE("a lazy product adds in the order of the index, whatever the sizes") {
  using B = Soft<bf16>;
  for (const int depth : {1, 2, 7, 33, 300}) {
    const auto a = sample<B>(9, depth, 1);
    const auto b = sample<B>(depth, 11, 2);
    CHECK(different_bits<B>(a.lazyProduct(b), naive_product(a, b)) == 0);
  }
}

TEST_CASE("the product in bf16 is not the rounded product in double") {
  using B = Soft<bf16>;
  const auto a = sample<B>(9, 100, 1);
  const auto b = sample<B>(100, 11, 2);
  const Eigen::MatrixXd exact = a.cast<double>() * b.cast<double>();  // no rounding: small integers
  const MatrixOf<B> once = exact.cast<B>();
  CHECK(different_bits<B>(a * b, once) > 50);
}

TEST_CASE("a matrix times a column adds in the order of the index") {
  using H = Soft<e5m2, toward_zero>;
  const auto a = sample<H>(6, 40, 3);
  const VectorOf<H> x = sample<H>(40, 1, 4);
  CHECK(different_bits<H>(a * x, naive_product<H>(a, x)) == 0);
}

TEST_CASE("a sum of ones sticks where the format's precision ends") {
  using B = Soft<bf16>;
  const VectorOf<B> ones = VectorOf<B>::Constant(1000, B(1.0));
  CHECK(ones.sum() == B(256.0));
}

TEST_CASE("a linear system is solved in the format's own arithmetic") {
  using H = Soft<fp16>;
  MatrixOf<H> a(2, 2);
  a << H(2.0), H(1.0), H(1.0), H(3.0);
  VectorOf<H> b(2);
  b << H(5.0), H(10.0);
  const VectorOf<H> x = a.partialPivLu().solve(b);
  CHECK(x(0) == H(1.0));
  CHECK(x(1) == H(3.0));
  CHECK(x.norm() == sqrt(H(10.0)));
  CHECK(isfinite(x.stableNorm()));
  CHECK(x.allFinite());
  CHECK(x.array().isFinite().all());
}

TEST_CASE("Eigen knows the limits of the format") {
  using Traits = Eigen::NumTraits<Soft<e4m3fn>>;
  CHECK(Traits::epsilon() == Soft<e4m3fn>(0.125));
  CHECK(Traits::highest() == Soft<e4m3fn>(448.0));
  CHECK(Traits::lowest() == Soft<e4m3fn>(-448.0));
  CHECK(Traits::digits10() == 0);
  CHECK(Traits::IsSigned);
  CHECK_FALSE(Traits::IsInteger);
}

TEST_CASE("no number becomes a Soft number by itself") {
  using B = Soft<bf16>;
  CHECK_FALSE(std::is_convertible_v<int, B>);
  CHECK_FALSE(std::is_convertible_v<double, B>);
  CHECK_FALSE(std::is_convertible_v<B, double>);
}
