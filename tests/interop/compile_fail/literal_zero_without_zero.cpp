// e8m0fnu has no zero.
#include "ulpscope/interop/literals.hpp"

using namespace ulpscope;
using namespace ulpscope::literals;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
constexpr auto number = 0_e8m0fnu;
#else
constexpr auto number = 1_e8m0fnu;
#endif
