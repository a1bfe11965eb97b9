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
// Where the file system can exchange two names, the target is never away, not even for a moment.
// What a killed process left beside the target is removed by the next run for the same target; a
// lock tells it from the folder of a run that is at work.
//
// Errors: a foreign folder is of kind usage; one that cannot be written, of kind resource. A
// folder that was not committed is removed. Tested by tests/run/output_folder_test.cpp.
#pragma once

#include "ulpscope/run/folder_lock.hpp"

#include <filesystem>
#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

class OutputFolder {
 public:
  explicit OutputFolder(const std::filesystem::path& target);
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  // Where to write until commit().
  const std::filesystem::path& path() const { return work_; }
  const std::filesystem::path& target() const { return target_; }
  void commit();

 private:
  void make_work_folder();
  void replace_target();

  std::filesystem::path target_;
  std::filesystem::path work_;
  std::optional<FolderLock> lock_;
};

// report.html, then summary.json, each at once.
void write_report(const std::filesystem::path& folder, const nlohmann::json& summary);

}  // namespace ulpscope
