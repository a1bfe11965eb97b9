// The largest e4m3fn is 448; saturation or NaN is for a conversion to choose.
#include "ulpscope/interop/literals.hpp"

using namespace ulpscope;
using namespace ulpscope::literals;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
constexpr auto number = 512_e4m3fn;
#else
constexpr auto number = 448_e4m3fn;
#endif
