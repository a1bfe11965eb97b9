// 257 takes nine bits; bf16 has eight.
#include "ulpscope/interop/literals.hpp"

using namespace ulpscope;
using namespace ulpscope::literals;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
constexpr auto number = 257_bf16;
#else
constexpr auto number = 258_bf16;
#endif
