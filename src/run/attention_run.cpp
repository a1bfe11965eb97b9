#include "ulpscope/run/attention_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/assemble.hpp"
#include "ulpscope/run/attention_summary.hpp"
#include "ulpscope/run/attention_work.hpp"
#include "ulpscope/run/explain_run.hpp"
#include "ulpscope/run/merge_run.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/part_folder.hpp"

#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace fs = std::filesystem;

namespace {

// A run of more multiply-adds keeps parts: half a minute of one core at the rate of logged passes.
constexpr double most_without_parts = 1e10;

bool keeps_parts(const AttentionWork& work, const AttentionOptions& options) {
  return options.earlier == Earlier::resumed || work.multiply_adds() > most_without_parts;
}

// False if it was stopped; what is done by then is kept.
bool compute_missing(const AttentionWork& work, const PartFolder& parts,
                     const std::vector<int64_t>& missing, const AttentionOptions& options,
                     int64_t units) {
  std::atomic<int64_t> done = units - static_cast<int64_t>(missing.size());
  const bool complete = compute_units(work, missing, options, [&](const UnitResult& result) {
    parts.add(result);
    ++done;
  });
  if (!complete && options.note) {
    options.note(
        fmt::format("{} of {} parts are done and kept: the same command with --resume "
                    "goes on from there",
                    done.load(), units));
  }
  return complete;
}

std::optional<nlohmann::json> run_with_parts(const AttentionWork& work, OutputFolder& folder,
                                             const AttentionOptions& options) {
  const Outline& outline = work.outline();
  PartFolder parts(parts_folder(options.out), {}, outline, options.earlier);
  if (!compute_missing(work, parts, parts.missing(), options, outline.units)) return std::nullopt;
  Assembly assembly(outline, folder.path(), options.tensors);
  if (!add_parts(
          parts_folder(options.out), {}, outline, assembly, [] {}, options.stop)) {
    return std::nullopt;
  }
  auto summary = explained(options, assembly.finish());
  if (!summary) return std::nullopt;
  write_report(folder.path(), *summary);
  folder.commit();
  parts.remove();
  return summary;
}

std::optional<nlohmann::json> run_at_once(const AttentionWork& work,
                                          std::optional<OutputFolder>& folder,
                                          const AttentionOptions& options) {
  std::vector<int64_t> units(static_cast<size_t>(work.outline().units));
  std::iota(units.begin(), units.end(), 0);
  Assembly assembly(work.outline(), folder ? folder->path() : fs::path(), options.tensors);
  const auto add = [&](const UnitResult& result) { assembly.add(result); };
  if (!compute_units(work, units, options, add)) return std::nullopt;
  auto summary = explained(options, assembly.finish());
  if (!summary || !folder) return summary;
  write_report(folder->path(), *summary);
  folder->commit();
  return summary;
}

}  // namespace

std::optional<nlohmann::json> run_attention(const AttentionOptions& options) {
  const HostFpGuard guard;
  if (options.earlier == Earlier::resumed && options.out.empty()) {
    throw Error(ErrorKind::usage, "--resume: expected --out DIR, the folder of the earlier run");
  }
  require_explicable(options);
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const AttentionWork work(options);
  std::optional<nlohmann::json> summary;
  if (options.earlier == Earlier::resumed) summary = finished_run(folder->target(), work.outline());
  if (summary) {
    summary = explained_later(options, folder->target(), *summary);
  } else {
    summary = folder && keeps_parts(work, options) ? run_with_parts(work, *folder, options)
                                                   : run_at_once(work, folder, options);
  }
  if (folder && summary) remove_parts(options.out);
  return summary;
}

std::optional<ShardReport> run_attention_shard(const AttentionOptions& options,
                                               const Shard& shard) {
  const HostFpGuard guard;
  if (options.out.empty()) {
    throw Error(ErrorKind::usage, fmt::format("--shard {}: expected --out DIR, a folder for the "
                                              "parts of this shard",
                                              shard_name(shard)));
  }
  if (options.explain == Explain::yes) {
    throw Error(ErrorKind::usage,
                fmt::format("--explain with --shard {}: expected a whole run", shard_name(shard)));
  }
  const AttentionWork work(options);
  const PartFolder parts(options.out, shard, work.outline(), options.earlier);
  const auto missing = parts.missing();
  const UnitRange units = units_of(shard, work.outline().units);
  if (!compute_missing(work, parts, missing, options, units.end - units.first)) {
    return std::nullopt;
  }
  return ShardReport{.shard = shard,
                     .units = units,
                     .all_units = work.outline().units,
                     .computed = static_cast<int64_t>(missing.size())};
}

}  // namespace ulpscope
