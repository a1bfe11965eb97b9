#include "ulpscope/run/gemm_run.hpp"

#include "ulpscope/arith/soft.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/run/compare_summary.hpp"
#include "ulpscope/run/gemm_summary.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/output_tensors.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

struct KernelAndChip {
  const GemmRecipe& recipe;
  const Chip& chip;
};

// NAME or NAME@CHIP.
KernelAndChip parse_kernel(const std::string& text) {
  const auto at = text.find('@');
  return {gemm_recipe_named(text.substr(0, at)),
          chip_named(at == std::string::npos ? "h200" : text.substr(at + 1))};
}

// Binary32 of a scale given as a number; 1 if it was not given.
uint32_t scale_bits(const char* option, const std::optional<double>& scale) {
  if (!scale) return binary32_one;
  const auto bits = Soft<fp32>(*scale).bits();
  if (!is_finite(fp32, bits) || is_negative(fp32, bits) || is_zero(fp32, bits)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: expected a number above zero within binary32", option, *scale));
  }
  return bits;
}

std::string described(const OneTensor& x) {
  return fmt::format("{} is {} {}", x.where, format_name(x.format), shape_text(x.info.shape));
}

void require_matrix(const OneTensor& x, const GemmRecipe& recipe, const char* axes) {
  if (x.info.shape.size() != 2) {
    throw Error(ErrorKind::input, fmt::format("{}: expected two axes, {}", described(x), axes));
  }
  if (x.codes.empty()) {
    throw Error(ErrorKind::input, fmt::format("{}: expected at least one element", described(x)));
  }
  if (!(x.format == recipe.input)) {
    throw Error(ErrorKind::usage, fmt::format("{}: kernel {} multiplies {}", described(x),
                                              recipe.name, format_name(recipe.input)));
  }
}

void require_agreement(const OneTensor& a, const OneTensor& b) {
  if (a.info.shape[1] != b.info.shape[1]) {
    throw Error(ErrorKind::input, fmt::format("{}; {}: expected A of M x K and B of N x K, with "
                                              "one K, as D = A.B^T",
                                              described(a), described(b)));
  }
  const std::array shape{a.info.shape[0], b.info.shape[0]};
  if (!checked_bytes(Element::fp64, shape)) {
    throw Error(ErrorKind::resource, fmt::format("{}; {}: D has more elements than fit in memory",
                                                 described(a), described(b)));
  }
}

Operand operand_of(const OneTensor& x) {
  const int64_t length = x.info.shape[1];
  Operand operand(x.format, x.info.shape[0], length);
  for (size_t i = 0; i < x.codes.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    operand.set(at / length, at % length, x.codes[i]);
  }
  return operand;
}

// The other chips to stand beside `first`, each once.
std::vector<const Chip*> other_chips(const std::vector<std::string>& names, const Chip& first) {
  std::vector<const Chip*> others;
  const auto add = [&](const Chip& chip) {
    const bool known =
        &chip == &first || std::find(others.begin(), others.end(), &chip) != others.end();
    if (!known) others.push_back(&chip);
  };
  for (const auto& name : names) {
    if (name != "all") {
      add(chip_named(name));
      continue;
    }
    for (const auto& chip : chips) {
      // One of each row: h200 computes what sm90 does.
      if (chip.name == chip.row && chip.row != first.row) add(chip);
    }
  }
  return others;
}

bool multiplies(const Chip& chip, const Format& format) {
  return std::any_of(chip.units.begin(), chip.units.end(), [&](const MatrixUnit& unit) {
    return unit.sum.terms != 0 && unit.input == format;
  });
}

// What a run writes and where: a folder, a file of outputs alone, or nothing.
class Destination {
 public:
  explicit Destination(const std::string& out) {
    if (out.empty()) return;
    if (std::filesystem::path(out).extension() == ".safetensors") {
      file_ = out;
    } else {
      folder_.emplace(out);
    }
  }

  void write(const RunTensors& tensors, const nlohmann::json& summary) {
    if (!wants_tensors()) return;
    write_safetensors(folder_ ? folder_->path() / "outputs.safetensors" : file_, tensors.outputs,
                      tensors.metadata);
    if (!folder_) return;
    write_safetensors(folder_->path() / "errors.safetensors", tensors.errors, tensors.metadata);
    write_file_atomically(folder_->path() / "summary.json", summary.dump(1) + "\n");
    write_file_atomically(folder_->path() / "report.html", html_report(summary));
    folder_->commit();
  }

