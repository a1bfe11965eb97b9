#include "ulpscope/run/engines_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/run/engines_summary.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

// Chips by name; "all" is one of each row.
std::vector<const Chip*> chosen_chips(const std::vector<std::string>& names) {
  std::vector<const Chip*> chosen;
  for (const auto& name : names) {
    if (name != "all") {
      chosen.push_back(&chip_named(name));
      continue;
    }
    for (const auto& chip : chips) {
      if (chip.name == chip.row) chosen.push_back(&chip);
    }
  }
  return chosen;
}

// Every kernel on every chip, each once; a kernel that no chip computes is one engine.
std::vector<EngineChoice> choices_of(const EnginesOptions& options) {
  std::vector<EngineChoice> choices;
  const auto add = [&](const Recipe& recipe, const Chip& chip) {
    const EngineChoice choice{&recipe, &chip};
    const bool known = std::any_of(choices.begin(), choices.end(), [&](const auto& other) {
      return engine_name(other) == engine_name(choice);
    });
    if (!known) choices.push_back(choice);
  };
  const auto everywhere = chosen_chips(options.chips);
  for (const auto& kernel : options.kernels) {
    const auto at = kernel.find('@');
    const std::string name = kernel.substr(0, at);
    const auto where = at == std::string::npos
                           ? everywhere
                           : std::vector<const Chip*>{&chip_named(kernel.substr(at + 1))};
    for (const Recipe* recipe : recipes()) {
      if (name != "all" && recipe != &recipe_named(name)) continue;
      for (const Chip* chip : where) add(*recipe, *chip);
    }
  }
  return choices;
}

// A problem that no kernel takes: their reasons, each once.
void require_one(const std::vector<PlannedEngine>& engines) {
  std::vector<std::string> reasons;
  for (const auto& engine : engines) {
    if (engine.plan != nullptr) return;
    if (std::find(reasons.begin(), reasons.end(), engine.refusal) == reasons.end()) {
      reasons.push_back(engine.refusal);
    }
  }
  throw Error(ErrorKind::usage, engines.empty()
                                    ? std::string("expected at least one kernel and one chip")
                                    : fmt::format("{}", fmt::join(reasons, "; ")));
}

void write_folder(const OutputFolder& folder, const EnginesRecord& record,
                  const nlohmann::json& summary) {
  std::vector<Tensor> outputs;
  std::map<std::string, std::string> metadata{{"layout", layout_name(record.operands.q.layout)}};
  for (const auto& tensor : record.results.tensors) {
    const auto [like, columns] = axes_of(tensor.tensor, record.operands);
    for (const auto& output : tensor.outputs) {
      const auto name = output_name(record.engines[output.engine].choice, tensor.tensor);
      outputs.push_back(laid_out(name, element_for(output.format), like, columns, output.codes));
      metadata[name + "_format"] = format_name(output.format);
    }
  }
  write_safetensors(folder.path() / "outputs.safetensors", outputs, metadata);
  write_file_atomically(folder.path() / "summary.json", summary.dump(1) + "\n");
  write_file_atomically(folder.path() / "report.html", html_report(summary));
}

}  // namespace

std::optional<nlohmann::json> run_engine_comparison(const EnginesOptions& options) {
  const HostFpGuard guard;
  const auto choices = choices_of(options);
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const ProblemOperands operands = load_operands(options);
  EngineProblem problem{
      .problem = problem_of(options, operands), .dout = {}, .delta_layout = options.delta_layout};
  if (operands.dout) problem.dout = operands.dout->codes;
  const auto engines = plan_engines(choices, problem);
  require_one(engines);

  const int64_t all = engine_steps(engines);
  const auto results = run_engines(engines, problem,
                                   {.threads = options.threads,
                                    .logging = Logging::off,
                                    .progress =
                                        [&](int64_t done) {
                                          if (options.progress) options.progress(done, all);
                                        },
                                    .stop = options.stop});
  if (!results.complete) return std::nullopt;
  const EnginesRecord record{options.command, operands, problem.problem, engines, results};
  const nlohmann::json summary = engines_summary(record);
  if (folder) {
    write_folder(*folder, record, summary);
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
