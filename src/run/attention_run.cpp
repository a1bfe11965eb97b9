#include "ulpscope/run/attention_run.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
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
  p.mask = options.masking == Masking::causal ? causal_mask : no_mask;
  p.launch = {.batch = p.batch,
              .heads = p.heads,
              .multiprocessors = options.multiprocessors.value_or(chip.multiprocessors)};
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

void write_folder(const OutputFolder& folder, const Plan& plan, const Operand16& q,
                  const JudgedRun& run, const nlohmann::json& summary) {
  const Format& o_format = plan.map[Site::output_store].format;
  const auto o_shape = shape_in_layout(q.sizes, q.layout);
  auto lse_sizes = q.sizes;
  lse_sizes[3] = 0;
  const auto lse_shape = shape_in_layout(lse_sizes, q.layout);
  auto row_sizes = q.sizes;
  row_sizes[3] = 1;
  const std::map<std::string, std::string> metadata{{"layout", layout_name(q.layout)},
                                                    {"o_format", format_name(o_format)}};
  write_safetensors(
      folder.path() / "outputs.safetensors",
      std::array{packed("o", element_for(o_format), o_shape, in_layout(run.o, q.sizes, q.layout)),
                 packed("lse", Element::fp32, lse_shape, in_layout(run.lse, row_sizes, q.layout))},
      metadata);
  write_safetensors(
      folder.path() / "errors.safetensors",
      std::array{
          packed("o_ulp", Element::fp32, o_shape, in_layout(run.o_ulp, q.sizes, q.layout)),
          packed("lse_ulp", Element::fp32, lse_shape, in_layout(run.lse_ulp, row_sizes, q.layout))},
      metadata);
  write_file_atomically(folder.path() / "summary.json", summary.dump(1) + "\n");
  write_file_atomically(folder.path() / "report.html", html_report(summary));
}

}  // namespace

std::optional<nlohmann::json> run_attention(const AttentionOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = parse_kernel(options.kernel);
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  const Operands operands{load_operand(options.inputs, "q"), load_operand(options.inputs, "k"),
                          load_operand(options.inputs, "v")};
  require_agreement(operands);
  Plan plan = make_plan(recipe, chip, problem_of(options, operands, chip), options.overrides);
  apply_tile(options, plan);
  if (options.note && has_operand(options.inputs, "do")) {
    options.note("the input has a tensor 'do'; this version computes the forward pass only");
  }
  const int64_t all = tile_count(plan);
  const JudgedRun run = run_judged(plan, {.threads = options.threads,
                                          .progress =
                                              [&](int64_t done) {
                                                if (options.progress) options.progress(done, all);
                                              },
                                          .stop = options.stop});
  if (!run.complete) return std::nullopt;
  const nlohmann::json summary = attention_summary(options.command, plan, options.overrides,
                                                   {&operands.q, &operands.k, &operands.v}, run);
  if (folder) {
    write_folder(*folder, plan, operands.q, run, summary);
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
