// A double becomes a Soft number by name only: the rounding must be seen.
#include "ulpscope/arith/soft.hpp"

using namespace ulpscope;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
Soft<bf16> number() { return 0.1; }
#else
Soft<bf16> number() { return Soft<bf16>(0.1); }
#endif
