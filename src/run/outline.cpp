#include "ulpscope/run/outline.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/compare/reachable.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <xxhash.h>

namespace ulpscope {

using nlohmann::json;

namespace {

json casts_json(const Plan& plan, std::span<const SiteRow> sites,
                const std::vector<SiteOverride>& overrides) {
  json result = json::array();
  for (const auto& row : sites) {
    const bool overridden = std::any_of(overrides.begin(), overrides.end(),
                                        [&](const auto& o) { return o.site == row.site; });
    const Cast& cast = plan.map[row.site];
    result.push_back({{"site", row.name},
                      {"format", format_name(cast.format)},
                      {"mode", mode_name(cast)},
                      {"preset", preset_name(cast.rounding.policy).value_or("")},
                      {"overridden", overridden}});
    if (cast.source == Source::exact) result.back()["source"] = "exact";
  }
  return result;
}

// In natural units of the score.
json maximum_json(const MaximumOverride& change) {
  json result = json::object();
  if (change.stable) {
    result.update({{"beta", change.stable->beta}, {"tolerance", change.stable->tolerance}});
  }
  if (change.clamp) result["clamp"] = *change.clamp;
  if (change.offset) result["offset"] = *change.offset;
  return result;
}

json kernel_json(const Plan& plan) {
  const Recipe& recipe = *plan.recipe;
  json kernel{{"name", recipe.name}, {"description", recipe.summary}};
  switch (recipe.engine) {
    case Engine::tiled:
      kernel.update({{"variant", plan.parts > 1 ? "split" : "normal"},
                     {"chip", plan.chip->name},
                     {"chip_row", plan.chip->row},
                     {"tile_rows", plan.tile_rows},
                     {"tile_keys", plan.tile_keys},
                     {"splits", plan.parts}});
      break;
    case Engine::reference: break;
  }
  return kernel;
}

json notes_json(const Recipe& recipe, const BackwardPlan* backward,
                const MaximumOverride& maximum) {
  json notes = json::array();
  if (maximum.changes_something()) {
    notes.push_back(
        fmt::format("not the kernel {} as it is: {}", recipe.name, description(maximum)));
  }
  if (!recipe.caveat.empty()) notes.push_back(fmt::format("{}: {}", recipe.name, recipe.caveat));
  if (backward != nullptr && has_unordered_dq(*backward)) {
    notes.push_back(fmt::format(
        "{} adds the key tiles' parts of dQ in no fixed order, so that the last bits of its dQ "
        "differ from run to run; dq here is their sum in ascending order, and ulpscope identify "
        "tells whether a recorded dQ is their sum in some order",
        recipe.name));
  }
  return notes;
}

bool draws(const Plan& plan) {
  return std::any_of(site_table.begin(), site_table.end(),
                     [&](const SiteRow& row) { return plan.map[row.site].drawn.has_value(); });
}

json choices_json(const Plan& plan, const BackwardPlan* backward) {
  json choices{{"multiprocessors", plan.problem.launch.multiprocessors}};
  if (draws(plan)) choices["seed"] = plan.seed;
  if (backward != nullptr) {
    choices.update({{"delta_layout", delta_layout_name(backward->delta)},
                    {"dq_buffers", backward->dq_buffers},
                    {"tile_rows", backward->tile_rows},
                    {"tile_keys", backward->tile_keys}});
  }
  return choices;
}

OutlineTensor tensor_like(const Operand16& like, const std::string& name, Element element,
                          const Format& format, int64_t dim, int64_t row_tile) {
  auto sizes = like.sizes;
  sizes[3] = dim;
  return {name, element, format, like.layout, sizes, like.sizes[2], row_tile};
}

// Codes in the element that holds them, errors in their own ulps.
void add_stored(Outline& outline, const Plan& plan, Site store, const std::string& name,
                const Operand16& like, int64_t row_tile) {
  const Format& format = plan.map[store].format;
  outline.metadata[name + "_format"] = format_name(format);
  outline.tensors.push_back(
      tensor_like(like, name, element_for(format), format, plan.problem.dim, row_tile));
}

void add_gradients(Outline& outline, const Plan& plan, const BackwardPlan& backward,
                   const ProblemOperands& operands) {
  add_stored(outline, plan, Site::dq_store, "dq", operands.q, backward.tile_rows);
  add_stored(outline, plan, Site::dk_store, "dk", operands.k, backward.tile_keys);
  add_stored(outline, plan, Site::dv_store, "dv", operands.v, backward.tile_keys);
  outline.tensors.push_back(tensor_like(operands.q, "delta", Element::fp32,
                                        plan.map[Site::output_store].format, 0,
                                        backward.tile_rows));
  outline.pairs = {{"p", plan.map[Site::bwd_probability_cast].format},
                   {"dp", plan.map[Site::dp].format},
                   {"ds", plan.map[Site::ds_cast].format}};
}

// The problem as the kernel takes it, with the terms of all heads.
Problem shown(const Plan& plan, const Problem& whole) {
  Problem problem = plan.problem;
  problem.terms.slopes = whole.terms.slopes;
  problem.terms.bias.sizes = whole.terms.bias.sizes;
  return problem;
}

json sections(const std::string& command, const UnitPlans& plans, const KernelOverrides& overrides,
              const ProblemOperands& operands, const Problem& whole) {
  const auto& [plan, backward] = plans;
  json summary = summary_header("attention", command);
  summary["kernel"] = kernel_json(plan);
  if (overrides.maximum.changes_something()) {
    summary["kernel"]["maximum"] = maximum_json(overrides.maximum);
  }
  summary["inputs"] = inputs_json(operands);
  summary["problem"] = problem_json(shown(plan, whole), operands.q, operands.k);
  const std::span<const SiteRow> rounded =
      backward != nullptr ? std::span(site_table) : forward_sites();
  std::vector<Format> formats{operands.q.format};
  for (const auto& row : rounded) formats.push_back(plan.map[row.site].format);
  summary["formats"] = formats_json(formats);
  summary["casts"] = casts_json(plan, rounded, overrides.sites);
  summary["reference"] = reference_json(reference_for(plan), nullptr);
  json notes = notes_json(*plan.recipe, backward, overrides.maximum);
  if (!operands.rotation.empty()) notes.push_back(operands.rotation);
  if (!notes.empty()) summary["notes"] = std::move(notes);
  return summary;
}

}  // namespace

Outline attention_outline(const std::string& command, const UnitPlans& plans,
                          const KernelOverrides& overrides, const ProblemOperands& operands,
                          const Problem& whole) {
  const auto& [plan, backward] = plans;
  const Operand16& q = operands.q;
  Outline outline{.summary = sections(command, plans, overrides, operands, whole),
                  .choices = choices_json(plan, backward),
                  .metadata = {{"layout", layout_name(q.layout)}},
                  .tensors = {},
                  .pairs = {},
                  .units = whole_kv_heads(whole)};
  add_stored(outline, plan, Site::output_store, "o", q, plan.tile_rows);
  outline.tensors.push_back(tensor_like(q, "lse", Element::fp32, fp32, 0, plan.tile_rows));
  // The pass may have folded heads into rows.
  for (auto& tensor : outline.tensors) tensor.tally_rows = plan.problem.rows;
  if (backward != nullptr) add_gradients(outline, plan, *backward, operands);
  return outline;
}

json to_json(const Outline& outline) {
  json tensors = json::array();
  for (const auto& t : outline.tensors) {
    tensors.push_back({{"name", t.name},
                       {"element", element_name(t.element)},
                       {"format", format_name(t.format)},
                       {"layout", layout_name(t.layout)},
                       {"sizes", t.sizes},
                       {"tally_rows", t.tally_rows},
                       {"row_tile", t.row_tile}});
  }
  json pairs = json::array();
  for (const auto& p : outline.pairs) {
    pairs.push_back({{"name", p.name}, {"format", format_name(p.format)}});
  }
  return {{"log", log_level_name(outline.log)},
          {"summary", outline.summary},
          {"choices", outline.choices},
          {"metadata", outline.metadata},
          {"tensors", tensors},
          {"pairs", pairs},
          {"units", outline.units}};
}

namespace {

OutlineTensor tensor_from_json(const json& t) {
  const auto text = t.at("element").get<std::string>();
  const auto element = element_from_name(text);
  if (!element) throw Error(ErrorKind::input, fmt::format("element {}", in_quotes(text)));
  OutlineTensor tensor{.name = t.at("name"),
                       .element = *element,
                       .format = format_named(t.at("format").get<std::string>()),
                       .layout = layout_named(t.at("layout").get<std::string>()),
                       .sizes = t.at("sizes"),
                       .tally_rows = t.at("tally_rows"),
                       .row_tile = t.at("row_tile")};
  const auto& [batch, heads, rows, dim] = tensor.sizes;
  const bool positive = batch > 0 && heads > 0 && rows > 0 && dim >= 0 && tensor.tally_rows > 0 &&
                        tensor.row_tile > 0;
  if (!positive || !checked_bytes(Element::fp64, tensor.sizes)) {
    throw Error(ErrorKind::input, fmt::format("sizes {}", shape_text(tensor.sizes)));
  }
  return tensor;
}

}  // namespace

Outline outline_from_json(const json& j, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::input, fmt::format("{}: not the outline of a run: {}", where, what));
  };
  Outline outline{};
  try {
    outline.log = log_level_named(j.at("log").get<std::string>());
    outline.summary = j.at("summary");
    outline.choices = j.at("choices");
    outline.metadata = j.at("metadata");
    for (const auto& t : j.at("tensors")) outline.tensors.push_back(tensor_from_json(t));
    for (const auto& p : j.at("pairs")) {
      outline.pairs.push_back(
          {.name = p.at("name"), .format = format_named(p.at("format").get<std::string>())});
    }
    outline.units = j.at("units");
  } catch (const json::exception& error) {
    refuse(in_quotes(error.what()));
  } catch (const Error& error) {
    refuse(error.what());
  }
  if (outline.tensors.empty() || (outline.pairs.size() != 0 && outline.pairs.size() != 3)) {
    refuse("neither the tensors of a forward run nor those of one with gradients");
  }
  for (const auto& t : outline.tensors) {
    if (outline.units < 1 || t.sizes[0] * t.sizes[1] % outline.units != 0) {
      refuse(fmt::format("{} units of tensor {}", outline.units, in_quotes(t.name)));
    }
  }
  return outline;
}

namespace {

// What decides the bits: an outline without names.
json nameless(const Outline& outline) {
  json j = to_json(outline);
  json& summary = j["summary"];
  summary.erase("command");
  for (auto& input : summary["inputs"]) {
    input.erase("file");
    input.erase("tensor");
  }
  return j;
}

}  // namespace

std::string fingerprint_of(const Outline& outline) {
  const std::string text = nameless(outline).dump();
  const auto hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string difference_of(const Outline& found, const Outline& expected) {
  const json a = nameless(found);
  const json b = nameless(expected);
  const auto patch = json::diff(a, b);
  if (patch.empty()) return "";
  const json::json_pointer place(patch[0].at("path").get<std::string>());
  const auto value = [&](const json& j) {
    return j.contains(place) ? j[place].dump() : std::string("absent");
  };
  std::string name = place.to_string().substr(1);
  if (name.starts_with("summary/")) name = name.substr(8);
  return fmt::format("{} is {}, expected {}", name, value(a), value(b));
}

}  // namespace ulpscope
