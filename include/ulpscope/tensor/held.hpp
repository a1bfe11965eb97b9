// Tensors that a program holds in memory, under the name of a file that need not exist: what opens
// files by name reads them too.
//
//   const HeldTensors held{{"<arrays>", {{{"q", Element::bf16, {8, 512, 64}}, bytes}}}};
//   open_tensors("<arrays>", {.held = &held}).read("q")
//
// Nothing is copied before a tensor, or a box of one, is read. The bytes are little-endian,
// row-major and without gaps, and outlive every source that is made of them.
//
// Errors of kind input where shape and bytes disagree. Tested by tests/tensor/held_test.cpp.
#pragma once

#include "ulpscope/tensor/source.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

struct HeldTensor {
  TensorInfo info;
  std::span<const std::byte> bytes;
};

// By the name of the file that stands for them.
struct HeldTensors {
  std::map<std::string, std::vector<HeldTensor>, std::less<>> files = {};
};

TensorSource open_held(const std::string& file, const std::vector<HeldTensor>& tensors,
                       const ReadLimits& limits = {});

}  // namespace ulpscope
