// How a tensor file is read, and how large it may be in the ways that cost memory before a tensor
// is asked for.
//
// A file is a stranger's: it can promise anything. Every promise is compared with the size of the
// file and with these limits before memory is taken for it. A dump of Q, K and V needs a few
// kilobytes of header, so the defaults are far from any honest file; the command line can raise
// each of them.
//
// Sources: 10,000 bytes of .npy header is numpy's own limit; the reference reader of safetensors
// stops at 100 MB. Tested by tests/tensor/npy_test.cpp, npz_test.cpp and safetensors_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ulpscope {

// By read calls, or from a memory map (tensor/input_file.hpp; .npy and .safetensors only).
enum class FileAccess { calls, map };

struct HeldTensors;  // tensor/held.hpp

struct ReadLimits {
  FileAccess access = FileAccess::calls;
  const HeldTensors* held = nullptr;  // come before files of the same name

  uint64_t safetensors_header = uint64_t{16} << 20;  // bytes
  uint64_t npy_header = 10'000;                      // bytes
  size_t rank = 16;
  size_t tensors = 100'000;
  size_t name_length = 1'024;  // bytes

  // Of an .npz, over all its tensors: bytes once inflated, and how many times the file's own size
  // that may be. A constant tensor is a legitimate 1,026:1, so the ratio counts only above
  // inflated_free bytes.
  uint64_t inflated = uint64_t{4} << 30;
  uint64_t inflated_ratio = 1'000;
  uint64_t inflated_free = uint64_t{64} << 20;
};

}  // namespace ulpscope
