// Keyword arguments of a Python call as the options of a run: by the names of the command line,
// with - as _. What is left out has the command line's default.
//
// Tested by tests/python/test_runs.py.
#pragma once

#include "ulpscope/run/problem_inputs.hpp"

#include <map>
#include <optional>
#include <string>

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace ulpscope::python {

namespace nb = nanobind;

class Keywords {
 public:
  explicit Keywords(nb::dict words) : words_(std::move(words)) {}

  template <class T>
  std::optional<T> get(const char* name) const {
    if (!words_.contains(name)) return std::nullopt;
    T value{};
    if (!nb::try_cast(words_[name], value)) fail_type(name);
    return value;
  }
  template <class T>
  T get(const char* name, const T& otherwise) const {
    return get<T>(name).value_or(otherwise);
  }
  std::string text(const char* name) const { return get<std::string>(name, ""); }
  std::optional<Format> format(const char* name) const;
  // A whole number within the bounds that the command line sets; else an Error of kind usage.
  std::optional<int64_t> whole(const char* name, int64_t least, int64_t most) const;
  int threads() const;  // all, if nothing is said

 private:
  [[noreturn]] void fail_type(const char* name) const;  // a TypeError that shows the value

  nb::dict words_;
};

ProblemOptions problem_options(const Keywords& words, const HeldTensors& held);

}  // namespace ulpscope::python
