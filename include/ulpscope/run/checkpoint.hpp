// The weights of a model: the tensors of one file, or of all .safetensors files of a folder.
//
//   Checkpoint model = open_checkpoint("step-7000/");   // model-00001-of-00003.safetensors, ...
//   for (const CheckpointTensor& t : model.tensors) for_each_piece(t, [](auto numbers) { ... });
//
// Only headers are read until numbers are asked for, and those come in pieces of a few mebibytes,
// as binary64. Tensors of integers, and of formats that binary64 does not hold, are no weights and
// left out. Tested by tests/run/weights_run_test.cpp.
#pragma once

#include "ulpscope/format/format.hpp"
#include "ulpscope/tensor/source.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

struct CheckpointTensor {
  std::shared_ptr<const TensorSource> source;
  TensorInfo info;
  Format format;
};

struct Checkpoint {
  std::string path;
  std::vector<CheckpointTensor> tensors;  // in the order of names
  std::vector<std::string> left_out;      // names

  const CheckpointTensor* find(std::string_view name) const;  // nullptr: no such tensor
};

// Throws Error(input) for a folder without .safetensors files and for a name in two of them.
Checkpoint open_checkpoint(const std::string& path);

// The numbers of one or two tensors of one shape, in their order; `b` may be null, then its piece
// is empty.
using Weights = std::span<const double>;
void for_each_piece(const CheckpointTensor& a, const CheckpointTensor* b,
                    const std::function<void(Weights a, Weights b)>& body);

}  // namespace ulpscope
