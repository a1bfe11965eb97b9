#include "ulpscope/run/ranks_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/run/attention_summary.hpp"
#include "ulpscope/run/attention_work.hpp"
#include "ulpscope/run/explain_run.hpp"
#include "ulpscope/run/merge_run.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/part_file.hpp"
#include "ulpscope/run/part_folder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace fs = std::filesystem;

namespace {

std::vector<int64_t> dealt_to(const Ranks& ranks, const std::vector<int64_t>& units) {
  std::vector<int64_t> own;
  const auto step = static_cast<size_t>(ranks.count());
  for (auto i = static_cast<size_t>(ranks.number()); i < units.size(); i += step) {
    own.push_back(units[i]);
  }
  return own;
}

// Rank 0 wrote the manifest before it shared the units.
void require_same_folder(const fs::path& folder, const Outline& outline, const Ranks& ranks) {
  const auto fail = [&](const std::string& found) {
    throw Error(ErrorKind::resource,
                fmt::format("rank {}: {}: {}; expected a folder, and inputs, that all ranks share "
                            "(else attention --shard, and merge)",
                            ranks.number(), folder.string(), found));
  };
  if (!has_manifest(folder)) fail("no manifest of rank 0");
  const Manifest manifest = read_manifest(folder);
  if (manifest.fingerprint != fingerprint_of(outline)) {
    fail(difference_of(outline, manifest.outline));
  }
}

// On every rank but 0.
bool compute_dealt(const AttentionOptions& options, const Ranks& ranks) {
  std::vector<int64_t> units;
  ranks.share(units);
  const auto own = dealt_to(ranks, units);
  if (own.empty()) return true;
  const AttentionWork work(options);
  const fs::path folder = parts_folder(options.out);
  require_same_folder(folder, work.outline(), ranks);
  const std::string fingerprint = fingerprint_of(work.outline());
  return compute_units(work, own, options, [&](const UnitResult& result) {
    write_part(folder / part_name(result.unit), fingerprint, result);
  });
}

// On rank 0; nothing if it was stopped.
std::optional<nlohmann::json> compute_and_join(const AttentionOptions& options,
                                               const Ranks& ranks) {
  OutputFolder folder(options.out);
  const AttentionWork work(options);
  const Outline& outline = work.outline();
  std::vector<int64_t> units;
  if (options.earlier == Earlier::resumed) {
    if (auto summary = finished_run(folder.target(), outline)) {
      remove_parts(options.out);
      ranks.share(units);
      ranks.wait_for_all();
      return explained_later(options, folder.target(), *summary);
    }
  }
  PartFolder parts(parts_folder(options.out), {}, outline, options.earlier);
  units = parts.missing();
  ranks.share(units);
  const bool complete = compute_units(work, dealt_to(ranks, units), options,
                                      [&](const UnitResult& result) { parts.add(result); });
  if (!complete) return std::nullopt;
  ranks.wait_for_all();
  Assembly assembly(outline, folder.path());
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

}  // namespace

RankReport run_attention_on_ranks(const AttentionOptions& options, const Ranks& ranks) {
  const HostFpGuard guard;
  if (options.out.empty()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{} ranks: expected --out DIR, where their parts can meet", ranks.count()));
  }
  require_explicable(options);
  if (ranks.number() != 0) {
    const bool complete = compute_dealt(options, ranks);
    if (complete) ranks.wait_for_all();
    return {complete, std::nullopt};
  }
  auto summary = compute_and_join(options, ranks);
  const bool complete = summary.has_value();
  return {complete, std::move(summary)};
}

}  // namespace ulpscope
