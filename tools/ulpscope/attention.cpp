// ulpscope attention: simulate a kernel on dumped tensors.
#include "ulpscope/gpu.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/memory_limit.hpp"
#include "ulpscope/run/ranks_run.hpp"
#include "ulpscope/run/recorded_facts.hpp"

#include <memory>

#include "command.hpp"
#include "problem_options.hpp"
#include "ranks.hpp"
#include "summary_command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  ProblemArguments problem;
  std::vector<std::string> set;
  std::string stable, offset;
  uint64_t seed = 1;
  std::string kernel;
  bool json = false;
  std::vector<int64_t> tile;
  std::string delta_layout;
  std::string log = "full";
  std::string out;
  std::string shard;
  std::string mem_limit;
  bool resume = false;
  bool explain = false;
  std::string device = "cpu";
};

// The option's, else the one that the dump was recorded from, else the most common one.
std::string kernel_of(const Arguments& a, const ProblemOptions& problem) {
  if (!a.kernel.empty()) return a.kernel;
  const std::string recorded = a.problem.no_metadata ? std::string() : recorded_kernel(problem);
  return recorded.empty() ? "fa2-torch@h200" : recorded;
}

AttentionOptions options_of(const Arguments& a, const Context& context) {
  AttentionOptions o;
  static_cast<ProblemOptions&>(o) = options_of(a.problem);
  o.kernel = kernel_of(a, o);
  if (!a.tile.empty()) o.tile = TileOverride{a.tile[0], a.tile[1]};
  for (const auto& text : a.set) o.overrides.push_back(parse_override(text));
  if (!a.stable.empty()) o.maximum = parse_stable(a.stable);
  if (!a.offset.empty()) o.maximum.offset = parse_offset(a.offset).offset;
  o.seed = a.seed;
  o.delta_layout = a.delta_layout;
  o.log = log_level_named(a.log);
  o.explain = a.explain ? Explain::yes : Explain::no;
  o.threads = threads_of(a.problem);
  if (!a.mem_limit.empty()) o.memory_limit = bytes_of(a.mem_limit);
  o.out = a.out;
  o.earlier = a.resume ? Earlier::resumed : Earlier::replaced;
  o.command = command_without(context, {"--out", "--shard", "--threads", "--mem-limit", "--device"},
                              {"--resume", "--json", "--mmap"});
  o.note = note;
  o.stop = context.interrupted;
  if (a.device == "cuda") {
    gpu::device();  // says so where no card answers
    o.forward = gpu::run_forward;
  }
  return o;
}

int run_shard(const Arguments& arguments, AttentionOptions options) {
  const Shard shard = parse_shard(arguments.shard);
  std::optional<ShardReport> report;
  {
    Progress progress("attention");
    options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    report = run_attention_shard(options, shard);
  }
  if (!report) return exit_interrupted;
  const auto [first, end] = report->units;
  if (arguments.json) {
    print(nlohmann::json{{"shard", shard_name(shard)},
                         {"folder", options.out},
                         {"first", first},
                         {"end", end},
                         {"all", report->all_units},
                         {"computed", report->computed}}
              .dump(1) +
          "\n");
  } else {
    print(fmt::format("shard {}: {} of {} K/V heads in {}, {} of them computed now\n",
                      shard_name(shard), end - first, report->all_units, options.out,
                      report->computed));
  }
  return exit_done;
}

int run_alone(const Arguments& arguments, const AttentionOptions& options) {
  return run_to_summary("attention", options, arguments.json ? Printed::json : Printed::text,
                        run_attention);
}

// Rank 0 speaks for all while nothing fails.
int run_as_rank(const Arguments& arguments, const Context& context, const Ranks& ranks,
                int threads) {
  if (ranks.number() != 0) ranks.wait_for_all();  // until rank 0 has understood the command
  AttentionOptions options = options_of(arguments, context);
  if (arguments.problem.threads == 0) options.threads = threads;
  if (ranks.number() == 0) {
    ranks.wait_for_all();
    return run_to_summary(
        "attention", options, arguments.json ? Printed::json : Printed::text,
        [&](const AttentionOptions& o) { return run_attention_on_ranks(o, ranks).summary; });
  }
  options.note = nullptr;
  return run_attention_on_ranks(options, ranks).complete ? exit_done : exit_interrupted;
}

int run(const Arguments& arguments, const Context& context) {
  if (!arguments.shard.empty()) return run_shard(arguments, options_of(arguments, context));
  const auto ranks = started_ranks();
  if (ranks == nullptr) return run_alone(arguments, options_of(arguments, context));
  const int code =
      exit_code_of([&] { return run_as_rank(arguments, context, *ranks, ranks->threads()); });
  if (code != exit_done) ranks->end_all(code);
  return code;
}

}  // namespace

void add_attention(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "attention",
      "Simulate an attention kernel bit for bit on dumped Q, K, V, and its gradients from dO.\n"
      "\n"
      "  ulpscope attention dump.safetensors --layout bhsd --causal --out run\n"
      "  ulpscope attention bits.npz --format bf16 --layout bshd --kernel fa2-torch@h200\n"
      "  ulpscope attention --q q.npy --k k.npy --v v.npy --set output_store=fp32\n"
      "\n"
      "INPUT is a .safetensors or .npz file or a folder of .npy files with tensors q, k, v, and\n"
      "for the backward pass do.\n"
      "With --out DIR: outputs.safetensors, errors.safetensors, summary.json, report.html.");
  const auto a = std::make_shared<Arguments>();
  add_problem_options(*command, a->problem);
  command->add_option("--kernel", a->kernel,
                      "NAME[@CHIP]; see ulpscope kernels, ulpscope chips. If not given: what the "
                      "metadata of INPUT names, else fa2-torch@h200");
  command->add_option("--tile", a->tile, "Rows and keys of a tile, instead of the kernel's: BM,BN")
      ->delimiter(',')
      ->expected(2);
  command->add_option("--delta-layout", a->delta_layout,
                      "Layout of delta, LANESxCOLUMNS, where the library picks one by timing "
                      "(flex-triton); identify finds it");
  command->add_option(
      "--set", a->set,
      "Round a site otherwise: SITE=FORMAT[:MODE[:sat]], or SITE=exact; may be given "
      "again");
  command->add_option("--stable", a->stable,
                      "Move a tile's maximum off scores that reach it together: "
                      "beta=B,tol=T[,clamp=X|none]");
  command->add_option("--offset", a->offset, "Add a number to every maximum: P = exp(S - m - X)");
  command->add_option("--seed", a->seed, "Seed of stochastic roundings, SITE=FORMAT:sr<N>")
      ->capture_default_str();
  command
      ->add_option("--log", a->log,
                   "full; statistics: no errors against the reference; none: outputs alone")
      ->capture_default_str();
  command->add_flag("--explain", a->explain,
                    "If something is biased: which step causes it, and what removes it. Some "
                    "hundred passes more");
  command->add_option("--out", a->out,
                      "Folder for outputs and report: absent, empty or an earlier run");
  command->add_option("--mem-limit", a->mem_limit,
                      "Memory to stay below, such as 500M or 2G: fewer heads at a time, then fewer "
                      "threads, or exit 4 before it starts");
  command->add_option("--shard", a->shard,
                      "I/N: only the I-th of N shards, from 1, into --out; ulpscope merge joins "
                      "them");
  command->add_flag("--resume", a->resume,
                    "Go on where an earlier run of this command into --out was stopped");
  command
      ->add_option("--device", a->device,
                   "cpu, or cuda: the forward pass on the graphics card, with the same bits; for "
                   "--log none")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
