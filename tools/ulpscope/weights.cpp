// ulpscope weights: how far apart two checkpoints are.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/weights_run.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <memory>

#include "command.hpp"
#include "figures.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  WeightsOptions options;
  bool json = false;
  bool csv = false;
};

constexpr int name_columns = 40;

// "  (10, 3002)", or nothing where the tensors are equal.
std::string place_of_largest(const nlohmann::json& row) {
  if (!row.contains("largest_at")) return {};
  return "  " + shape_text(row["largest_at"].get<std::vector<int64_t>>());
}

std::string line(const std::string& name, const nlohmann::json& row) {
  return fmt::format("{:<{}} {:>10} {:>10} {:>10} {:>10} {:>12}{}\n",
                     shortened(visible(name), name_columns), name_columns,
                     ulpscope::compact(row["count"].get<uint64_t>()),
                     ulpscope::compact(row["different"].get<uint64_t>()), figure(row["largest"], 4),
                     figure(row["mean"], 4), figure(row["wasserstein"], 4), place_of_largest(row));
}

// What was not compared, a line a checkpoint.
std::string remarks(const nlohmann::json& side) {
  const auto listed = [&](const char* key, const char* what) {
    std::string names;
    for (const auto& name : side[key]) {
      names += (names.empty() ? "" : ", ") + visible(name.get<std::string>());
    }
    return names.empty()
               ? names
               : fmt::format("{} {}: {}\n", what, visible(side["path"].get<std::string>()), names);
  };
  return listed("only_here", "only in") + listed("left_out", "no numbers, in");
}

std::string as_text(const nlohmann::json& result) {
  std::string text =
      fmt::format("{:<{}} {:>10} {:>10} {:>10} {:>10} {:>12}  {}\n", "tensor", name_columns,
                  "elements", "different", "max |a-b|", "mean |a-b|", "Wasserstein", "max at");
  for (const auto& row : result["tensors"]) text += line(row["name"].get<std::string>(), row);
  text += line("all", result["all"]);
  const auto not_finite = result["all"]["not_finite"].get<uint64_t>();
  if (not_finite > 0) {
    text += fmt::format("left out, one of the two not finite: {}\n", grouped(not_finite));
  }
  return text + remarks(result["a"]) + remarks(result["b"]);
}

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::string csv_line(const std::string& name, const nlohmann::json& row) {
  const auto number = [&](const char* key) {
    return row[key].is_string() ? row[key].get<std::string>() : real(row[key].get<double>(), 17);
  };
  return fmt::format("{},{},{},{},{},{},{}\n", quoted(name), row["count"].get<uint64_t>(),
                     row["different"].get<uint64_t>(), row["not_finite"].get<uint64_t>(),
                     number("largest"), number("mean"), number("wasserstein"));
}

std::string as_csv(const nlohmann::json& result) {
  std::string text = "tensor,elements,different,not_finite,largest,mean,wasserstein\n";
  for (const auto& row : result["tensors"]) text += csv_line(row["name"].get<std::string>(), row);
  return text + csv_line("all", result["all"]);
}

int run(Arguments arguments, const Context& context) {
  arguments.options.command = context.command_line;
  const nlohmann::json result = run_weights(arguments.options);
  print(arguments.json ? result.dump(1) + "\n" : arguments.csv ? as_csv(result) : as_text(result));
  return exit_done;
}

}  // namespace

void add_weights(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "weights",
      "How far apart two checkpoints are: by tensor and in all.\n"
      "\n"
      "  ulpscope weights flash.safetensors baseline.safetensors\n"
      "  ulpscope weights step-7000/ step-8000/ --csv > drift.csv\n"
      "\n"
      "A and B are files, or folders of .safetensors. Wasserstein: how far the distribution of "
      "the\n"
      "weights moved; never more than the mean of |a - b|. Tensors are matched by name.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("A", a->options.a, "Checkpoint")->required();
  command->add_option("B", a->options.b, "Checkpoint to compare with")->required();
  auto* json = command->add_flag("--json", a->json, "Print one JSON object");
  command->add_flag("--csv", a->csv, "Print a line of CSV a tensor")->excludes(json);
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
