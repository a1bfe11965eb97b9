// The one door to tensor files: finds out what a path is and opens it with the right reader.
//
//   open_tensors("dump.npz")           an archive of .npy members
//   open_tensors("dump.safetensors")
//   open_tensors("q.npy")              one tensor, "q"
//   open_tensors("dump/")              a folder: each *.npy is a tensor of that name
//
// The extension decides, else the first bytes. What is not read (PyTorch, HDF5, GGUF, ONNX) is
// refused in one line that says what to convert it to. In a folder, other files, folders and names
// that begin with a dot are passed over.
//
// Tested by tests/tensor/open_test.cpp.
#pragma once

#include "ulpscope/tensor/source.hpp"

#include <filesystem>

namespace ulpscope {

TensorSource open_tensors(const std::filesystem::path& path, const ReadLimits& limits = {});

}  // namespace ulpscope
