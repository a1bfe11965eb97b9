// 1 + 2^-60 is 1 for a double and for a long double of 53 bits; for the literal it is not.
#include "ulpscope/interop/literals.hpp"

using namespace ulpscope;
using namespace ulpscope::literals;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
constexpr auto number = 0x1.000000000000001p0_bf16;
#else
constexpr auto number = 0x1.000000000000000p0_bf16;
#endif
