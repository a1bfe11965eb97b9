#include "arrays.hpp"

#include "ulpscope/base/error.hpp"

#include <memory>

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace ulpscope::python {

namespace {

Element element_called(const std::string& name) {
  if (const auto element = element_from_name(name)) return *element;
  throw Error(ErrorKind::usage, "unknown element type '" + name + "'");
}

// Memory of any DLPack exporter as numpy sees it: (code, bits, the same bytes as unsigned
// integers). The code is DLPack's, for numpy has no name for most of them.
nb::tuple viewed(const nb::ndarray<nb::ro>& array) {
  const auto type = array.dtype();
  if (array.device_type() != nb::device::cpu::value) {
    throw Error(ErrorKind::input, "the array lies on another device; expected one of the CPU's");
  }
  if (type.lanes != 1 || type.bits % 8 != 0 || type.bits > 64) {
    throw Error(ErrorKind::input, "the array's elements share bytes; expected whole bytes each");
  }
  std::vector<size_t> shape;
  std::vector<int64_t> strides;
  for (size_t i = 0; i < array.ndim(); ++i) {
    shape.push_back(array.shape(i));
    strides.push_back(array.stride(i));
  }
  // The view keeps the exporter's memory alive.
  auto owned = std::make_unique<nb::ndarray<nb::ro>>(array);
  const nb::capsule owner(owned.get(),
                          [](void* p) noexcept { delete static_cast<nb::ndarray<nb::ro>*>(p); });
  owned.release();
  const nb::dlpack::dtype integers{static_cast<uint8_t>(nb::dlpack::dtype_code::UInt), type.bits,
                                   1};
  const nb::ndarray<nb::numpy, nb::ro> view(array.data(), array.ndim(), shape.data(), owner,
                                            strides.data(), integers);
  return nb::make_tuple(static_cast<int>(type.code), static_cast<int>(type.bits), view);
}

}  // namespace

HeldTensors held(const nb::list& triples) {
  std::vector<HeldTensor> tensors;
  for (const nb::handle item : triples) {
    const auto triple = nb::cast<nb::tuple>(item);
    const auto array = nb::cast<InArray>(triple[2]);
    std::vector<int64_t> shape;
    for (size_t i = 0; i < array.ndim(); ++i) shape.push_back(static_cast<int64_t>(array.shape(i)));
    tensors.push_back({{nb::cast<std::string>(triple[0]),
                        element_called(nb::cast<std::string>(triple[1])), std::move(shape)},
                       memory_of(array)});
  }
  HeldTensors result;
  result.files.emplace("<arrays>", std::move(tensors));
  return result;
}

nb::list handed_over(std::vector<Tensor>&& tensors) {
  nb::list list;
  for (Tensor& tensor : tensors) {
    auto owned = std::make_unique<std::vector<std::byte>>(std::move(tensor.bytes));
    std::vector<std::byte>* const bytes = owned.get();
    const nb::capsule owner(
        bytes, [](void* p) noexcept { delete static_cast<std::vector<std::byte>*>(p); });
    owned.release();
    list.append(nb::make_tuple(
        tensor.info.name, std::string(element_name(tensor.info.element)), tensor.info.shape,
        nb::ndarray<nb::numpy, uint8_t>(bytes->data(), {bytes->size()}, owner)));
  }
  return list;
}

void add_arrays(nb::module_& module) { module.def("viewed", &viewed, nb::arg("array")); }

}  // namespace ulpscope::python
