// A Soft number becomes a double by name only: a hidden widening hides where the next rounding is.
#include "ulpscope/arith/soft.hpp"

using namespace ulpscope;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
double number(Soft<bf16> x) { return x; }
#else
double number(Soft<bf16> x) { return static_cast<double>(x); }
#endif
