// ulpscope gemm: a matrix product as a library's kernel computes it.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/gemm_run.hpp"

#include <filesystem>
#include <memory>
#include <thread>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

using nlohmann::json;

struct Arguments {
  std::string a, b, format, out_format, out, compare;
  std::string kernel = "cublas-bf16@h200";
  std::optional<double> scale_a, scale_b;
  int64_t split_k = 1;
  std::vector<std::string> chips;
  int threads = 0;
  bool json = false;
};

std::string joined(const json& numbers) {
  std::string text;
  for (const auto& x : numbers) text += fmt::format("{}{}", text.empty() ? "" : ", ", x.dump());
  return text;
}

// What was multiplied, how k was cut, and what of it no recording holds.
std::string product_text(const json& summary) {
  const json& product = summary["product"];
  std::string text = fmt::format(
      "{} on {}: D = A.B^T, {} x {}, k = {}{}\n", summary["kernel"]["name"].get<std::string>(),
      summary["kernel"]["chip"].get<std::string>(), product["rows"].get<int64_t>(),
      product["columns"].get<int64_t>(), product["k"].get<int64_t>(),
      product["parts"].size() > 1 ? " in parts of " + joined(product["parts"]) : "");
  for (const auto& note : product["notes"]) {
    text += fmt::format("note: {}\n", note.get<std::string>());
  }
  return text;
}

// One line a chip: its error is in the table of outputs, here are its bits against the others'.
std::string chips_text(const json& summary) {
  const json& chips = summary["chips"];
  std::string text;
  if (chips.size() > 1) {
    text += fmt::format("\n{:<10} {:>5} {:>9} {:>11} {:>22}", "output", "terms", "grid bits",
                        "not nearest", "different bits against");
    for (const auto& chip : chips) text += fmt::format(" {:>9}", chip["output"].get<std::string>());
    text += "\n";
  }
  for (size_t i = 0; chips.size() > 1 && i < chips.size(); ++i) {
    text += fmt::format("{:<10} {:>5} {:>9} {:>11} {:>22}", chips[i]["output"].get<std::string>(),
                        chips[i]["terms"].get<int>(), chips[i]["fraction_bits"].get<int>(),
                        compact(summary["outputs"][i]["not_nearest"].get<uint64_t>()), "");
    for (const auto& count : chips[i]["different_bits"]) {
      text += fmt::format(" {:>9}", compact(count.get<uint64_t>()));
    }
    text += "\n";
  }
  std::string unable;
  for (const auto& name : summary["chips_without_format"]) {
    unable += (unable.empty() ? "" : ", ") + name.get<std::string>();
  }
  if (!unable.empty()) {
    text += fmt::format("not computed: {}, whose rows have no {} (ulpscope chips)\n", unable,
                        summary["inputs"][0]["format"].get<std::string>());
  }
  return text;
}

GemmOptions options_of(const Arguments& a, const Context& context) {
  GemmOptions o{.a = a.a,
                .b = a.b,
                .kernel = a.kernel,
                .scale_a = a.scale_a,
                .scale_b = a.scale_b,
                .split_k = a.split_k,
                .chips = a.chips,
                .out = a.out,
                .compare = a.compare,
                .command = context.command_line,
                .stop = context.interrupted};
  if (!a.format.empty()) o.format = format_named(a.format);
  if (!a.out_format.empty()) o.output = format_named(a.out_format);
  o.threads = a.threads > 0 ? a.threads
                            : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return o;
}

int run(const Arguments& arguments, const Context& context) {
  auto options = options_of(arguments, context);
  std::optional<json> summary;
  {
    Progress progress("gemm");
    options.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    summary = run_gemm(options);
  }
  if (!summary) {
    note("interrupted; nothing was written");
    return exit_interrupted;
  }
  print(arguments.json
            ? summary->dump(1) + "\n"
            : product_text(*summary) + "\n" + text_summary(*summary) + chips_text(*summary));
  if (!options.out.empty()) note(fmt::format("wrote {}", options.out));
  return (*summary)["verdict"]["status"] == "different" ? exit_different : exit_done;
}

}  // namespace

void add_gemm(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "gemm",
      "Multiply two matrices as a library's kernel does, bit for bit: D = A.B^T.\n"
      "\n"
      "  ulpscope gemm x.npz:a x.npz:b --format bf16 --compare x.npz:d\n"
      "  ulpscope gemm x.npz:a x.npz:b --format e4m3fn --kernel cublaslt-e4m3 --chips all\n"
      "  ulpscope gemm a.npy b.npy --format bf16 --split-k 3 --out run\n"
      "\n"
      "Kernels: cublas-bf16, cublas-fp16, cublaslt-e4m3-fast, cublaslt-e4m3.\n"
      "Exit code 1 where --compare finds different bits.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("A", a->a, "FILE or FILE:TENSOR, M x K")->required();
  command->add_option("B", a->b, "FILE or FILE:TENSOR, N x K")->required();
  command->add_option("--kernel", a->kernel, "NAME[@CHIP]; see ulpscope kernels, ulpscope chips")
      ->capture_default_str();
  command->add_option("--format", a->format, "What the bits mean where a file does not say");
  command->add_option("--scale-a", a->scale_a, "Factor of A, rounded to binary32; e4m3 kernels");
  command->add_option("--scale-b", a->scale_b, "Factor of B");
  command->add_option("--split-k", a->split_k, "Parts that k is cut into, at multiples of 64")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--out-format", a->out_format, "Format of D; the kernel's own if left out");
  command->add_option("--chips", a->chips, "The same product on these chips too: a,b,c or all")
      ->delimiter(',');
  command->add_option("--compare", a->compare, "FILE or FILE:TENSOR that D is compared with");
  command->add_option("--threads", a->threads, "Threads; default: all")->check(CLI::Range(1, 1024));
  command->add_option("--out", a->out,
                      "Folder for outputs and report, or a .safetensors file for D alone");
  command->add_flag("--json", a->json, "Print summary.json instead of the table");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
