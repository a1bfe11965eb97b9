// ulpscope identify: which kernel made this output?
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/identify_run.hpp"

#include <array>
#include <memory>

#include "command.hpp"
#include "problem_options.hpp"
#include "summary_command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

constexpr std::array roles{"o", "lse", "dq", "dk", "dv"};

struct Arguments {
  ProblemArguments problem;
  std::string outputs;
  std::array<std::string, roles.size()> files;
  int64_t ranked = IdentifyOptions{}.ranked;
  bool json = false;
};

// --map's names of outputs; those of inputs stay with the problem.
std::map<std::string, std::string> take_output_names(std::vector<std::string>& pieces) {
  std::map<std::string, std::string> names;
  std::erase_if(pieces, [&](const std::string& piece) {
    for (const char* role : roles) {
      const std::string start = std::string(role) + "=";
      if (!piece.starts_with(start)) continue;
      names[role] = piece.substr(start.size());
      return true;
    }
    return false;
  });
  return names;
}

IdentifyRunOptions options_of(Arguments a, const Context& context) {
  IdentifyRunOptions o;
  o.outputs.input = a.outputs;
  o.outputs.names = take_output_names(a.problem.map);
  for (size_t i = 0; i < roles.size(); ++i) {
    if (!a.files[i].empty()) o.outputs.files[roles[i]] = a.files[i];
  }
  static_cast<ProblemOptions&>(o) = options_of(a.problem);
  o.threads = threads_of(a.problem);
  o.ranked = a.ranked;
  o.command = context.command_line;
  o.stop = context.interrupted;
  return o;
}

int run(const Arguments& arguments, const Context& context) {
  auto options = options_of(arguments, context);
  const auto result = with_progress("identify", options, run_identify);
  if (!result) {
    note("interrupted");
    return exit_interrupted;
  }
  print(arguments.json ? result->dump(1) + "\n" : identify_text(*result));
  return (*result)["found"] ? exit_done : exit_different;
}

}  // namespace

void add_identify(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "identify",
      "Which kernel, on which chip, with which tile or rounding made these outputs?\n"
      "\n"
      "  ulpscope identify dump.safetensors run/outputs.safetensors --layout bhsd --causal\n"
      "  ulpscope identify q.npz --o gpu.npz:out --lse gpu.npz:lse --format bf16 --layout bshd\n"
      "\n"
      "INPUT is as for attention. OUTPUTS holds tensors o, lse, dq, dk, dv, as many as are known;\n"
      "gradients need do in the input. Exit code 0 where a candidate gives every bit, 1 where "
      "none.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("OUTPUTS", a->outputs, "File or folder that holds the outputs");
  for (size_t i = 0; i < roles.size(); ++i) {
    command->add_option(fmt::format("--{}", roles[i]), a->files[i],
                        fmt::format("{} as FILE or FILE:TENSOR", roles[i]));
  }
  command
      ->add_option("--ranked", a->ranked,
                   "How many candidates of a round are ranked though they differ on the sample")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--json", a->json, "Print one JSON object instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
