// ulpscope sharpness: how far the loss rises near given logits.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/sharpness_run.hpp"
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
  SharpnessOptions options;
  std::string format, mode = "rne";
  std::vector<std::string> formats;
  bool last = false;
  bool json = false;
};

std::string as_text(const nlohmann::json& result) {
  const auto& input = result["input"];
  const auto& target = result["target"];
  std::string text = fmt::format(
      "{}: {} {}, target: {}\n\n{:<8} {:>8} {:>9} {:>10} {:>10} {:>9} {:>10} {:>10} {:>8}\n",
      visible(input["file"].get<std::string>()), input["format"].get<std::string>(),
      shape_text(input["shape"].get<std::vector<int64_t>>()),
      target.is_string() ? visible(target.get<std::string>())
                         : fmt::format("class {}", target.get<int64_t>()),
      "format", "eps", "positions", "loss", "phi", "+-", "smallest", "largest", "skipped");
  for (const auto& row : result["rows"]) {
    text += fmt::format(
        "{:<8} {:>8} {:>9} {:>10} {:>10} {:>9} {:>10} {:>10} {:>8}\n",
        row["format"].get<std::string>(), figure(row["eps"], 4),
        grouped(row["count"].get<uint64_t>()), figure(row["loss"], 5), figure(row["phi"], 5),
        row.contains("stderr") ? figure(row["stderr"], 2) : "-", figure(row["smallest"], 4),
        figure(row["largest"], 4), grouped(row["skipped"].get<uint64_t>()));
  }
  return text;
}

int run(Arguments arguments, const Context& context) {
  SharpnessOptions& options = arguments.options;
  if (!arguments.format.empty()) options.format = format_named(arguments.format);
  for (const auto& name : arguments.formats) options.rounded.push_back(format_named(name));
  options.rounding = rounding_named(arguments.mode);
  options.positions = arguments.last ? Positions::last : Positions::all;
  options.command = context.command_line;
  const nlohmann::json result = run_sharpness(options);
  print(arguments.json ? result.dump(1) + "\n" : as_text(result));
  return exit_done;
}

}  // namespace

void add_sharpness(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "sharpness",
      "How far the cross-entropy rises when logits may move a little: Keskar's sharpness.\n"
      "\n"
      "  ulpscope sharpness logits.npy --eps 1e-3\n"
      "  ulpscope sharpness dump.npz:logits --last --labels dump.npz:labels\n"
      "  ulpscope sharpness logits.npy --formats e8m7,e8m3\n"
      "\n"
      "phi = 100 (max f(x + y) - f(x)) / (1 + f(x)), |y_i| <= eps (|x_i| + 1); the last axis of\n"
      "INPUT is the classes.");
  const auto a = std::make_shared<Arguments>();
  SharpnessOptions& o = a->options;
  command->add_option("INPUT", o.input, "FILE or FILE:TENSOR")->required();
  command->add_option("--format", a->format, "What the bits mean where the file does not say");
  command->add_option("--eps", o.eps, "Size of the box; more than one: E,...")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--target", o.target,
                      "The class that is right, at every position; the largest logit by default");
  command->add_option("--labels", o.labels,
                      "FILE or FILE:TENSOR of int32 or int64: the class that is right, a position");
  command->add_flag("--last", a->last, "The last position of every sequence alone");
  command->add_option("--formats", a->formats, "The same of the logits rounded to formats: F,...")
      ->delimiter(',');
  command->add_option("--round", a->mode, "How they are rounded")->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
