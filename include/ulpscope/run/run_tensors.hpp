// The tensors that a run leaves in its files, for a program that wants them in memory.
//
//   RunTensors tensors;
//   run_attention({.tensors = &tensors, ...});
//   tensors.outputs   // o, lse, ...: those of outputs.safetensors, in their order
//
// The bytes are those of the files, whether files are written or not.
// Tested by tests/run/run_tensors_test.cpp.
#pragma once

#include "ulpscope/tensor/tensor.hpp"

#include <map>
#include <string>
#include <vector>

namespace ulpscope {

struct RunTensors {
  std::vector<Tensor> outputs;
  std::vector<Tensor> errors;
  std::map<std::string, std::string> metadata;
};

}  // namespace ulpscope
