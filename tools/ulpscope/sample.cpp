// ulpscope sample: a problem drawn from a law.
#include "ulpscope/run/sample_run.hpp"

#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>

namespace ulpscope::cli {

namespace {

struct Arguments {
  SampleOptions options;
  std::string law, format = "bf16", out;
};

std::string list_of_laws() {
  std::string text;
  for (const auto& row : law_table) text += fmt::format("  {:<9} {}\n", row.name, row.summary);
  return text;
}

int run(Arguments arguments) {
  arguments.options.law.kind = law_named(arguments.law);
  arguments.options.shape.format = format_named(arguments.format);
  write_sample(arguments.options, arguments.out);
  note(fmt::format("wrote {}", arguments.out));
  return exit_done;
}

}  // namespace

void add_sample(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "sample",
      "Draw a problem from a law: tensors q, k, v and do, for attention, monitors and the others.\n"
      "\n"
      "  ulpscope sample ties --sink 0.5 --out ties.safetensors\n"
      "  ulpscope sample normal --heads 4 --rows 2048 --keys 2048 --out normal.safetensors\n"
      "\n"
      "Laws:\n" +
          list_of_laws());
  const auto a = std::make_shared<Arguments>();
  Law& law = a->options.law;
  LawShape& shape = a->options.shape;
  const auto size = CLI::Range(int64_t{1}, int64_t{1} << 24);
  command->add_option("LAW", a->law, "Law")->required();
  command->add_option("--out", a->out, "File to write: .safetensors")->required();
  command->add_option("--seed", law.seed, "Another seed, other numbers")->capture_default_str();
  command->add_option("--heads", shape.heads, "Heads")->check(size)->capture_default_str();
  command->add_option("--rows", shape.rows, "Queries")->check(size)->capture_default_str();
  command->add_option("--keys", shape.keys, "Keys")->check(size)->capture_default_str();
  command->add_option("--dim", shape.dim, "Head size")->check(size)->capture_default_str();
  command->add_option("--format", a->format, "Format of the tensors")->capture_default_str();
  command->add_option("--maxima", law.maxima, "ties: equal maxima of a row")->capture_default_str();
  command->add_option("--gap", law.gap, "ties: how far the other scores lie below")
      ->capture_default_str();
  command->add_option("--level", law.level, "ties: mean of the row maxima")->capture_default_str();
  command->add_option("--level-spread", law.level_spread, "ties: half the width of their range")
      ->capture_default_str();
  command->add_option("--sink", law.sink, "ties: factor of the values of the keys alike")
      ->capture_default_str();
  command->add_option("--outlier", law.outlier, "outliers: factor of every 16th row")
      ->capture_default_str();
  command->callback([a, &context] { context.run = [a] { return run(*a); }; });
}

}  // namespace ulpscope::cli
