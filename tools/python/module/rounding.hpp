// Formats and roundings as functions of _core, on arrays that Python made.
//
//   format("bf16") -> {"name": "bf16", "bits": 16, ...}
//   round(x, "fp32", "e4m3fn", "rne:sat", seed, codes, errors)   // into codes, and ulps if asked
//   values(codes, "e4m3fn", numbers)                             // exact, as binary64
//
// Tested by tests/python/test_formats.py and test_rounding.py.
#pragma once

#include <nanobind/nanobind.h>

namespace ulpscope::python {

void add_formats(nanobind::module_& module);
void add_rounding(nanobind::module_& module);

}  // namespace ulpscope::python
