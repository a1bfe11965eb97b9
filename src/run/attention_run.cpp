#include "ulpscope/run/attention_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

struct KernelAndChip {
  const Recipe& recipe;
  const Chip& chip;
};

// NAME or NAME@CHIP.
KernelAndChip parse_kernel(const std::string& text) {
  const auto at = text.find('@');
  const Recipe& recipe = recipe_named(text.substr(0, at));
  return {recipe, chip_named(at == std::string::npos ? "h200" : text.substr(at + 1))};
}

void apply_tile(const AttentionOptions& options, Plan& plan) {
  if (!options.tile) return;
  const auto [rows, keys] = *options.tile;
  constexpr int64_t largest = 4096;
  if (rows < 1 || rows > largest || keys < 32 || keys > largest || keys % 32 != 0) {
    throw Error(ErrorKind::usage,
                fmt::format("--tile {},{}: expected 1 to {} rows and a multiple of "
                            "32 keys up to {}",
                            rows, keys, largest, largest));
  }
  const int64_t block = plan.recipe->mask_block;
  if (block != 0 && (block % rows != 0 || block % keys != 0)) {
    throw Error(ErrorKind::usage,
                fmt::format("--tile {},{}: expected divisors of {}, the mask block of kernel {}",
                            rows, keys, block, plan.recipe->name));
  }
  plan.tile_rows = rows;
  plan.tile_keys = keys;
  plan.parts = std::min(plan.parts, plan.key_tiles());
}

void apply_delta_layout(const AttentionOptions& options, std::optional<BackwardPlan>& plan) {
  if (options.delta_layout.empty()) return;
  if (!plan) {
    throw Error(ErrorKind::usage, fmt::format("--delta-layout {}: expected a tensor 'do', without "
                                              "which there is no backward pass",
                                              options.delta_layout));
  }
  take_delta_layout(*plan, options.delta_layout);
}

// Tensors of one file of the output folder.
using Tensors = std::vector<Tensor>;

void add_gradients(const Plan& plan, const ProblemOperands& operands,
                   const JudgedGradients& gradients, Tensors& outputs, Tensors& errors) {
  const auto element = [&](Site site) { return element_for(plan.map[site].format); };
  const auto add = [&](const std::string& name, Element stored, const Operand16& like, int64_t dim,
                       const JudgedTensor& tensor) {
    outputs.push_back(laid_out(name, stored, like, dim, tensor.codes));
    errors.push_back(laid_out(name + "_ulp", Element::fp32, like, dim, tensor.ulp));
  };
  const int64_t dim = plan.problem.dim;
  add("dq", element(Site::dq_store), operands.q, dim, gradients.dq);
  add("dk", element(Site::dk_store), operands.k, dim, gradients.dk);
  add("dv", element(Site::dv_store), operands.v, dim, gradients.dv);
  add("delta", Element::fp32, operands.q, 0, gradients.delta);
}

void write_folder(const OutputFolder& folder, const Plan& plan, const ProblemOperands& operands,
                  const JudgedRun& run, const std::optional<JudgedGradients>& gradients,
                  const nlohmann::json& summary) {
  const Operand16& q = operands.q;
  const Format& o_format = plan.map[Site::output_store].format;
  const int64_t dim = plan.problem.dim;
  std::map<std::string, std::string> metadata{{"layout", layout_name(q.layout)},
                                              {"o_format", format_name(o_format)}};
  Tensors outputs{laid_out("o", element_for(o_format), q, dim, run.o),
                  laid_out("lse", Element::fp32, q, 0, run.lse)};
  Tensors errors{laid_out("o_ulp", Element::fp32, q, dim, run.o_ulp),
                 laid_out("lse_ulp", Element::fp32, q, 0, run.lse_ulp)};
  if (gradients) {
    for (const auto& [name, site] :
         {std::pair{"dq_format", Site::dq_store}, std::pair{"dk_format", Site::dk_store},
          std::pair{"dv_format", Site::dv_store}}) {
      metadata[name] = format_name(plan.map[site].format);
    }
    add_gradients(plan, operands, *gradients, outputs, errors);
  }
  write_safetensors(folder.path() / "outputs.safetensors", outputs, metadata);
  write_safetensors(folder.path() / "errors.safetensors", errors, metadata);
  write_file_atomically(folder.path() / "summary.json", summary.dump(1) + "\n");
  write_file_atomically(folder.path() / "report.html", html_report(summary));
}

// What the kernel can compute of the problem: gradients only where it has a backward pass here.
ProblemOptions possible_part(const AttentionOptions& options, const Recipe& recipe) {
  ProblemOptions possible = options;
  if (recipe.backward == nullptr && has_dout(options)) {
    if (options.inputs.files.contains("do")) {
      throw Error(
          ErrorKind::usage,
          fmt::format("--do: kernel {} has no backward pass; expected another kernel, or no "
                      "--do",
                      recipe.name));
    }
    possible.backward = BackwardChoice::off;
    if (options.note) {
      options.note(
          fmt::format("the input has a tensor 'do'; kernel {} has no backward pass here, "
                      "so only the forward pass is computed",
                      recipe.name));
    }
  }
  return possible;
}

}  // namespace

std::optional<nlohmann::json> run_attention(const AttentionOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = parse_kernel(options.kernel);
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const ProblemOperands operands = load_operands(possible_part(options, recipe));
  Problem problem = problem_of(options, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  Plan plan = make_plan(recipe, chip, problem, options.overrides);
  apply_tile(options, plan);
  std::optional<BackwardPlan> backward_plan;
  if (operands.dout) backward_plan = make_backward_plan(plan, problem);
  apply_delta_layout(options, backward_plan);

  const int64_t tiles = tile_count(plan);
  const int64_t all = tiles + (backward_plan ? problem.batch * problem.heads : 0);
  const auto judged_options = [&](int64_t before) {
    return JudgedOptions{.threads = options.threads,
                         .progress =
                             [&options, before, all](int64_t done) {
                               if (options.progress) options.progress(before + done, all);
                             },
                         .stop = options.stop};
  };
  const JudgedRun run = run_judged(plan, judged_options(0));
  if (!run.complete) return std::nullopt;
  std::optional<JudgedGradients> gradients;
  if (backward_plan) {
    gradients =
        run_judged_gradients(*backward_plan, operands.dout->codes, run, judged_options(tiles));
    if (!gradients->complete) return std::nullopt;
  }
  const nlohmann::json summary = attention_summary(
      options.command, plan, options.overrides, operands, run, gradients ? &*gradients : nullptr);
  if (folder) {
    write_folder(*folder, plan, operands, run, gradients, summary);
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
