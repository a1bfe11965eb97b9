// A matrix is scaled by a number of its own kind: which rounding the 0.1 would get must be seen.
#include "ulpscope/interop/eigen.hpp"

using namespace ulpscope;

using Matrix = Eigen::Matrix<Soft<bf16>, 2, 2>;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
Matrix scaled(const Matrix& x) { return x * 0.1; }
#else
Matrix scaled(const Matrix& x) { return x * Soft<bf16>(0.1); }
#endif
