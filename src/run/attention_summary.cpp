#include "ulpscope/run/attention_summary.hpp"

#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/attention_verdict.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/bias.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>

namespace ulpscope {

using nlohmann::json;

namespace {

// A site as the outline has it.
struct RoundedSite {
  const SiteRow& row;
  Format format;
  std::string mode;
};

std::vector<RoundedSite> rounded_sites(const Outline& outline) {
  std::vector<RoundedSite> sites;
  for (const auto& cast : outline.summary.at("casts")) {
    sites.push_back({.row = row_of(site_named(cast.at("site").get<std::string>())),
                     .format = format_named(cast.at("format").get<std::string>()),
                     .mode = cast.at("mode")});
  }
  return sites;
}

json sites_json(const Outline& outline, const SiteStatistics& statistics) {
  json result = json::array();
  for (const auto& [row, format, mode] : rounded_sites(outline)) {
    const auto& of_site = statistics[index(row.site)];
    if (of_site.moments.count == 0) continue;
    json site = statistics_json(std::string(row.name), format, of_site);
    site["mode"] = mode;
    site["description"] = row.step;
    result.push_back(std::move(site));
  }
  return result;
}

Format format_at(const Outline& outline, const SiteRow& site) {
  for (const auto& cast : outline.summary.at("casts")) {
    if (cast.at("site") == site.name) return format_named(cast.at("format").get<std::string>());
  }
  return fp32;
}

// The site of the forward pass that holds most of the one-sided error, in words; empty if none is
// biased.
std::string loudest_site(const Outline& outline, const SiteStatistics& statistics) {
  const SiteRow* loudest = nullptr;
  double largest = 0;
  for (const auto& [row, format, mode] : rounded_sites(outline)) {
    const auto& of_site = statistics[index(row.site)];
    if (index(row.site) >= forward_sites().size()) break;
    if (of_site.moments.count == of_site.moments.skipped) continue;
    const auto bias = summarise(of_site).by_magnitude;
    // Sites round in formats of different widths: their ulps are compared relative to the result.
    const double relative = std::ldexp(std::fabs(bias.mean), -format.trailing_bits);
    if (!is_biased(bias) || relative <= largest) continue;
    largest = relative;
    loudest = &row;
  }
  if (loudest == nullptr) return "";
  const auto bias = summarise(statistics[index(loudest->site)]).by_magnitude;
  const Format format = format_at(outline, *loudest);
  const Format output = format_at(outline, row_of(Site::output_store));
  const std::string own = fmt::format(
      "The most one-sided rounding is {}: {:+.3f} ulp of its own result, {} zero (standard error "
      "{:.3f}, z {:+.1f}, {:.3g} million roundings)",
      loudest->name, bias.mean, bias.mean < 0 ? "toward" : "away from", bias.standard_error, bias.z,
      1e-6 * static_cast<double>(statistics[index(loudest->site)].moments.count));
  if (format == output) return own + ".";
  return own +
         fmt::format(", which is {:.1e} ulp where a number has no more bits than O.",
                     std::ldexp(std::fabs(bias.mean), output.trailing_bits - format.trailing_bits));
}

std::string kernel_name(const Outline& outline) {
  return outline.summary.at("kernel").at("name").get<std::string>();
}

json not_judged_json(const Outline& outline, const RunTotals& totals) {
  const HostFpGuard guard;
  const std::string_view left_out = outline.log == LogLevel::none
                                        ? "neither its roundings were logged nor its outputs judged"
                                        : "its outputs were not judged";
  const std::string site = loudest_site(outline, totals.sites);
  return {{"status", "not judged"},
          {"text",
           fmt::format("The outputs of {} were computed; {} (--log {}).{}{}", kernel_name(outline),
                       left_out, log_level_name(outline.log), site.empty() ? "" : " ", site)}};
}

json verdict_json(const Outline& outline, const RunTotals& totals) {
  if (outline.log != LogLevel::full) return not_judged_json(outline, totals);
  return judged_verdict(outline, totals, loudest_site(outline, totals.sites));
}

json outputs_json(const Outline& outline, const RunTotals& totals) {
  json outputs = json::array();
  if (outline.log != LogLevel::full) return outputs;
  for (size_t i = 0; i < outline.tensors.size(); ++i) {
    const OutlineTensor& t = outline.tensors[i];
    const RowIndex rows{{t.sizes[0], t.sizes[1], t.sizes[2]}, t.tally_rows};
    outputs.push_back(output_json(t.name, t.format, t.shape(), rows, totals.tensors[i]));
    outputs.back()["heads"] = heads_json(t, totals.tensors[i]);
  }
  outputs.front()["row_kinds"] = row_kinds_json(outline, totals);
  const std::array statistics{&totals.pairs.p, &totals.pairs.dp, &totals.pairs.ds};
  for (size_t i = 0; i < outline.pairs.size(); ++i) {
    auto sizes = outline.tensors.front().sizes;
    sizes[3] = outline.summary.at("problem").at("seq_k");
    const auto& [name, format] = outline.pairs[i];
    const auto shape = shape_in_layout(sizes, outline.tensors.front().layout);
    outputs.push_back(whole_json(name, format, shape, *statistics[i]));
  }
  return outputs;
}

}  // namespace

json attention_summary(const Outline& outline, const RunTotals& totals) {
  json summary = outline.summary;
  summary["fingerprint"] = fingerprint_of(outline);
  summary["verdict"] = verdict_json(outline, totals);
  summary["log"] = log_level_name(outline.log);
  if (outline.log == LogLevel::full) {
    ReferenceReport reference = totals.reference;
    reference.name = outline.summary.at("reference").at("name");
    reference.description = outline.summary.at("reference").at("description");
    summary["reference"] =
        reference_json(reference, outline.has_gradients() ? &totals.gradients : nullptr);
  } else {
    summary.erase("reference");
  }
  summary["outputs"] = outputs_json(outline, totals);
  summary["sites"] = sites_json(outline, totals.sites);
  return summary;
}

std::optional<json> finished_run(const std::filesystem::path& folder, const Outline& outline) {
  std::ifstream file(folder / "summary.json");
  auto summary = json::parse(file, nullptr, false);
  if (!summary.is_object() || !summary.contains("fingerprint")) return std::nullopt;
  if (summary["fingerprint"] != fingerprint_of(outline)) return std::nullopt;
  return summary;
}

}  // namespace ulpscope
