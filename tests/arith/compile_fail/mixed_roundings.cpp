// Two roundings of one format do not mix: which of them would the sum use?
#include "ulpscope/arith/soft.hpp"

using namespace ulpscope;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
auto sum(Soft<bf16> x, Soft<bf16, toward_zero> y) { return x + y; }
#else
auto sum(Soft<bf16> x, Soft<bf16, toward_zero> y) { return x + Soft<bf16>(y); }
#endif
