// Reads and writes .safetensors: a JSON header and then the bytes of all tensors.
//
//   8 bytes: length of the header | {"o": {"dtype": "BF16", "shape": [2, 64], "data_offsets":
//   [0, 256]}, "__metadata__": {"kernel": "fa2-torch"}} | data, offsets counted from its start
//
// Reading. Only the header is read to list the tensors, whatever the size of the file
// (tensor/safetensors_header.hpp). Offsets must run from 0 to the end of the file without a hole or
// an overlap, and each tensor must be as long as its shape says: nothing is hidden in a file and no
// byte serves twice. A dtype that has no place in a tensor (complex, 4 and 6 bits) is listed apart,
// as in tensor/source.hpp.
//
// Writing. Tensors lie in the order given, the header is padded with spaces to 8 bytes, and the
// same tensors give the same bytes. Their memory is written as it lies, without a copy, and
// atomically (base/output_file.hpp).
//
// Source: the format's README and the checks of its reference reader.
// Tested by tests/tensor/safetensors_test.cpp.
#pragma once

#include "ulpscope/tensor/source.hpp"

#include <filesystem>
#include <map>
#include <span>
#include <string>

namespace ulpscope {

TensorSource open_safetensors(const std::filesystem::path& path, const ReadLimits& limits = {});

// Throws Error(usage) for a name twice, not UTF-8, empty or "__metadata__", and for bytes that are
// not as many as the shape says.
void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace ulpscope
