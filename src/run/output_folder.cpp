#include "ulpscope/run/output_folder.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/report/page.hpp"

#include <cstdio>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace ulpscope {

namespace fs = std::filesystem;

namespace {

bool is_earlier_run(const fs::path& folder) {
  std::ifstream file(folder / "summary.json");
  const auto summary = nlohmann::json::parse(file, nullptr, false);
  if (!summary.is_object()) return false;
  const auto schema = summary.find("schema");
  if (schema == summary.end() || !schema->is_string()) return false;
  const auto name = schema->get<std::string>();
  return name.starts_with("ulpscope.summary/") || name.starts_with("ulpscope.sweep/");
}

void require_ours(const fs::path& target) {
  std::error_code error;
  const auto status = fs::symlink_status(target, error);
  if (status.type() == fs::file_type::not_found) return;
  if (!fs::is_directory(target)) {
    throw Error(ErrorKind::usage,
                fmt::format("--out {}: exists and is not a folder", target.string()));
  }
  if (fs::is_empty(target) || is_earlier_run(target)) return;
  throw Error(ErrorKind::usage,
              fmt::format("--out {}: holds files that are not an earlier run's (no summary.json of "
                          "ulpscope); expected an absent or empty folder",
                          target.string()));
}

[[noreturn]] void fail(const fs::path& path, const std::error_code& error) {
  throw Error(ErrorKind::resource, fmt::format("{}: {}", path.string(), error.message()));
}

// TARGET.ulpscope-1234.tmp and its kin.
std::vector<fs::path> leftovers(const fs::path& target, std::string_view ending) {
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const std::string beginning = target.filename().string() + ".ulpscope-";
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(beginning) && name.ends_with(ending)) found.push_back(entry.path());
  }
  return found;
}

// What killed processes left. Between two renames the earlier run may have lost its name: it gets
// it back.
void clean_beside(const fs::path& target) {
  std::error_code ignored;
  bool somebody_works = false;
  for (const auto& folder : leftovers(target, ".tmp")) {
    const FolderLock lock(folder);
    if (lock.can_tell()) {
      fs::remove_all(folder, ignored);
    } else {
      somebody_works = true;
    }
  }
  if (somebody_works) return;
  for (const auto& folder : leftovers(target, ".old")) {
    if (fs::exists(target, ignored)) {
      fs::remove_all(folder, ignored);
    } else {
      fs::rename(folder, target, ignored);
    }
  }
}

}  // namespace

OutputFolder::OutputFolder(const fs::path& target) : target_(target.lexically_normal()) {
  if (!target_.has_filename()) target_ = target_.parent_path();  // "run/" is "run"
  std::error_code error;
  require_ours(target_);
  const fs::path parent = target_.parent_path();
  if (!parent.empty() && !fs::exists(parent, error)) {
    fs::create_directories(parent, error);
    if (error) fail(parent, error);
  }
  clean_beside(target_);
  make_work_folder();
}

void OutputFolder::make_work_folder() {
  for (int number = 0; number < 1000; ++number) {
    work_ = target_;
    work_ += fmt::format(".ulpscope-{}{}.tmp", ::getpid(),
                         number == 0 ? "" : fmt::format("-{}", number));
    std::error_code error;
    const bool made = fs::create_directory(work_, error);
    if (error) fail(std::exchange(work_, {}), error);
    if (!made) continue;  // a process of the same number, on another machine
    lock_.emplace(work_);
    // Before it was locked, a run that cleans up may have taken it for a leftover.
    if (lock_->is_held() && fs::exists(work_, error)) return;
  }
  fail(target_, std::make_error_code(std::errc::file_exists));
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!work_.empty()) fs::remove_all(work_, ignored);
}

void OutputFolder::commit() {
  std::error_code error;
  if (fs::exists(target_, error)) {
    require_ours(target_);  // it may have changed while we computed
    replace_target();
  } else {
    fs::rename(work_, target_, error);
    if (error) fail(target_, error);
  }
  work_.clear();
}

void OutputFolder::replace_target() {
  std::error_code error;
  if (::renameat2(AT_FDCWD, work_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(work_, error);
    return;
  }
  fs::path old = target_;
  old += fmt::format(".ulpscope-{}.old", ::getpid());
  fs::rename(target_, old, error);
  if (error) fail(target_, error);
  fs::rename(work_, target_, error);
  if (error) {
    std::error_code ignored;
    fs::rename(old, target_, ignored);
    fail(target_, error);
  }
  fs::remove_all(old, error);
}

void write_report(const fs::path& folder, const nlohmann::json& summary) {
  write_file_atomically(folder / "report.html", html_report(summary));
  write_file_atomically(folder / "summary.json", summary.dump(1) + "\n");
}

}  // namespace ulpscope
