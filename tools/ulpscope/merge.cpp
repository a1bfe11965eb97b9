// ulpscope merge: the shards of a run of attention into the folder of the run.
#include "ulpscope/run/merge_run.hpp"

#include <memory>

#include "command.hpp"
#include "summary_command.hpp"
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string out;
  std::vector<std::string> shards;
  bool json = false;
};

int run(const Arguments& a, const Context& context) {
  const MergeOptions options{
      .shards = a.shards, .out = a.out, .progress = {}, .stop = context.interrupted};
  return run_to_summary("merge", options, a.json ? Printed::json : Printed::text, run_merge);
}

}  // namespace

void add_merge(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "merge",
      "Join the shards of a run of attention: the same bytes as without shards.\n"
      "\n"
      "  ulpscope attention dump.safetensors --layout bhsd --shard 1/2 --out shard-1\n"
      "  ulpscope attention dump.safetensors --layout bhsd --shard 2/2 --out shard-2\n"
      "  ulpscope merge run shard-1 shard-2\n"
      "\n"
      "Needs neither the inputs nor the shards' machines. All shards must be there, in any order.");
  const auto a = std::make_shared<Arguments>();
  command
      ->add_option("OUT", a->out, "Folder for outputs and report: absent, empty or an earlier run")
      ->required();
  command->add_option("SHARD", a->shards, "Folders that attention --shard wrote")->required();
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
