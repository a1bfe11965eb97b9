#include "ulpscope/run/merge_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/part_file.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

namespace fs = std::filesystem;

namespace {

struct ShardFolder {
  fs::path folder;
  Manifest manifest;
};

// The folders by the numbers of their shards.
std::vector<ShardFolder> opened(const std::vector<std::string>& folders) {
  std::vector<ShardFolder> shards;
  for (const auto& folder : folders) shards.push_back({folder, read_manifest(folder)});
  std::stable_sort(shards.begin(), shards.end(), [](const auto& a, const auto& b) {
    return a.manifest.shard.number < b.manifest.shard.number;
  });
  return shards;
}

void require_one_run(const std::vector<ShardFolder>& shards) {
  const auto& [first, expected] = shards.front();
  for (const auto& [folder, manifest] : shards) {
    if (manifest.fingerprint == expected.fingerprint) continue;
    throw Error(ErrorKind::input,
                fmt::format("{}: shard of another run: {} as in {}", folder.string(),
                            difference_of(manifest.outline, expected.outline), first.string()));
  }
}

void require_all(const std::vector<ShardFolder>& shards) {
  const int64_t count = shards.front().manifest.shard.count;
  const auto refuse = [&](const fs::path& folder, const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("{}: {}", folder.string(), what));
  };
  int64_t next = 1;
  for (const auto& [folder, manifest] : shards) {
    const auto& [number, of] = manifest.shard;
    if (of != count) {
      refuse(folder,
             fmt::format("is shard {}, expected one of {} as in {}", shard_name(manifest.shard),
                         count, shards.front().folder.string()));
    }
    if (number < next) {
      refuse(folder, fmt::format("is shard {}, which another folder has been given for",
                                 shard_name(manifest.shard)));
    }
    if (number > next) {
      refuse(folder, fmt::format("is shard {}; shard {}/{} is missing", shard_name(manifest.shard),
                                 next, count));
    }
    ++next;
  }
  if (next <= count) {
    refuse(shards.back().folder,
           fmt::format("is the last of the shards given; shard {}/{} is missing", next, count));
  }
}

void require_finished(const ShardFolder& shard) {
  const auto [first, end] = units_of(shard.manifest.shard, shard.manifest.outline.units);
  int64_t missing = 0;
  for (int64_t unit = first; unit < end; ++unit) {
    missing += fs::exists(shard.folder / part_name(unit)) ? 0 : 1;
  }
  if (missing == 0) return;
  throw Error(
      ErrorKind::input,
      fmt::format("{}: {} of the {} parts of shard {} are missing; expected a finished "
                  "shard (run it again with --resume)",
                  shard.folder.string(), missing, end - first, shard_name(shard.manifest.shard)));
}

}  // namespace

bool add_parts(const fs::path& folder, const Shard& shard, const Outline& outline,
               Assembly& assembly, const std::function<void()>& step,
               const std::atomic<bool>* stop) {
  const std::string fingerprint = fingerprint_of(outline);
  const auto [first, end] = units_of(shard, outline.units);
  for (int64_t unit = first; unit < end; ++unit) {
    if (stop != nullptr && *stop) return false;
    assembly.add(read_part(folder / part_name(unit), outline, fingerprint, unit));
    step();
  }
  return true;
}

std::optional<nlohmann::json> run_merge(const MergeOptions& options) {
  const HostFpGuard guard;
  if (options.shards.empty()) throw Error(ErrorKind::usage, "expected the folders of all shards");
  const auto shards = opened(options.shards);
  require_one_run(shards);
  require_all(shards);
  for (const auto& shard : shards) require_finished(shard);
  const Outline& outline = shards.front().manifest.outline;
  OutputFolder out(options.out);
  Assembly assembly(outline, out.path());
  int64_t done = 0;
  for (const auto& [folder, manifest] : shards) {
    const auto step = [&] {
      if (options.progress) options.progress(++done, outline.units);
    };
    if (!add_parts(folder, manifest.shard, outline, assembly, step, options.stop)) {
      return std::nullopt;
    }
  }
  const nlohmann::json summary = assembly.finish();
  write_report(out.path(), summary);
  out.commit();
  return summary;
}

}  // namespace ulpscope
