// Outputs as tensors of a file: codes in the element that holds them, axes as an operand has them.
//
//   laid_out("o", element_for(bf16), q, 64, codes)   // in q's layout, head size 64
//
// Tested by tests/run/attention_run_test.cpp and gemm_run_test.cpp.
#pragma once

#include "ulpscope/run/inputs.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace ulpscope {

// The element that holds codes of this format: its own, or unsigned integers named in metadata.
Element element_for(const Format& format);

// The low bytes of every value, as many as the element has.
template <class T>
Tensor packed(std::string name, Element element, std::vector<int64_t> shape,
              const std::vector<T>& values) {
  Tensor tensor = make_tensor({std::move(name), element, std::move(shape)});
  const size_t size = element_bytes(element);
  for (size_t i = 0; i < values.size(); ++i) {
    std::memcpy(&tensor.bytes[i * size], &values[i], size);
  }
  return tensor;
}

// A (batch, heads, seq, dim) tensor in the layout of an operand; `dim` 0 leaves the last axis out.
template <class T>
Tensor laid_out(std::string name, Element element, const Operand16& like, int64_t dim,
                const std::vector<T>& values) {
  auto sizes = like.sizes;
  sizes[3] = dim;
  auto shape = shape_in_layout(sizes, like.layout);
  if (dim == 0) sizes[3] = 1;
  return packed(std::move(name), element, std::move(shape), in_layout(values, sizes, like.layout));
}

}  // namespace ulpscope
