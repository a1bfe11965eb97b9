// Arrays that cross the border between Python and the library, without copies.
//
// In: any CPU array that speaks DLPack or the buffer protocol. An array of a run is a triple (name,
// element, array): what its elements are (tensor/element.hpp), and memory that is seen as bytes.
// Out: a tensor becomes (name, element, shape, bytes); numpy then owns its storage.
//
// Tested by tests/python/test_arrays.py.
#pragma once

#include "ulpscope/tensor/held.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

namespace ulpscope::python {

namespace nb = nanobind;

using InArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

inline std::span<const std::byte> memory_of(const InArray& array) {
  return {static_cast<const std::byte*>(array.data()), array.nbytes()};
}

// Under the name of a file that no path has. The arrays must outlive the result.
HeldTensors held(const nb::list& triples);

// A list of quadruples, one a tensor.
nb::list handed_over(std::vector<Tensor>&& tensors);

void add_arrays(nb::module_& module);

}  // namespace ulpscope::python
