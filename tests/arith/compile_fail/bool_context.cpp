// A Soft number is no condition: is NaN true, is -0 false?
#include "ulpscope/arith/soft.hpp"

using namespace ulpscope;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
int sign(Soft<bf16> x) { return x ? 1 : 0; }
#else
int sign(Soft<bf16> x) { return x != Soft<bf16>(0.0) ? 1 : 0; }
#endif
