#include "ulpscope/run/output_folder.hpp"

#include "ulpscope/base/error.hpp"

#include <fstream>
#include <string>
#include <system_error>

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
  return schema != summary.end() && schema->is_string() &&
         schema->get<std::string>().starts_with("ulpscope.summary/");
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
  work_ = target_;
  work_ += fmt::format(".ulpscope-{}.tmp", ::getpid());
  fs::create_directory(work_, error);
  if (error) fail(work_, error);
}

OutputFolder::~OutputFolder() {
  std::error_code ignored;
  if (!work_.empty()) fs::remove_all(work_, ignored);
}

void OutputFolder::commit() {
  std::error_code error;
  fs::path old;
  if (fs::exists(target_, error)) {
    require_ours(target_);  // it may have changed while we computed
    old = target_;
    old += fmt::format(".ulpscope-{}.old", ::getpid());
    fs::rename(target_, old, error);
    if (error) fail(target_, error);
  }
  fs::rename(work_, target_, error);
  if (error) {
    std::error_code ignored;
    if (!old.empty()) fs::rename(old, target_, ignored);
    fail(target_, error);
  }
  work_.clear();
  if (!old.empty()) fs::remove_all(old, error);
}

}  // namespace ulpscope
