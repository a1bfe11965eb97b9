// A tensor as it lies in memory: a name, an element type, a shape and the bytes.
//
// Bytes are little-endian, row-major (the last index runs fastest) and without gaps, whatever the
// file was. Elements are seen as unsigned words of their own size, never as host floats:
//
//   Tensor o = make_tensor({"o", Element::bf16, {2, 512, 64}});
//   words<uint16_t>(o)[0] = 0x3F80;                       // 1.0
//
// Sizes are checked products: a shape that does not fit 63 bits is an Error, not a small number.
//
// Tested by tests/tensor/tensor_test.cpp.
#pragma once

#include "ulpscope/tensor/element.hpp"

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope {

struct TensorInfo {
  std::string name;
  Element element = Element::u8;
  std::vector<int64_t> shape;  // empty: a scalar

  friend bool operator==(const TensorInfo&, const TensorInfo&) = default;
};

struct Tensor {
  TensorInfo info;
  std::vector<std::byte> bytes;
};

// Size in bytes; nullopt for a negative extent or a product beyond 2^63 - 1. The product leaves
// zeros out, so that (0, 2^40, 2^40) is refused whatever the order of its extents.
std::optional<uint64_t> checked_bytes(Element element, std::span<const int64_t> shape);

// The same of a tensor, and its number of elements; an Error(input) in place of nullopt.
uint64_t byte_count(const TensorInfo& info);
uint64_t element_count(const TensorInfo& info);

// A tensor of zero bytes.
Tensor make_tensor(TensorInfo info);

// The bits of element `i`, whatever its width.
uint64_t element_bits(const Tensor& tensor, size_t i);

// "(2, 512, 64)", "(7,)", "()": as numpy prints shapes.
std::string shape_text(std::span<const int64_t> shape);

// A name from a file, in quotes, fit for a terminal: control characters as \x1b, cut when long.
std::string in_quotes(std::string_view name);

// The elements as words of their own size. A vector's storage comes from operator new, so it is
// aligned for every word, and bytes may alias it: no copy is needed, and none is made.
template <std::unsigned_integral Word>
std::span<const Word> words(const Tensor& tensor) {
  assert(sizeof(Word) == element_bytes(tensor.info.element) && "a word is one element");
  return {reinterpret_cast<const Word*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(Word)};
}
template <std::unsigned_integral Word>
std::span<Word> words(Tensor& tensor) {
  assert(sizeof(Word) == element_bytes(tensor.info.element) && "a word is one element");
  return {reinterpret_cast<Word*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(Word)};
}

}  // namespace ulpscope
