// Operands of two formats have no sum until someone says into which format it is rounded.
#include "ulpscope/arith/soft.hpp"

using namespace ulpscope;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
auto sum(Soft<bf16> x, Soft<fp32> y) { return x + y; }
#else
auto sum(Soft<bf16> x, Soft<fp32> y) { return add_to<Soft<bf16> >(x, y).value; }
#endif
