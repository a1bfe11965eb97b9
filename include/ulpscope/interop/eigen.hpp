// Eigen computes with Soft numbers: matrices whose every product and sum rounds, by the format.
//
//   using Matrix = Eigen::Matrix<Soft<bf16>, Eigen::Dynamic, Eigen::Dynamic>;
//   Matrix c = a * b;                          // each product and each sum rounded to bf16
//   Eigen::MatrixXd exact = a.cast<double>() * b.cast<double>();
//
// Eigen adds a product to a sum in two steps, so it rounds twice where an FMA would round once. The
// order of a sum is Eigen's and depends on the sizes (the last rows of a large product have four
// partial sums, for instance). Where bits must be reproduced use a.lazyProduct(b), which adds in
// the order of the index whatever the sizes. Conversions stay explicit: a.cast<double>(), and
// Matrix::Constant(n, m, Soft<bf16>(0.5)). For programs that use Eigen themselves; nothing inside
// ulpscope includes this header. Host only. Tested by tests/interop/eigen_test.cpp.
#pragma once

#include "ulpscope/interop/limits.hpp"

#include <Eigen/Core>

template <ulpscope::Format F, ulpscope::Rounding R>
struct Eigen::NumTraits<ulpscope::Soft<F, R>> : Eigen::GenericNumTraits<ulpscope::Soft<F, R>> {
  using Number = ulpscope::Soft<F, R>;
  // Costs are in floating-point instructions: high enough that Eigen computes nothing twice.
  enum {
    IsComplex = 0,
    IsInteger = 0,
    IsSigned = std::numeric_limits<Number>::is_signed,
    RequireInitialization = 1,
    ReadCost = 1,
    AddCost = 40,
    MulCost = 40
  };
  // What Eigen calls nearly equal: half of the digits.
  static Number dummy_precision() { return sqrt(std::numeric_limits<Number>::epsilon()); }
};
