#include "ulpscope/run/attention_run.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/compare/judged_gradients.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <cmath>
#include <cstring>

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

struct Operands {
  Operand16 q;
  Operand16 k;
  Operand16 v;
  std::optional<Operand16> dout;  // where the gradients are asked for
};

std::string described(const Operand16& x) {
  return fmt::format("{}: {} is {} ({}), {}", x.file, in_quotes(x.tensor), shape_text(x.shape),
                     layout_name(x.layout), format_name(x.format));
}

void require_agreement(const Operands& o) {
  const auto fail = [&](const Operand16& other, const std::string& expected) {
    throw Error(ErrorKind::input,
                fmt::format("{}; {}: expected {}", described(o.q), described(other), expected));
  };
  for (const Operand16* other : {&o.k, &o.v}) {
    if (other->format != o.q.format) fail(*other, "the format of q");
    if (other->sizes[0] != o.q.sizes[0]) fail(*other, fmt::format("batch {}", o.q.sizes[0]));
    if (other->sizes[3] != o.q.sizes[3]) fail(*other, fmt::format("dim {}", o.q.sizes[3]));
    if (other->sizes[1] == 0 || o.q.sizes[1] % other->sizes[1] != 0) {
      fail(*other, fmt::format("a number of heads that divides {}", o.q.sizes[1]));
    }
  }
  if (o.dout) {
    if (o.dout->format != o.q.format) fail(*o.dout, "the format of q");
    if (o.dout->sizes != o.q.sizes) fail(*o.dout, "the sizes of q");
  }
  if (o.v.sizes != o.k.sizes) {
    throw Error(ErrorKind::input,
                fmt::format("{}; {}: expected equal sizes", described(o.k), described(o.v)));
  }
}

uint32_t scale_bits(const AttentionOptions& options, int64_t dim) {
  if (!options.scale) return default_scale(dim);
  const auto scale = Soft<fp32>(*options.scale).bits();
  if (!is_finite(fp32, scale) || is_negative(fp32, scale) || is_zero(fp32, scale)) {
    throw Error(ErrorKind::usage, fmt::format("--scale {}: expected a number above zero within "
                                              "binary32",
                                              *options.scale));
  }
  return scale;
}

Problem problem_of(const AttentionOptions& options, const Operands& o, const Chip& chip) {
  Problem p;
  p.batch = o.q.sizes[0];
  p.heads = o.q.sizes[1];
  p.kv_heads = o.k.sizes[1];
  p.rows = o.q.sizes[2];
  p.keys = o.k.sizes[2];
  p.dim = o.q.sizes[3];
  p.format = o.q.format;
  p.mask = options.mask;
  p.launch = {.batch = p.batch,
              .heads = p.heads,
              .multiprocessors = options.multiprocessors.value_or(chip.multiprocessors),
              .parts = options.parts};
  if (options.launch) {
    p.launch.batch = (*options.launch)[0];
    p.launch.heads = (*options.launch)[1];
  }
  p.q = o.q.codes;
  p.k = o.k.codes;
  p.v = o.v.codes;
  for (const auto& [name, size] : {std::pair{"q", p.rows * p.dim * p.heads * p.batch},
                                   std::pair{"k and v", p.keys * p.kv_heads}}) {
    if (size == 0) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: {} has no elements; expected at least one", o.q.file, name));
    }
  }
  p.scale = scale_bits(options, p.dim);
  return p;
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

// A tensor of `bytes` an element, the low bytes of each value.
template <class T>
Tensor packed(std::string name, Element element, std::vector<int64_t> shape,
              const std::vector<T>& values) {
  Tensor tensor = make_tensor({std::move(name), element, std::move(shape)});
  const size_t size = element_bytes(element);
  for (size_t i = 0; i < values.size(); ++i) {
    std::memcpy(&tensor.bytes[i * size], &values[i], size);
  }
  return tensor;
}

// The element that holds codes of this format: its own, or unsigned integers named in metadata.
Element element_for(const Format& format) {
  if (const auto element = element_from_name(format_name(format))) return *element;
  return width(format) <= 8 ? Element::u8 : width(format) <= 16 ? Element::u16 : Element::u32;
}

// Tensors of one file of the output folder.
using Tensors = std::vector<Tensor>;

// A (batch, heads, seq, dim) tensor in the layout of an operand; `dim` 0 leaves the last axis out.
template <class T>
Tensor laid_out(std::string name, Element element, const Operand16& like, int64_t dim,
                const std::vector<T>& values) {
  auto sizes = like.sizes;
  sizes[3] = dim;
  const auto shape = shape_in_layout(sizes, like.layout);
  if (dim == 0) sizes[3] = 1;
  return packed(std::move(name), element, shape, in_layout(values, sizes, like.layout));
}

void add_gradients(const Plan& plan, const Operands& operands, const JudgedGradients& gradients,
                   Tensors& outputs, Tensors& errors) {
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

void write_folder(const OutputFolder& folder, const Plan& plan, const Operands& operands,
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

// dO, where the input has it, the kernel has a backward pass here and nobody minds.
std::optional<Operand16> load_dout(const AttentionOptions& options, const Recipe& recipe) {
  if (options.backward == BackwardChoice::off || !has_operand(options.inputs, "do")) {
    return std::nullopt;
  }
  if (recipe.backward == nullptr) {
    if (options.note) {
      options.note(
          fmt::format("the input has a tensor 'do'; kernel {} has no backward pass here, "
                      "so only the forward pass is computed",
                      recipe.name));
    }
    return std::nullopt;
  }
  return load_operand(options.inputs, "do");
}

}  // namespace

std::optional<nlohmann::json> run_attention(const AttentionOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = parse_kernel(options.kernel);
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const Operands operands{load_operand(options.inputs, "q"), load_operand(options.inputs, "k"),
                          load_operand(options.inputs, "v"), load_dout(options, recipe)};
  require_agreement(operands);
  const Problem problem = problem_of(options, operands, chip);
  Plan plan = make_plan(recipe, chip, problem, options.overrides);
  apply_tile(options, plan);
  std::optional<BackwardPlan> backward_plan;
  if (operands.dout) backward_plan = make_backward_plan(plan, problem);

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
  std::vector<const Operand16*> inputs{&operands.q, &operands.k, &operands.v};
  if (operands.dout) inputs.push_back(&*operands.dout);
  const nlohmann::json summary = attention_summary(options.command, plan, options.overrides, inputs,
                                                   run, gradients ? &*gradients : nullptr);
  if (folder) {
    write_folder(*folder, plan, operands, run, gradients, summary);
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
