// A tenth is in no binary format: the literal refuses, the conversion rounds and says so.
#include "ulpscope/interop/literals.hpp"

using namespace ulpscope;
using namespace ulpscope::literals;

#if defined(ULPSCOPE_MUST_NOT_COMPILE)
constexpr auto number = 0.1_bf16;
#else
constexpr auto number = Soft<bf16>(0.1);
#endif
