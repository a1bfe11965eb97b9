// ulpscope._core: what the Python package needs of the library, and no more. Names, defaults and
// documentation are Python's (tools/python/ulpscope); here are arrays, options and calls.
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/version.hpp"

#include "arrays.hpp"
#include "rounding.hpp"
#include "runs.hpp"

namespace {

namespace nb = nanobind;

const char* class_of(ulpscope::ErrorKind kind) {
  switch (kind) {
    case ulpscope::ErrorKind::usage: return "UsageError";
    case ulpscope::ErrorKind::input: return "InputError";
    case ulpscope::ErrorKind::resource: return "ResourceError";
  }
  return "Error";
}

// An Error of the library as the Python class of its kind, with the same line of text.
void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const ulpscope::Error& error) {
    const nb::object type = nb::module_::import_("ulpscope.errors").attr(class_of(error.kind()));
    PyErr_SetString(type.ptr(), error.what());
  }
}

}  // namespace

NB_MODULE(_core, module) {
  nb::register_exception_translator(&translate);
  module.attr("version") = ulpscope::version;
  ulpscope::python::add_arrays(module);
  ulpscope::python::add_formats(module);
  ulpscope::python::add_rounding(module);
  ulpscope::python::add_runs(module);
  ulpscope::python::add_reports(module);
}
