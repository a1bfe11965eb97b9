// ulpscope replay: a recording of a graphics card, computed again and compared by bits.
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/replay_run.hpp"

#include <algorithm>
#include <memory>
#include <thread>

#include "command.hpp"
#include "summary_command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  ReplayOptions replay;
  int threads = 0;
  bool json = false;
};

std::string number(const nlohmann::json& row, const char* key) {
  return grouped(row[key].get<uint64_t>());
}

bool all_agree(const nlohmann::json& result) {
  for (const auto& row : result["kernels"]) {
    if (row["different"].get<uint64_t>() > 0) return false;
  }
  return true;
}

std::string as_text(const nlohmann::json& result) {
  std::string text;
  const auto& machine = result["recorded"];
  for (const auto& [name, value] : machine.items()) {
    text += fmt::format("{}{} {}", text.empty() ? "recorded: " : ", ", visible(name),
                        visible(value.is_string() ? value.get<std::string>() : value.dump()));
  }
  if (!text.empty()) text += "\n";
  text += fmt::format("{:<30} {:>7} {:>9} {:>12} {:>10}\n", "kernel", "calls", "tensors",
                      "elements", "different");
  for (const auto& row : result["kernels"]) {
    text += fmt::format("{:<30} {:>7} {:>9} {:>12} {:>10}", row["kernel"].get<std::string>(),
                        number(row, "calls"), number(row, "tensors"),
                        row["elements"] == 0 ? "checksums" : number(row, "elements"),
                        number(row, "different"));
    if (row["other_order"] != 0) {
      text +=
          fmt::format("  dQ: {} elements as another order gives them", number(row, "other_order"));
    }
    if (row.contains("first")) text += "  first " + visible(row["first"].get<std::string>());
    text += "\n";
  }
  if (result["without_row"] != 0) {
    text += fmt::format("left out, of kernels without a row: {} calls\n",
                        number(result, "without_row"));
  }
  return text + (all_agree(result) ? "SAME BITS\n" : "DIFFERENT\n");
}

int run(const Arguments& arguments, const Context& context) {
  ReplayOptions options = arguments.replay;
  options.threads = arguments.threads > 0
                        ? arguments.threads
                        : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.command = context.command_line;
  options.stop = context.interrupted;
  const auto result = with_progress("replay", options, run_replay);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : as_text(*result));
  return all_agree(*result) ? exit_done : exit_different;
}

}  // namespace

void add_replay(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "replay",
      "A recording of a graphics card, computed again: every bit, or which call differs first.\n"
      "\n"
      "  ulpscope replay data/captures/h200_backends_fuzz\n"
      "  ulpscope replay fresh/ --kernel fa2-torch --chip sm90\n"
      "\n"
      "FOLDER is what tools/python/record_attention.py wrote, or any folder of data/captures with "
      "a\n"
      "fuzz.json or cases.json.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("FOLDER", a->replay.folder, "Recording")->required();
  command->add_option("--kernel", a->replay.kernel, "Only the calls that this row models");
  command->add_option("--as", a->replay.as, "Compute them by this row instead of their own");
  command->add_option("--chip", a->replay.chip, "Whose sums (`ulpscope chips`)")
      ->capture_default_str();
  command->add_option("--threads", a->threads, "Threads; 0: as many as the machine has")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
