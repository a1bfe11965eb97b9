// ulpscope attention: simulate a kernel on dumped tensors.
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/attention_run.hpp"

#include <memory>
#include <thread>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string input, q, k, v, dout;
  std::string format, layout, cast;
  std::vector<std::string> map, set;
  std::string kernel = "fa2-torch@h200";
  bool causal = false;
  bool no_backward = false;
  bool json = false;
  std::optional<double> scale;
  std::vector<int64_t> launch, tile, window;
  int64_t parts = 0;
  std::optional<int> sms;
  int threads = 0;
  std::string out;
};

// "q=NAME,k=NAME" pieces into a map.
std::map<std::string, std::string> parse_map(const std::vector<std::string>& pieces) {
  std::map<std::string, std::string> result;
  for (const auto& piece : pieces) {
    const auto equals = piece.find('=');
    const auto role = piece.substr(0, equals);
    if (equals == std::string::npos ||
        (role != "q" && role != "k" && role != "v" && role != "do")) {
      throw Error(ErrorKind::usage,
                  fmt::format("--map {}: expected q=NAME, k=NAME, v=NAME or do=NAME", piece));
    }
    result[role] = piece.substr(equals + 1);
  }
  return result;
}

// --causal, and --window beside it: causal hides what lies after the diagonal.
Mask mask_of(const Arguments& a) {
  Mask mask = no_mask;
  if (!a.window.empty()) mask = {.left = a.window[0], .right = a.window[1]};
  if (a.causal) mask.right = 0;
  return mask;
}

AttentionOptions options_of(const Arguments& a, const Context& context) {
  AttentionOptions o;
  o.inputs.input = a.input;
  for (const auto& [role, file] :
       {std::pair{"q", a.q}, std::pair{"k", a.k}, std::pair{"v", a.v}, std::pair{"do", a.dout}}) {
    if (!file.empty()) o.inputs.files[role] = file;
  }
  if (a.input.empty() && (a.q.empty() || a.k.empty() || a.v.empty())) {
    throw Error(ErrorKind::usage, "expected INPUT, or all of --q, --k and --v");
  }
  o.inputs.names = parse_map(a.map);
  if (!a.format.empty()) o.inputs.format = format_named(a.format);
  if (!a.layout.empty()) o.inputs.layout = layout_named(a.layout);
  if (!a.cast.empty()) o.inputs.cast = rounding_named(a.cast);
  o.kernel = a.kernel;
  o.mask = mask_of(a);
  o.parts = a.parts;
  o.backward = a.no_backward ? BackwardChoice::off : BackwardChoice::if_given;
  o.scale = a.scale;
  if (!a.launch.empty()) o.launch = {a.launch[0], a.launch[1]};
  if (!a.tile.empty()) o.tile = TileOverride{a.tile[0], a.tile[1]};
  o.multiprocessors = a.sms;
  for (const auto& text : a.set) o.overrides.push_back(parse_override(text));
  o.threads = a.threads > 0 ? a.threads
                            : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  o.out = a.out;
  o.command = context.command_line;
  o.note = note;
  o.stop = context.interrupted;
  return o;
}

int run(const Arguments& arguments, const Context& context) {
  auto options = options_of(arguments, context);
  std::optional<nlohmann::json> summary;
  {
    Progress progress("attention");
    options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    summary = run_attention(options);
  }
  if (!summary) {
    note("interrupted; nothing was written");
    return exit_interrupted;
  }
  print(arguments.json ? summary->dump(1) + "\n" : text_summary(*summary));
  if (!options.out.empty()) note(fmt::format("wrote {}/report.html", options.out));
  return exit_done;
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
  command->add_option("INPUT", a->input, "File or folder that holds q, k and v");
  command->add_option("--q", a->q, "Q as FILE or FILE:TENSOR, instead of INPUT");
  command->add_option("--k", a->k, "K as FILE or FILE:TENSOR");
  command->add_option("--v", a->v, "V as FILE or FILE:TENSOR");
  command->add_option("--do", a->dout, "dO, the gradient of O: asks for dQ, dK and dV too");
  command->add_option("--map", a->map, "Names of the tensors: q=NAME,k=NAME,v=NAME,do=NAME")
      ->delimiter(',');
  command->add_option(
      "--format", a->format,
      "What the bits mean where the file does not say (uint8, uint16); with --cast, "
      "the format to work in");
  command->add_option("--layout", a->layout,
                      "Order of the axes: hsd, shd, bhsd, bshd or sbhd; needed for four axes");
  command->add_option("--cast", a->cast,
                      "Round wider inputs to --format by this mode (rne, rz, ...)");
  command->add_option("--kernel", a->kernel, "NAME[@CHIP]; see ulpscope kernels, ulpscope chips")
      ->capture_default_str();
  command->add_flag(
      "--causal", a->causal,
      "Causal mask, aligned as the kernel does (fa2: bottom right, others: top left)");
  command
      ->add_option("--window", a->window,
                   "Keys that a row sees before and after its diagonal, -1 for all: L,R")
      ->delimiter(',')
      ->expected(2);
  command->add_option("--parts", a->parts,
                      "Parts that the keys are split into, instead of the kernel's rule; 1: never, "
                      "as packed sequences");
  command->add_option("--scale", a->scale, "Softmax scale; default 1/sqrt(head size)");
  command
      ->add_option("--launch", a->launch,
                   "Batch and heads of the whole GPU launch, where the dump is a slice of it: B,H")
      ->delimiter(',')
      ->expected(2);
  command->add_option("--sms", a->sms, "Multiprocessors, instead of the chip's");
  command->add_option("--tile", a->tile, "Rows and keys of a tile, instead of the kernel's: BM,BN")
      ->delimiter(',')
      ->expected(2);
  command->add_option("--set", a->set,
                      "Round a site otherwise: SITE=FORMAT[:MODE[:sat]]; may be given again");
  command->add_flag("--no-backward", a->no_backward,
                    "Forward pass only, even if the input has a tensor 'do'");
  command->add_option("--threads", a->threads, "Threads; default: all")->check(CLI::Range(1, 1024));
  command->add_option("--out", a->out,
                      "Folder for outputs and report: absent, empty or an earlier run");
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
