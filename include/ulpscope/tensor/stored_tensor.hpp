// A tensor in its file: read whole, or a box of it.
//
//   const StoredTensor k = open_tensors("layer.safetensors").stored("k");   // (8, 4096, 128)
//   const Tensor all = k.read();
//   const Tensor head = k.read({{3, 4}, {0, 4096}, {0, 128}});              // (1, 4096, 128)
//
// A box has a range on every axis. Of a file whose bytes can be had at any place, only the runs of
// the box are read: memory and time follow the box, not the file. Deflated and column-major arrays
// are only to be had from the start: a box of one is cut from the whole, and whoever wants many
// boxes of it keeps the whole (`in_pieces`, `in_memory`).
//
// The file stays open as long as this value. Reading is for one thread at a time.
// Tested by tests/tensor/stored_tensor_test.cpp.
#pragma once

#include "ulpscope/tensor/tensor.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

// The axis that runs fastest in the file: C, the last one; Fortran, the first one.
enum class AxisOrder { c, fortran };

struct StoredForm {
  AxisOrder order = AxisOrder::c;
  std::endian bytes = std::endian::little;
};

// The next bytes of a stream: fills the span or throws.
using NextBytes = std::function<void(std::span<std::byte>)>;

// Where a tensor's bytes come from, as they lie in the file.
struct StoredBytes {
  // Those at an offset; empty where they are only to be had in their order.
  std::function<void(uint64_t offset, std::span<std::byte> into)> at = {};
  // A stream of all of them from the first on, which throws behind the last one where they are not
  // what the file says of them (a CRC). Empty: there is nothing to hold, and `at` serves.
  std::function<NextBytes()> from_start = {};
};

// Indices [first, end) of an axis.
struct AxisRange {
  int64_t first;
  int64_t end;
};
using Box = std::vector<AxisRange>;

class StoredTensor {
 public:
  // `file` opens every message.
  StoredTensor(std::string file, TensorInfo info, StoredForm form, StoredBytes bytes);

  const TensorInfo& info() const { return info_; }

  // Whether reading a box costs what the box takes, rather than the whole.
  bool in_pieces() const;

  Tensor read() const;
  Tensor read(const Box& box) const;  // one range an axis, inside the tensor

  // All bytes, as `read` has them, in pieces of at most a mebibyte where they can be had so.
  void stream(const std::function<void(std::span<const std::byte>)>& take) const;

 private:
  NextBytes from_start() const;
  Tensor read_whole() const;
  Tensor read_box(const Box& box) const;

  std::string file_;
  TensorInfo info_;
  StoredForm form_;
  StoredBytes bytes_;
};

// A tensor that is read from memory: for many boxes of one that its file has only whole.
StoredTensor in_memory(std::string file, Tensor tensor);

}  // namespace ulpscope
