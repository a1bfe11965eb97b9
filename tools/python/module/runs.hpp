// The jobs of include/ulpscope/run as functions of _core:
//
//   attention(words: dict, arrays: list, progress) -> (JSON text, outputs, errors)
//   monitors(words, arrays, progress)              -> JSON text
//
// The JSON is byte for byte what the command line prints. Tested by tests/python/test_runs.py.
#pragma once

#include <nanobind/nanobind.h>

namespace ulpscope::python {

void add_runs(nanobind::module_& module);
void add_reports(nanobind::module_& module);

}  // namespace ulpscope::python
