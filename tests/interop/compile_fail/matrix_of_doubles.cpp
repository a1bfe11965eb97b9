// A matrix of doubles is not taken for one of Soft numbers, nor the reverse.
#include "ulpscope/interop/eigen.hpp"

using namespace ulpscope;

using Matrix = Eigen::Matrix<Soft<bf16>, 2, 2>;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
Matrix rounded(const Eigen::Matrix2d& x) { return x; }
#else
Matrix rounded(const Eigen::Matrix2d& x) { return x.cast<Soft<bf16> >(); }
#endif
