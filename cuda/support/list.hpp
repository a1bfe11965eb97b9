// Rows of a check as a type, and the counter of its kernels.
//
//   check_all(List<Ex2, Lg2, Rcp>{}, ...)
#pragma once

namespace ulpscope::cuda {

template <class... Row>
struct List {};

using Count = unsigned long long;  // the type of 64-bit atomics

}  // namespace ulpscope::cuda
