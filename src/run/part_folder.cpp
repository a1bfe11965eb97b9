#include "ulpscope/run/part_folder.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/part_file.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

namespace ulpscope {

namespace fs = std::filesystem;

namespace {

bool is_temporary(const std::string& name) {
  return name.starts_with(".ulpscope-") && name.ends_with(".tmp");
}

bool is_part(const std::string& name) {
  return name.starts_with("part-") && name.ends_with(".safetensors");
}

template <class Wanted>
std::vector<fs::path> files_in(const fs::path& folder, Wanted&& wanted) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (wanted(entry.path().filename().string())) files.push_back(entry.path());
  }
  return files;
}

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw Error(ErrorKind::resource, fmt::format("{}: {}", path.string(), error.message()));
}

}  // namespace

fs::path parts_folder(const fs::path& out) {
  fs::path folder = out.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "run/" is "run"
  return folder += ".ulpscope-parts";
}

void remove_parts(const fs::path& out) {
  const fs::path folder = parts_folder(out);
  std::error_code error;
  if (!fs::exists(folder, error) || !FolderLock(folder).is_held()) return;
  fs::remove_all(folder, error);
  if (error) fail(folder, error);
}

PartFolder::PartFolder(const fs::path& folder, const Shard& shard, const Outline& outline,
                       Earlier earlier)
    : folder_(folder), shard_(shard), outline_(outline), fingerprint_(fingerprint_of(outline)) {
  std::error_code error;
  require_ours();
  fs::create_directories(folder_, error);
  if (error) fail(folder_, error);
  lock_.emplace(folder_);
  if (!lock_->is_held()) {
    throw Error(ErrorKind::resource,
                fmt::format("{}: another run is at work in this folder", folder_.string()));
  }
  if (earlier == Earlier::resumed && has_manifest(folder_)) {
    require_same_run();
    remove_ours(Earlier::resumed);
  } else {
    remove_ours(Earlier::replaced);
    write_manifest(folder_, shard_, outline_);
  }
}

void PartFolder::require_ours() const {
  std::error_code error;
  if (!fs::exists(folder_, error)) return;
  if (!fs::is_directory(folder_)) {
    throw Error(ErrorKind::usage,
                fmt::format("--out {}: exists and is not a folder", folder_.string()));
  }
  // A run that was killed while it removed its parts may have left some without a manifest.
  const auto foreign =
      files_in(folder_, [](const auto& name) { return !is_temporary(name) && !is_part(name); });
  if (foreign.empty() || has_manifest(folder_)) return;
  throw Error(ErrorKind::usage,
              fmt::format("--out {}: holds files that are not an earlier shard's (no {} of "
                          "ulpscope); expected an absent or empty folder",
                          folder_.string(), manifest_file));
}

void PartFolder::require_same_run() const {
  const Manifest earlier = read_manifest(folder_);
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("--resume: {}: {}", folder_.string(), what));
  };
  if (!(earlier.shard == shard_)) {
    refuse(
        fmt::format("holds shard {}, expected {}", shard_name(earlier.shard), shard_name(shard_)));
  }
  if (earlier.fingerprint != fingerprint_) refuse(difference_of(earlier.outline, outline_));
}

void PartFolder::remove_ours(Earlier earlier) const {
  const bool parts = earlier == Earlier::replaced;
  for (const auto& file : files_in(folder_, [&](const auto& name) {
         return is_temporary(name) || (parts && is_part(name));
       })) {
    std::error_code error;
    fs::remove(file, error);
    if (error) fail(file, error);
  }
}

std::vector<int64_t> PartFolder::missing() const {
  std::vector<int64_t> units;
  const auto [first, end] = units_of(shard_, outline_.units);
  for (int64_t unit = first; unit < end; ++unit) {
    try {
      read_part(folder_ / part_name(unit), outline_, fingerprint_, unit);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::input) throw;
      units.push_back(unit);
    }
  }
  return units;
}

void PartFolder::add(const UnitResult& result) const {
  write_part(folder_ / part_name(result.unit), fingerprint_, result);
}

void PartFolder::remove() {
  std::error_code error;
  fs::remove_all(folder_, error);
  if (error) fail(folder_, error);
}

}  // namespace ulpscope
