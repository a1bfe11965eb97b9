#include "problem_options.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/recorded_facts.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <thread>

#include "terminal.hpp"
#include <fmt/format.h>

namespace ulpscope::cli {

namespace {

// "q=NAME,k=NAME" pieces into a map.
std::map<std::string, std::string> parse_map(const std::vector<std::string>& pieces) {
  std::map<std::string, std::string> result;
  for (const auto& piece : pieces) {
    const auto equals = piece.find('=');
    const auto role = piece.substr(0, equals);
    if (equals == std::string::npos || (role != "q" && role != "k" && role != "v" && role != "do" &&
                                        role != "bias" && role != "x")) {
      throw Error(
          ErrorKind::usage,
          fmt::format("--map {}: expected q=NAME, k=NAME, v=NAME, do=NAME or bias=NAME", piece));
    }
    result[role] = piece.substr(equals + 1);
  }
  return result;
}

// "q=0.5,v=2" pieces into factors.
DescaleFactors parse_descale(const std::vector<std::string>& pieces) {
  DescaleFactors factors;
  for (const auto& piece : pieces) {
    double number = 0;
    const char* const end = piece.data() + piece.size();
    const auto [stop, error] =
        std::from_chars(piece.data() + std::min<size_t>(2, piece.size()), end, number);
    double* const factor = piece.starts_with("q=")   ? &factors.q
                           : piece.starts_with("k=") ? &factors.k
                           : piece.starts_with("v=") ? &factors.v
                                                     : nullptr;
    if (factor == nullptr || error != std::errc{} || stop != end) {
      throw Error(ErrorKind::usage,
                  fmt::format("--descale {}: expected q=NUMBER, k=NUMBER or v=NUMBER", piece));
    }
    *factor = number;
  }
  return factors;
}

// --causal, and --window beside it: causal hides what lies after the diagonal.
Mask mask_of(const ProblemArguments& a) {
  Mask mask = no_mask;
  if (!a.window.empty()) mask = {.left = a.window[0], .right = a.window[1]};
  if (a.causal) mask.right = 0;
  return mask;
}

std::optional<RopeStep> rope_of(const ProblemArguments& a) {
  if (a.rope.empty()) return std::nullopt;
  if (!names_inputs(a)) {
    throw Error(ErrorKind::usage,
                fmt::format("--rope {}: expected a file, whose q and k are rotated", a.rope));
  }
  RopeStep step{.recipe = a.rope, .base = a.rope_base};
  if (!a.rope_shift.empty()) step.row = a.rope_shift[0];
  if (a.rope_shift.size() > 1) step.key = a.rope_shift[1];
  return step;
}

void add_rope_options(CLI::App& command, ProblemArguments& a) {
  auto* const rope = command.add_option(
      "--rope", a.rope,
      "Rotate Q and K by position before the pass: fp32, cast (to bf16, once) or hf-bf16");
  command.add_option("--rope-base", a.rope_base, "Base of the frequencies; 10000 by default")
      ->needs(rope);
  command
      .add_option("--rope-shift", a.rope_shift,
                  "Position of the first row and key, S, or of each, Q,K; 0 by default")
      ->delimiter(',')
      ->expected(1, 2)
      ->needs(rope);
}

void add_tensor_options(CLI::App& command, ProblemArguments& a, const std::string& input) {
  command.add_option(input, a.input, "File or folder that holds q, k and v");
  command.add_option("--q", a.q, "Q as FILE or FILE:TENSOR, instead of INPUT");
  command.add_option("--k", a.k, "K as FILE or FILE:TENSOR");
  command.add_option("--v", a.v, "V as FILE or FILE:TENSOR");
  command.add_option("--do", a.dout, "dO, the gradient of O: asks for dQ, dK and dV too");
  command.add_option("--bias", a.bias, "Attention bias, added to the scaled scores");
  command
      .add_option("--map", a.map, "Names of the tensors: q=NAME,k=NAME,v=NAME,do=NAME,bias=NAME")
      ->delimiter(',');
  command.add_option("--format", a.format,
                     "What the bits mean where the file does not say (uint8, uint16); with --cast, "
                     "the format to work in");
  command.add_option("--layout", a.layout,
                     "Order of the axes: hsd, shd, bhsd, bshd or sbhd; needed for four axes");
  command.add_option("--cast", a.cast,
                     "Round wider inputs to --format by this mode (rne, rz, ...)");
  command.add_flag("--mmap", a.mmap,
                   "Read .npy and .safetensors through a memory map; a file that shrinks meanwhile "
                   "kills the process");
  command.add_flag("--no-metadata", a.no_metadata,
                   "Do not take kernel, mask, scale and launch from the metadata of INPUT");
  add_rope_options(command, a);
}

}  // namespace

void add_problem_options(CLI::App& command, ProblemArguments& a, const std::string& input) {
  add_tensor_options(command, a, input);
  command.add_flag("--causal", a.causal,
                   "Causal mask, aligned as the kernel does (fa2: bottom right, others: top left)");
  command
      .add_option("--window", a.window,
                  "Keys that a row sees before and after its diagonal, -1 for all: L,R")
      ->delimiter(',')
      ->expected(2);
  command.add_option("--scale", a.scale, "Softmax scale; default 1/sqrt(head size)");
  command.add_option(
      "--softcap", a.softcap,
      "C: scaled scores x become C tanh(x / C); kernels that take it: exact, kernel");
  command.add_option("--alibi", a.alibi,
                     "FILE of a slope a head, taken off times the distance from the diagonal; or "
                     "default, the slopes 2^(-8 i / heads)");
  command
      .add_option("--descale", a.descale,
                  "Factors of the codes of Q, K and V, for kernels of 8-bit formats: q=X,k=Y,v=Z")
      ->delimiter(',');
  command
      .add_option("--launch", a.launch,
                  "Batch and heads of the whole GPU launch, where the dump is a slice of it: B,H")
      ->delimiter(',')
      ->expected(2);
  command.add_option("--sms", a.sms, "Multiprocessors, instead of the chip's")
      ->check(CLI::Range(1, 4096));
  command.add_option("--parts", a.parts,
                     "Parts that the keys are split into, instead of the kernel's rule; 1: never, "
                     "as packed sequences");
  command.add_flag("--no-backward", a.no_backward,
                   "Forward pass only, even if the input has a tensor 'do'");
  command.add_flag("--no-bias", a.no_bias, "No bias, even if the input has a tensor 'bias'");
  command.add_flag("--unordered", a.unordered,
                   "Gradients of a call that asks for no fixed order of their sums, as PyTorch and "
                   "flash-attn do unless told");
  command.add_option("--threads", a.threads, "Threads; default: all")->check(CLI::Range(1, 1024));
}

bool names_inputs(const ProblemArguments& a) {
  return !(a.input + a.q + a.k + a.v + a.dout + a.bias).empty();
}

ProblemOptions options_of(const ProblemArguments& a) {
  if (a.input.empty() && (a.q.empty() || a.k.empty() || a.v.empty())) {
    throw Error(ErrorKind::usage, "expected INPUT, or all of --q, --k and --v");
  }
  ProblemOptions options = options_of_drawn(a);
  if (a.no_metadata) return options;
  const std::string taken = take_recorded_facts(options);
  if (!taken.empty()) note(fmt::format("{}: {}, as recorded", a.input, taken));
  return options;
}

ProblemOptions options_of_drawn(const ProblemArguments& a) {
  ProblemOptions o;
  o.inputs.input = a.input;
  for (const auto& [role, file] : {std::pair{"q", a.q}, std::pair{"k", a.k}, std::pair{"v", a.v},
                                   std::pair{"do", a.dout}, std::pair{"bias", a.bias}}) {
    if (!file.empty()) o.inputs.files[role] = file;
  }
  o.inputs.names = parse_map(a.map);
  if (!a.format.empty()) o.inputs.format = format_named(a.format);
  if (!a.layout.empty()) o.inputs.layout = layout_named(a.layout);
  if (!a.cast.empty()) o.inputs.cast = rounding_named(a.cast);
  o.rope = rope_of(a);
  o.inputs.access = a.mmap ? FileAccess::map : FileAccess::calls;
  o.mask = mask_of(a);
  o.backward = a.no_backward ? BackwardChoice::off : BackwardChoice::if_given;
  o.scale = a.scale;
  o.softcap = a.softcap;
  o.alibi = a.alibi;
  o.bias = a.no_bias ? BiasChoice::off : BiasChoice::if_given;
  o.descale = parse_descale(a.descale);
  if (!a.launch.empty()) o.launch = {a.launch[0], a.launch[1]};
  o.multiprocessors = a.sms;
  o.parts = a.parts;
  o.gradient_order = a.unordered ? GradientOrder::any : GradientOrder::fixed;
  return o;
}

int threads_of(const ProblemArguments& a) {
  return a.threads > 0 ? a.threads
                       : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace ulpscope::cli
