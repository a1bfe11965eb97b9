// From files to operands: which tensor is q, how its axes lie, what its bits mean.
//
// Nothing is guessed. 2-D tensors are (seq, dim) and 3-D ones (head, seq, dim); for 4-D the caller
// names the layout, unless the file's metadata does. uint8 and uint16 are bits whose format the
// caller names; a file that names its own format is believed, and a caller who disagrees must ask
// for a cast. Wider inputs are rounded to the working format only when asked.
//
//   load_operand(options, "q") -> codes in (batch, heads, seq, dim) order, shape, format, hash
//   load_registers(options, "bias") -> binary32 numbers in the order of the file, shape, hash
//
// Errors of kind usage (options) and input (files) name file, tensor, what was found and expected.
// Tested by tests/run/inputs_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/rounding.hpp"
#include "ulpscope/tensor/source.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

// The axes of a tensor in memory, slowest first.
enum class Layout { sd, hsd, shd, bhsd, bshd, sbhd };

Layout layout_named(const std::string& name);  // Error of kind usage lists the names
std::string layout_name(Layout layout);

struct InputOptions {
  std::string input;                         // file or folder; may be empty with `files`
  std::map<std::string, std::string> files;  // q -> FILE or FILE:TENSOR
  std::map<std::string, std::string> names;  // q -> name of the tensor in the input
  std::optional<Format> format;
  std::optional<Layout> layout;
  std::optional<Rounding> cast;
};

struct Operand16 {
  std::string role;  // q, k, v
  std::string file;
  std::string tensor;          // its name there
  std::vector<int64_t> shape;  // as in the file
  Layout layout;
  std::array<int64_t, 4> sizes;  // batch, heads, seq, dim
  Format format;
  std::vector<uint16_t> codes;  // in that order
  std::string hash;             // XXH3, 128 bits, of the bytes in the file
  std::string note;             // what was done to the values; empty if nothing
};

Operand16 load_operand(const InputOptions& options, const std::string& role);

// A tensor of any shape whose values binary32 holds: what has no layout, as a bias or slopes.
struct RegisterTensor {
  std::string file;
  std::string tensor;  // its name there
  std::vector<int64_t> shape;
  Format format;
  std::vector<uint32_t> values;  // as binary32 bits
  std::string hash;
};

RegisterTensor load_registers(const InputOptions& options, const std::string& role);

// Whether the input has a tensor for this role.
bool has_operand(const InputOptions& options, const std::string& role);

// Values in (batch, heads, seq, dim) order put back into a layout; `sizes` as in Operand16.
template <class T>
std::vector<T> in_layout(const std::vector<T>& values, const std::array<int64_t, 4>& sizes,
                         Layout layout);

// And back.
template <class T>
std::vector<T> from_layout(const std::vector<T>& values, const std::array<int64_t, 4>& sizes,
                           Layout layout);

// The sizes of a tensor whose axes lie so, dim 1 where the last axis is missing, as of an LSE;
// nothing where the number of axes is another.
std::optional<std::array<int64_t, 4>> sizes_in(const std::vector<int64_t>& shape, Layout layout);

// The shape in a layout: dim is left out if `last` is 0.
std::vector<int64_t> shape_in_layout(std::array<int64_t, 4> sizes, Layout layout);

// A tensor's 128-bit XXH3 as 32 hexadecimal digits.
std::string hash_of(const Tensor& tensor);

// FILE or FILE:TENSOR; a colon in a file name counts if such a file exists.
struct FileAndTensor {
  std::string file;
  std::string tensor;  // empty: not named
};
FileAndTensor split_file_and_tensor(const std::string& text);

}  // namespace ulpscope
