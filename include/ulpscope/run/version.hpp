// The version that every output names; CMakeLists.txt has the same number (tests/run holds it).
#pragma once

namespace ulpscope {

inline constexpr const char* version = "0.1.0";

}  // namespace ulpscope
