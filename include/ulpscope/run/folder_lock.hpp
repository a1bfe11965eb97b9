// Who works in a folder: an advisory lock that ends with the process, however it ends.
//
//   FolderLock lock("run.ulpscope-1234.tmp");
//   lock.is_held()      false: another process has it
//
// File systems without such locks (some network ones) are taken to be ours alone; `can_tell` says
// so. Tested by tests/run/output_folder_test.cpp.
#pragma once

#include <filesystem>

namespace ulpscope {

class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

  bool is_held() const { return state_ != State::taken; }
  // Whether nobody else can hold it.
  bool can_tell() const { return state_ == State::held; }

 private:
  enum class State { held, taken, unknown };
  int descriptor_;
  State state_;
};

}  // namespace ulpscope
