// ulpscope coat: Adam's two moments in 8 bits, with and without range expansion.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/coat_run.hpp"

#include <cmath>
#include <map>
#include <memory>

#include "command.hpp"
#include "figures.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  CoatOptions options;
  std::string format;
  bool json = false;
};

std::string source_text(const nlohmann::json& result) {
  const auto& source = result["source"];
  const auto file = [&](const char* moment) {
    return visible(source[moment]["file"].get<std::string>());
  };
  const std::string where =
      source.contains("first")
          ? fmt::format("{} and {}", file("first"), file("second"))
          : fmt::format("drawn, seed {}, {} steps, spread {}", source["seed"].get<uint64_t>(),
                        source["steps"].get<int64_t>(), figure(source["spread"], 3));
  return fmt::format("Adam states: {}; {} values in groups of 128\n", where,
                     grouped(result["values"].get<uint64_t>()));
}

std::string table_text(const nlohmann::json& result) {
  std::string text = fmt::format("{:<9}", "m");
  for (const auto& name : result["formats"]) {
    text += fmt::format(" {:>20}", "v " + name.get<std::string>());
  }
  text += "\n";
  for (size_t a = 0; a < result["formats"].size(); ++a) {
    text += fmt::format("{:<9}", result["formats"][a].get<std::string>());
    for (const auto& cell : result["steps"][a]) {
      text += fmt::format(
          " {:>20}", fmt::format("{} +- {}", figure(cell["mean"], 4), figure(cell["stderr"], 2)));
    }
    text += "\n";
  }
  return text;
}

struct Expanded {
  const char* moment;
  std::string format;
};

// Groups by k, in halves, a column for each moment in each expanded format.
std::string exponents_text(const nlohmann::json& result) {
  std::vector<Expanded> columns;
  for (const char* moment : {"first", "second"}) {
    for (const auto& [format, of] : result[moment]["formats"].items()) {
      if (!of["exponents"].empty()) columns.push_back({moment, format});
    }
  }
  std::map<double, std::vector<uint64_t>> rows;
  std::string text = fmt::format("{:<9}", "k from");
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& [moment, format] = columns[c];
    text += fmt::format(" {:>11}", (moment[0] == 'f' ? "m " : "v ") + format);
    for (const auto& bin : result[moment]["formats"][format]["exponents"]) {
      auto& row = rows[std::floor(2 * bin["k"].get<double>()) / 2];
      row.resize(columns.size());
      row[c] += bin["groups"].get<uint64_t>();
    }
  }
  text += "\n";
  for (const auto& [k, counts] : rows) {
    text += fmt::format("{:<9}", real(k, 6));
    for (const uint64_t count : counts) text += fmt::format(" {:>11}", grouped(count));
    text += "\n";
  }
  return text;
}

std::string lost_text(const nlohmann::json& result) {
  std::string text;
  for (const char* moment : {"first", "second"}) {
    for (const auto& [format, of] : result[moment]["formats"].items()) {
      const auto lost = of["lost"].get<uint64_t>();
      if (lost == 0) continue;
      text += fmt::format("{} moments decoded to zero in {}: {}\n", moment, format, grouped(lost));
    }
  }
  return text;
}

std::string as_text(const nlohmann::json& result) {
  return source_text(result) +
         fmt::format("range in a group, median: m {}, v {}\n\n",
                     figure(result["first"]["median_range"], 3),
                     figure(result["second"]["median_range"], 3)) +
         "mean squared error of m / sqrt(v), +x: with range expansion\n" + table_text(result) +
         fmt::format("both expanded in e4m3fn: {} times less than neither\n",
                     figure(result["gain"], 3)) +
         lost_text(result) + "\ngroups by their exponent k, in steps of a half\n" +
         exponents_text(result);
}

int run(Arguments arguments, const Context& context) {
  CoatOptions& options = arguments.options;
  if (!arguments.format.empty()) options.format = format_named(arguments.format);
  options.command = context.command_line;
  const nlohmann::json result = run_coat(options);
  print(arguments.json ? result.dump(1) + "\n" : as_text(result));
  return exit_done;
}

}  // namespace

void add_coat(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "coat",
      "Adam's two moments in 8 bits: the error of m / sqrt(v) by format and range expansion.\n"
      "\n"
      "  ulpscope coat\n"
      "  ulpscope coat --first adam.safetensors:exp_avg --second adam.safetensors:exp_avg_sq\n"
      "\n"
      "Without files, states are drawn: Gaussian gradients, lognormal scales.");
  const auto a = std::make_shared<Arguments>();
  CoatOptions& o = a->options;
  auto* const first = command->add_option("--first", o.first, "First moments: FILE or FILE:TENSOR");
  auto* const second = command->add_option("--second", o.second, "Second moments");
  first->needs(second);
  second->needs(first);
  command->add_option("--format", a->format, "What the bits mean where the file does not say");
  command->add_option("--seed", o.law.seed, "Seed of drawn states")->capture_default_str();
  command->add_option("--values", o.law.values, "Drawn weights")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 26))
      ->capture_default_str();
  command->add_option("--steps", o.law.steps, "Optimizer steps that they had")
      ->check(CLI::Range(int64_t{1}, int64_t{100000}))
      ->capture_default_str();
  command->add_option("--spread", o.law.spread, "Standard deviation of the scales' logarithms")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
