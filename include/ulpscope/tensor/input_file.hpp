// A file that is only read: opened once, of known size, read at an offset.
//
// Only regular files are taken. A FIFO, device or folder is refused at once: opening does not
// wait for a writer. Reads are pread, so that a file which shrinks meanwhile is an Error that names
// it. The file stays open, so a writer who renames another into its place changes nothing here.
//
//   const InputFile file("q.npy");
//   file.read_at(10, header);          // all of it, or an Error
//
// FileAccess::map reads from a memory map instead, which saves a system call a run of bytes; the
// system kills a process (SIGBUS) that reads from a map of a file which has shrunk.
//
// Tested by tests/tensor/input_file_test.cpp.
#pragma once

#include "ulpscope/tensor/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace ulpscope {

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path, FileAccess access = FileAccess::calls);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  const std::string& name() const { return name_; }  // as the user gave it, for messages
  uint64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

  void read_at(uint64_t offset, std::span<std::byte> into) const;

 private:
  void map();

  std::string name_;
  int descriptor_;
  uint64_t size_ = 0;
  const std::byte* map_ = nullptr;  // the whole file, where it is read so
};

}  // namespace ulpscope
