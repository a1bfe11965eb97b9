// The folder of a shard: its manifest, and a part for every unit that is done.
//
//   PartFolder folder("shard-2", {2, 5}, outline, Earlier::resumed);
//   compute_units(work, folder.missing(), options, [&](const auto& r) { folder.add(r); });
//
// A process that is killed at any moment leaves whole parts and perhaps a temporary name, which the
// next run in the folder removes. One run works in a folder at a time.
//
// Errors: a folder that holds other things, or parts of another run that were to be kept, is of
// kind usage; one that cannot be written or is worked in, of kind resource.
// Tested by tests/run/shards_test.cpp and tests/cli/kill_test.cpp.
#pragma once

#include "ulpscope/run/folder_lock.hpp"
#include "ulpscope/run/manifest.hpp"
#include "ulpscope/run/unit_result.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace ulpscope {

// Where a run that is no shard keeps its parts until OUT is complete: OUT.ulpscope-parts.
std::filesystem::path parts_folder(const std::filesystem::path& out);

// Removes that folder, unless a run is at work in it: OUT is complete.
void remove_parts(const std::filesystem::path& out);

class PartFolder {
 public:
  PartFolder(const std::filesystem::path& folder, const Shard& shard, const Outline& outline,
             Earlier earlier);

  // Units of the shard that have no part, or none that passes the checks.
  std::vector<int64_t> missing() const;
  void add(const UnitResult& result) const;  // from any thread
  // Removes the folder.
  void remove();

 private:
  void require_ours() const;
  void require_same_run() const;
  void remove_ours(Earlier earlier) const;

  std::filesystem::path folder_;
  Shard shard_;
  const Outline& outline_;
  std::string fingerprint_;
  std::optional<FolderLock> lock_;
};

}  // namespace ulpscope
