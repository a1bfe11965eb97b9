// The folder that a run leaves behind, whole or not at all.
//
// Files are written into a new folder beside the target, which takes the target's name when it is
// complete. The target must be absent, empty, or the folder of an earlier run (it has a
// summary.json of ours), which it then replaces; anything else is refused before work starts.
//
//   OutputFolder out("run");        // checks, makes run.ulpscope-PID.tmp
//   write_file_atomically(out.path() / "summary.json", text);
//   out.commit();
//
// Errors: a foreign folder is of kind usage; one that cannot be written, of kind resource. A
// folder that was not committed is removed. Tested by tests/run/output_folder_test.cpp.
#pragma once

#include <filesystem>

namespace ulpscope {

class OutputFolder {
 public:
  explicit OutputFolder(const std::filesystem::path& target);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  // Where to write until commit().
  const std::filesystem::path& path() const { return work_; }
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path work_;
};

}  // namespace ulpscope
