// The JSON header of a .safetensors file, padded to 8 bytes: tensors lie one after the other.
#pragma once

#include "ulpscope/tensor/tensor.hpp"

#include <map>
#include <span>
#include <string>

namespace ulpscope {

// Error(usage) for a name twice, not UTF-8, empty or "__metadata__".
std::string safetensors_header_text(std::span<const TensorInfo> tensors,
                                    const std::map<std::string, std::string>& metadata);

}  // namespace ulpscope
