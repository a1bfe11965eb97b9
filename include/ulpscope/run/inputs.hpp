// From files to operands: which tensor is q, how its axes lie, what its bits mean.
//
// Nothing is guessed. 2-D tensors are (seq, dim) and 3-D ones (head, seq, dim); for 4-D the caller
// names the layout, unless the file's metadata does. uint8 and uint16 are bits whose format the
// caller names; a file that names its own format is believed, and a caller who disagrees must ask
// for a cast. Wider inputs are rounded to the working format only when asked.
//
//   OpenOperand q = open_operand(options, "q");  // shape, layout, formats, all checks; no values
//   q.read()                                     // codes in (batch, heads, seq, dim) order, hash
//   q.read({.batch = 0, .first = 4, .end = 8})   // those of four heads, and no others are read
//   open_registers(options, "bias").read()       // binary32 numbers in the order of the file
//
// Reading is for one thread at a time.
// Errors of kind usage (options) and input (files) name file, tensor, what was found and expected.
// Tested by tests/run/inputs_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/round/rounding.hpp"
#include "ulpscope/run/layout.hpp"
#include "ulpscope/tensor/source.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

struct InputOptions {
  std::string input;                         // file or folder; may be empty with `files`
  std::map<std::string, std::string> files;  // q -> FILE or FILE:TENSOR
  std::map<std::string, std::string> names;  // q -> name of the tensor in the input
  std::optional<Format> format;
  std::optional<Layout> layout;
  std::optional<Rounding> cast;
  FileAccess access = FileAccess::calls;
  const HeldTensors* held = nullptr;  // tensors in memory that a name may mean
};

struct Operand16 {
  std::string role;  // q, k, v
  std::string file;
  std::string tensor;          // its name there
  std::vector<int64_t> shape;  // as in the file
  Layout layout;
  Sizes sizes;
  Format format;
  std::vector<uint16_t> codes;  // in (batch, heads, seq, dim) order
  std::string hash;             // XXH3, 128 bits, of the bytes in the file that were read
  std::string note;             // what was done to the values; empty if nothing
};

// Heads [first, end) of one batch.
struct HeadRange {
  int64_t batch = 0;
  int64_t first = 0;
  int64_t end = 0;
};

// What is done to the rows of an operand between the file and the codes, as RoPE (rope_step.hpp).
struct RowStep {
  Format from;  // the file's numbers are rounded to it first; at most binary32
  std::function<void(int64_t place, std::span<double> row)> apply;  // place in the sequence
  std::string note;
};

// A tensor that was found, understood and checked, its values still in the file.
class OpenOperand {
 public:
  OpenOperand(StoredTensor stored, Operand16 header, Format in_file, const Rounding& cast);

  const Operand16& header() const { return header_; }  // without codes and hash
  const Format& in_file() const { return in_file_; }

  // The step's result is rounded to the working format; the header's note tells of it.
  void add_step(RowStep step);

  Operand16 read() const;
  Operand16 read(const HeadRange& heads);  // as an operand of their sizes and shape
  std::string hash() const;                // of all bytes, in little memory
  uint64_t bytes_to_keep() const;  // that reading heads keeps, of a file that has all or nothing

 private:
  Operand16 understood(const Tensor& tensor, const Sizes& sizes) const;
  std::vector<uint16_t> stepped(const Tensor& tensor, const Sizes& sizes) const;

  StoredTensor stored_;
  Operand16 header_;
  Format in_file_;
  Rounding cast_;  // where the formats differ
  std::optional<RowStep> step_ = {};
};

OpenOperand open_operand(const InputOptions& options, const std::string& role);

// A tensor of any shape whose values binary32 holds: what has no layout, as a bias or slopes.
struct RegisterTensor {
  std::string file;
  std::string tensor;  // its name there
  std::vector<int64_t> shape;
  Format format;
  std::vector<uint32_t> values;  // as binary32 bits
  std::string hash;              // as of an operand
};

class OpenRegisters {
 public:
  OpenRegisters(StoredTensor stored, RegisterTensor header);

  const RegisterTensor& header() const { return header_; }  // without values and hash

  RegisterTensor read() const;
  RegisterTensor read(const Box& box);
  std::string hash() const;
  uint64_t bytes_to_keep() const;

 private:
  RegisterTensor understood(const Tensor& tensor) const;

  StoredTensor stored_;
  RegisterTensor header_;
};

OpenRegisters open_registers(const InputOptions& options, const std::string& role);

// Whether the input has a tensor for this role.
bool has_operand(const InputOptions& options, const std::string& role);

// A tensor's 128-bit XXH3 as 32 hexadecimal digits.
std::string hash_of(const Tensor& tensor);

// FILE or FILE:TENSOR; a colon in a file name counts if such a file exists.
struct FileAndTensor {
  std::string file;
  std::string tensor;  // empty: not named
};
FileAndTensor split_file_and_tensor(const std::string& text);

}  // namespace ulpscope