  bool wants_tensors() const { return folder_ || !file_.empty(); }

 private:
  std::optional<OutputFolder> folder_;
  std::filesystem::path file_;
};

// What the products leave: every plan's D, and the errors of the first.
RunTensors tensors_of(const GemmRecord& record) {
  const GemmPlan& plan = record.plans[0];
  const std::vector<int64_t> shape{record.a.info.shape[0], record.b.info.shape[0]};
  RunTensors tensors{
      .outputs = {},
      .errors = {packed("d_ulp", Element::fp32, shape, record.products.of_plan[0].d_ulp)},
      .metadata = {{"kernel", fmt::format("{}@{}", plan.recipe->name, plan.chip->name)},
                   {"d_format", format_name(plan.output)}}};
  for (size_t p = 0; p < record.plans.size(); ++p) {
    tensors.outputs.push_back(packed(product_name(record.plans, p), element_for(plan.output), shape,
                                     record.products.of_plan[p].d));
  }
  return tensors;
}

// The tensor that D is compared with, in D's format and shape.
OneTensor load_expected(const GemmOptions& options, const GemmPlan& plan,
                        const std::vector<int64_t>& shape) {
  OneTensor expected = load_one_tensor(options.compare, plan.output, options.held);
  if (!(expected.format == plan.output) || expected.info.shape != shape) {
    throw Error(ErrorKind::input,
                fmt::format("{}: expected D, {} {} (--out-format names another format)",
                            described(expected), format_name(plan.output), shape_text(shape)));
  }
  return expected;
}

}  // namespace

std::optional<nlohmann::json> run_gemm(const GemmOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = parse_kernel(options.kernel);
  const auto others = other_chips(options.chips, chip);
  const GemmScales scales{scale_bits("--scale-a", options.scale_a),
                          scale_bits("--scale-b", options.scale_b)};
  Destination destination(options.out);
  const OneTensor a = load_one_tensor(options.a, options.format, options.held);
  require_matrix(a, recipe, "(M, K)");
  const OneTensor b = load_one_tensor(options.b, options.format, options.held);
  require_matrix(b, recipe, "(N, K)");
  require_agreement(a, b);

  const GemmOverrides overrides{options.split_k, scales, options.output};
  std::vector<GemmPlan> plans{make_gemm_plan(recipe, chip, a.info.shape[1], overrides)};
  std::vector<const Chip*> unable;
  for (const Chip* other : others) {
    if (multiplies(*other, recipe.input)) {
      plans.push_back(make_gemm_plan(recipe, *other, a.info.shape[1], overrides));
    } else {
      unable.push_back(other);
    }
  }
  const std::vector<int64_t> shape{a.info.shape[0], b.info.shape[0]};
  std::optional<OneTensor> expected;
  if (!options.compare.empty()) expected = load_expected(options, plans[0], shape);

  Operand columns = operand_of(b);
  columns.pack();
  const auto products = run_products(plans, operand_of(a), columns,
                                     {.threads = options.threads,
                                      .progress =
                                          [&](int64_t done) {
                                            if (options.progress) options.progress(done, shape[0]);
                                          },
                                      .stop = options.stop});
  if (!products.complete) return std::nullopt;
  const GemmRecord record{options.command, a, b, plans, unable, products};
  nlohmann::json summary = gemm_summary(record);
  if (expected) {
    const auto& d = products.of_plan[0].d;
    const OneTensor computed{.where = "d",
                             .info = {"d", element_for(plans[0].output), shape},
                             .format = plans[0].output,
                             .hash = "",
                             .codes = std::vector<uint64_t>(d.begin(), d.end())};
    add_comparison(summary,
                   comparison_json(computed, *expected, count_bits(computed, *expected), shape));
  }
  if (destination.wants_tensors() || options.tensors != nullptr) {
    RunTensors tensors = tensors_of(record);
    destination.write(tensors, summary);
    if (options.tensors != nullptr) *options.tensors = std::move(tensors);
  }
  return summary;
}

}  // namespace ulpscope
