// ulpscope kernels, chips: the rows that the program knows.
#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/gemm/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"
#include "ulpscope/trace/site.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

using nlohmann::json;

json kernels_json() {
  json rows = json::array();
  for (const Recipe* recipe : recipes()) {
    json formats = json::array();
    for (const auto& f : recipe->formats) formats.push_back(format_name(f));
    json terms = json::array();
    for (const ScoreTerm term : recipe->score_terms) terms.push_back(name_of(term));
    rows.push_back({{"name", recipe->name},
                    {"job", "attention"},
                    {"summary", recipe->summary},
                    {"source", recipe->source},
                    {"formats", formats},
                    {"score_terms", terms},
                    {"largest_head_size", recipe->tiles.back().largest_dim}});
  }
  for (const auto& recipe : gemm_recipes()) {
    rows.push_back({{"name", recipe.name},
                    {"job", "gemm"},
                    {"summary", recipe.summary},
                    {"source", recipe.source},
                    {"formats", {format_name(recipe.input)}}});
  }
  return rows;
}

std::string products_text() {
  std::string text = "\nmatrix products, for ulpscope gemm\n";
  for (const auto& recipe : gemm_recipes()) {
    text += fmt::format("{:<18} {}\n{:<18} source: {}\n", recipe.name, recipe.summary, "",
                        recipe.source);
  }
  return text;
}

// Names of a list, one after the other.
std::string listed(const json& names) {
  std::string text;
  for (const auto& name : names) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", name.get<std::string>());
  }
  return text;
}

std::string kernels_text() {
  std::string text;
  for (const auto& row : kernels_json()) {
    if (row["job"] != "attention") continue;
    const std::string formats = listed(row["formats"]);
    const std::string terms = listed(row["score_terms"]);
    text +=
        fmt::format("{:<12} {}\n{:<12} formats: {}; head size up to {}{}\n{:<12} source: {}\n",
                    row["name"].get<std::string>(), row["summary"].get<std::string>(), "",
                    formats.empty() ? "any of 16 bits or fewer" : formats,
                    row["largest_head_size"].get<int64_t>(),
                    terms.empty() ? "" : "; takes " + terms, "", row["source"].get<std::string>());
  }
  text += "\nsites that --set SITE=FORMAT[:MODE] can change, in the order of the computation\n";
  for (const auto& row : site_table) text += fmt::format("  {:<20} {}\n", row.name, row.step);
  return text + products_text();
}

const char* evidence_name(Evidence evidence) {
  switch (evidence) {
    case Evidence::verified: return "verified";
    case Evidence::published: return "published";
  }
  return "";
}

json chips_json() {
  json rows = json::array();
  for (const auto& chip : chips) {
    json units = json::array();
    for (const auto& unit : chip.units) {
      if (unit.sum.terms == 0) continue;
      units.push_back({{"format", format_name(unit.input)},
                       {"terms", unit.sum.terms},
                       {"fraction_bits", unit.sum.fraction_bits},
                       {"floor_exponent", unit.sum.floor_exponent},
                       {"result_fraction_bits", unit.sum.result_fraction_bits},
                       {"evidence", evidence_name(unit.evidence)},
                       {"source", unit.source}});
    }
    rows.push_back({{"name", chip.name},
                    {"row", chip.row},
                    {"product", chip.product},
                    {"multiprocessors", chip.multiprocessors},
                    {"units", units}});
  }
  return rows;
}

std::string chips_text() {
  std::string text = fmt::format("{:<6} {:<16} {:>4}  {:<7} {:>5} {:>9} {:>6} {:>7}  {:<10} {}\n",
                                 "name", "product", "SMs", "format", "terms", "grid bits", "floor",
                                 "result", "evidence", "source");
  for (const auto& chip : chips_json()) {
    for (const auto& unit : chip["units"]) {
      text +=
          fmt::format("{:<6} {:<16} {:>4}  {:<7} {:>5} {:>9} {:>6} {:>7}  {:<10} {}\n",
                      chip["name"].get<std::string>(), chip["product"].get<std::string>(),
                      chip["multiprocessors"].get<int>(), unit["format"].get<std::string>(),
                      unit["terms"].get<int>(), unit["fraction_bits"].get<int>(),
                      unit["floor_exponent"].get<int>(), unit["result_fraction_bits"].get<int>(),
                      unit["evidence"].get<std::string>(), unit["source"].get<std::string>());
    }
  }
  return text +
         "Special functions were measured on sm_90 alone; other chips use the same tables.\n";
}

void add_list(CLI::App& app, Context& context, const std::string& name, const std::string& what,
              json (*as_json)(), std::string (*as_text)()) {
  auto* command = app.add_subcommand(name, what);
  const auto wants_json = std::make_shared<bool>(false);
  command->add_flag("--json", *wants_json, "Print JSON");
  command->callback([=, &context] {
    context.run = [=] {
      print(*wants_json ? as_json().dump(1) + "\n" : as_text());
      return exit_done;
    };
  });
}

}  // namespace

void add_lists(CLI::App& app, Context& context) {
  add_list(app, context, "kernels", "List the kernels and the sites where they round.",
           kernels_json, kernels_text);
  add_list(app, context, "chips", "List the chips: how their tensor cores sum, and who says so.",
           chips_json, chips_text);
}

}  // namespace ulpscope::cli
