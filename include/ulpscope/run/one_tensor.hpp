// One tensor named on a command line, as codes of a format.
//
//   load_one_tensor("dump.npz:o", bf16) -> codes, shape, format, hash
//
// FILE alone will do where the file holds one tensor. A file that names a format is believed;
// uint8, uint16 and uint32 are bits of the format that the caller names.
// Tested by tests/run/one_tensor_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/tensor/limits.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ulpscope {

struct OneTensor {
  std::string where;  // FILE:TENSOR
  TensorInfo info;
  Format format;
  std::string hash;  // run/inputs.hpp
  std::vector<uint64_t> codes;
};

// `text` is FILE or FILE:TENSOR, of a file or of tensors in memory.
OneTensor load_one_tensor(const std::string& text, const std::optional<Format>& format,
                          const HeldTensors* held = nullptr);

// Its values as codes of binary32. Errors of kind input: a format that binary32 does not hold, no
// elements.
std::vector<uint32_t> as_binary32(const OneTensor& tensor);

}  // namespace ulpscope
