// A .safetensors file that is filled piece by piece, in any order and from any thread: for tensors
// that are never in memory as a whole.
//
//   SafetensorsFile file("work/outputs.safetensors", {{"o", Element::bf16, {32, 8192, 128}}}, {});
//   file.write(0, head * bytes_of_a_head, bytes);
//   file.finish();
//
// Space on the disk is asked for at once, so that a full one is known before the work. The bytes
// are those of write_safetensors. A file that was not finished is not to be read: make it in a
// folder that takes its name later (run/output_folder.hpp). Failures are Errors of kind resource.
// Tested by tests/tensor/safetensors_file_test.cpp.
#pragma once

#include "ulpscope/base/output_file.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace ulpscope {

class SafetensorsFile {
 public:
  SafetensorsFile(std::filesystem::path path, std::span<const TensorInfo> tensors,
                  const std::map<std::string, std::string>& metadata);
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;
  ~SafetensorsFile();

  // Bytes of a tensor, counted by its place in the list, from `offset` on.
  void write(size_t tensor, uint64_t offset, Bytes bytes) const;
  // Everything is written: syncs and closes.
  void finish();

 private:
  void write_at(uint64_t offset, Bytes bytes) const;
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  int descriptor_;
  std::vector<uint64_t> offsets_;  // of the tensors in the file
};

}  // namespace ulpscope
