// ulpscope verify: the models of the hardware against the graphics card of this machine, or our own
// kernels on it against the emulator.
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/compare/forward_check.hpp"
#include "ulpscope/gpu.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/run/kernel_check.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>
#include <memory>

#include "command.hpp"
#include "terminal.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope::cli {

namespace {

struct Arguments {
  std::string chip;
  std::string out;
  std::string date;
  uint64_t count = 1'000'000'000;
  int64_t kernels = 0;
  uint64_t seed = 1;
  uint64_t emulator = 0;
  int threads = 1;
  bool json = false;
};

// "9.0" is the row sm90.
std::string row_of(const gpu::Device& device) {
  std::string digits = device.compute_capability;
  digits.erase(std::remove(digits.begin(), digits.end(), '.'), digits.end());
  return "sm" + digits;
}

std::string line(const gpu::ModelCheck& check) {
  std::string text = fmt::format("{:<36} {:>14} {:>14}", check.model, grouped(check.tried),
                                 grouped(check.differences));
  if (!check.first.empty()) text += "  first " + check.first;
  if (!check.remark.empty()) text += "  " + check.remark;
  return text + "\n";
}

std::string line(const KernelCheck& check) {
  const ComparedTensor all = check.all();
  std::string text = fmt::format("{:<40} {:>8} {:>14} {:>14}", check.kernel,
                                 grouped(static_cast<uint64_t>(check.problems)),
                                 grouped(all.values), grouped(all.differences));
  if (!check.first.empty()) text += "  first " + check.first;
  return text + "\n";
}

std::string origin(const gpu::Device& device) {
  return fmt::format("{}, compute capability {}, driver {}, CUDA {}, nvcc {}", visible(device.name),
                     device.compute_capability, device.driver, device.runtime, device.toolkit);
}

std::string heading(const gpu::Device& device, const Chip& chip) {
  return fmt::format("{}; rows of {}\n\n{:<36} {:>14} {:>14}\n", origin(device), chip.name, "model",
                     "tried", "differences");
}

nlohmann::json header_json(const Arguments& arguments, const std::string& command,
                           const gpu::Device& device) {
  nlohmann::json result = summary_header("verification", command);
  result["schema"] = "ulpscope.verification/1";
  if (!arguments.date.empty()) result["date"] = arguments.date;
  result["device"] = {{"name", device.name},
                      {"compute_capability", device.compute_capability},
                      {"driver", device.driver},
                      {"runtime", device.runtime},
                      {"toolkit", device.toolkit}};
  return result;
}

nlohmann::json kernel_json(const KernelCheck& check) {
  nlohmann::json tensors = nlohmann::json::object();
  for (const auto& tensor : check.tensors) {
    tensors[std::string(tensor.name)] = {{"values", tensor.values},
                                         {"differences", tensor.differences}};
  }
  nlohmann::json kernel{{"kernel", check.kernel},
                        {"problems", check.problems},
                        {"values", check.all().values},
                        {"differences", check.all().differences},
                        {"tensors", std::move(tensors)}};
  if (!check.first.empty()) kernel["first"] = check.first;
  return kernel;
}

nlohmann::json as_json(const Arguments& arguments, const std::string& command,
                       const gpu::Device& device, const Chip& chip,
                       const std::vector<gpu::ModelCheck>& checks) {
  nlohmann::json result = header_json(arguments, command, device);
  result["chip"] = std::string(chip.name);
  result["models"] = nlohmann::json::array();
  for (const auto& check : checks) {
    nlohmann::json model{
        {"model", check.model}, {"tried", check.tried}, {"differences", check.differences}};
    if (!check.first.empty()) model["first"] = check.first;
    if (!check.remark.empty()) model["remark"] = check.remark;
    result["models"].push_back(model);
  }
  return result;
}

// What is written and printed at the end, and the exit code.
int finish(const Arguments& arguments, const nlohmann::json& result, size_t differ, size_t all,
           std::string_view what) {
  if (!arguments.out.empty()) write_file_atomically(arguments.out, result.dump(1) + "\n");
  print(arguments.json ? result.dump(1) + "\n"
                       : fmt::format("\n{}: {} of {} {}\n", differ == 0 ? "VERIFIED" : "DIFFERENT",
                                     all - differ, all, what));
  return differ == 0 ? exit_done : exit_different;
}

int run_kernels(const Arguments& arguments, const Context& context) {
  const gpu::Device device = gpu::device();
  if (!arguments.json) {
    print(fmt::format("{}; recipe fa2-torch\n\n{:<40} {:>8} {:>14} {:>14}\n", origin(device),
                      "kernel", "problems", "values", "differences"));
  }
  KernelCheckOptions options{.forward = gpu::forward,
                             .backward = gpu::backward,
                             .problems = arguments.kernels,
                             .seed = arguments.seed,
                             .stop = context.interrupted};
  if (!arguments.json) options.each = [](const KernelCheck& check) { print(line(check)); };
  const auto checks = check_kernels(options);
  if (context.interrupted->load()) {
    note("interrupted");
    return exit_interrupted;
  }
  nlohmann::json result = header_json(arguments, context.command_line, device);
  result["seed"] = arguments.seed;
  result["kernels"] = nlohmann::json::array();
  for (const auto& check : checks) result["kernels"].push_back(kernel_json(check));
  const auto differ = static_cast<size_t>(std::count_if(
      checks.begin(), checks.end(), [](const auto& check) { return check.all().differences > 0; }));
  return finish(arguments, result, differ, checks.size(), "kernels give every bit of the emulator");
}

// The emulator on the card against that of the host, a line a kernel.
std::vector<gpu::ModelCheck> verify_emulator(const Arguments& arguments, const Context& context) {
  std::vector<gpu::ModelCheck> checks;
  const auto kernels = check_forward(
      gpu::run_forward,
      {.problems = arguments.emulator, .threads = arguments.threads, .stop = context.interrupted});
  for (const ForwardCheck& kernel : kernels) {
    checks.push_back({.model = fmt::format("attention {}", kernel.kernel),
                      .tried = kernel.elements,
                      .differences = kernel.differences,
                      .first = kernel.first});
    if (!arguments.json) print(line(checks.back()));
  }
  return checks;
}

int run(const Arguments& arguments, const Context& context) {
  if (arguments.kernels > 0) return run_kernels(arguments, context);
  const gpu::Device device = gpu::device();
  const Chip& chip = chip_named(arguments.chip.empty() ? row_of(device) : arguments.chip);
  if (!arguments.json) print(heading(device, chip));
  gpu::VerifyOptions options{.chip = chip,
                             .sums = arguments.count,
                             .triples = arguments.count,
                             .stop = context.interrupted};
  if (!arguments.json) options.each = [](const gpu::ModelCheck& check) { print(line(check)); };
  const auto checks =
      arguments.emulator > 0 ? verify_emulator(arguments, context) : gpu::verify(options);
  if (context.interrupted->load()) {
    note("interrupted");
    return exit_interrupted;
  }
  const auto differ = static_cast<size_t>(std::count_if(
      checks.begin(), checks.end(), [](const auto& check) { return check.differences > 0; }));
  const auto result = as_json(arguments, context.command_line, device, chip, checks);
  return finish(arguments, result, differ, checks.size(),
                arguments.emulator > 0 ? "kernels give every bit of the host"
                                       : "models give every bit of the card");
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand(
      "verify",
      "The models of the hardware against the graphics card of this machine, bit by bit.\n"
      "\n"
      "  ulpscope verify\n"
      "  ulpscope verify --count 10000000000 --date 2026-11-22 --out verification.json\n"
      "  ulpscope verify --kernels 200\n"
      "\n"
      "Special functions and conversions on all operands; arithmetic and tensor cores on COUNT "
      "each.\n"
      "Where a tensor core has no row that fits, the rows beside it are tried.\n"
      "With --kernels: our own attention kernels instead, against the emulator.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--chip", a->chip,
                      "Row to hold against the card, if not its own (`ulpscope chips`)");
  command->add_option("--count", a->count, "Random operands or outputs of each instruction")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--kernels", a->kernels,
                   "Every number that our kernels compute, on so many random problems each")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}));
  command->add_option("--seed", a->seed, "Of those problems")->capture_default_str();
  command
      ->add_option("--emulator", a->emulator,
                   "Instead: attention --device cuda against the host, on so many problems "
                   "drawn at random")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->excludes("--kernels");
  command->add_option("--threads", a->threads, "Of the host's part")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--date", a->date,
                      "Written into the result; a machine's clock proves nothing");
  command->add_option("--out", a->out, "Write the result to this file, as one JSON object");
  command->add_flag("--json", a->json, "Print one JSON object");
  command->callback([a, &context] { context.run = [a, &context] { return run(*a, context); }; });
}

}  // namespace ulpscope::cli
