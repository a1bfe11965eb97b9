#include "ulpscope/run/quantise_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/one_tensor.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/run/version.hpp"
#include "ulpscope/scaling/quantise.hpp"
#include "ulpscope/tensor/npz.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

struct Chosen {
  std::string name;
  ScalingScheme scheme;
};

// The named schemes with what the options change in them.
std::vector<Chosen> chosen_schemes(const QuantiseRunOptions& options) {
  std::vector<std::string> names = options.schemes;
  if (names.empty()) {
    for (const auto& row : schemes) names.emplace_back(row.name);
  }
  std::vector<Chosen> result;
  for (const auto& name : names) {
    ScalingScheme scheme = scheme_named(name);
    const bool listed = scheme.codebook != nullptr;
    if (listed && (options.element || options.mode != Mode::nearest_even)) {
      throw Error(ErrorKind::usage, fmt::format("scheme '{}' rounds to a list of values: expected "
                                                "no --to and no --round beside rne",
                                                name));
    }
    scheme.element = options.element.value_or(scheme.element);
    scheme.block = options.block.value_or(scheme.block);
    scheme.rule = options.rule.value_or(scheme.rule);
    check_scheme(scheme);
    result.push_back({name, scheme});
  }
  return result;
}

std::string element_text(const Chosen& chosen) {
  return chosen.scheme.codebook != nullptr ? chosen.name : format_name(chosen.scheme.element);
}

// Everything that is stored, over the number of values.
double bits_per_value(const ScalingScheme& s, const Quantised& q) {
  const auto count = static_cast<double>(q.codes.size());
  const auto blocks = static_cast<double>(q.scales.size());
  const double expansions = 32.0 * static_cast<double>(q.exponents.size() + q.centres.size());
  const double tensor = s.tensor == TensorScaling::present ? 32 : 0;
  return element_bits(s) + (width(s.scale) * blocks + expansions + tensor) / count;
}

json result_json(const Chosen& chosen, Mode mode, const Quantised& q, const ScalingErrors& e) {
  const ScalingScheme& s = chosen.scheme;
  return {{"scheme", chosen.name},
          {"element", element_text(chosen)},
          {"block", s.block},
          {"along", s.along == Along::rows ? "rows" : "memory"},
          {"scale", format_name(s.scale)},
          {"rule", scale_rule_name(s.rule)},
          {"round", rounding_name({mode})},
          {"blocks", q.scales.size()},
          {"bits_per_value", bits_per_value(s, q)},
          {"count", e.count},
          {"skipped", e.skipped},
          {"unchanged", e.unchanged},
          {"saturated", e.saturated},
          {"lost", e.lost},
          {"max_error", number_json(e.max_error())},
          {"mean_error", number_json(e.mean())},
          {"sqnr_db", number_json(e.sqnr_decibels())}};
}

// The element type of a format's codes: its own, or unsigned integers.
Element element_for(const std::string& format, int bits) {
  const auto named = element_from_name(format);
  if (named && names_a_format(*named)) return *named;
  return bits <= 8 ? Element::u8 : bits <= 16 ? Element::u16 : Element::u32;
}

template <class Word>
void fill(Tensor& tensor, const std::vector<uint32_t>& codes) {
  const auto into = words<Word>(tensor);
  for (size_t i = 0; i < codes.size(); ++i) into[i] = static_cast<Word>(codes[i]);
}

Tensor tensor_of(const std::string& name, Element element, std::vector<int64_t> shape,
                 const std::vector<uint32_t>& codes) {
  Tensor tensor = make_tensor({name, element, std::move(shape)});
  switch (element_bytes(element)) {
    case 1: fill<uint8_t>(tensor, codes); break;
    case 2: fill<uint16_t>(tensor, codes); break;
    default: fill<uint32_t>(tensor, codes);
  }
  return tensor;
}

std::vector<Tensor> stored_tensors(const Chosen& chosen, const TensorInfo& info,
                                   const Quantised& q) {
  const ScalingScheme& s = chosen.scheme;
  // Blocks of rows keep the leading axes.
  std::vector<int64_t> blocks{static_cast<int64_t>(q.scales.size())};
  if (q.columns != 0) {
    blocks = info.shape;
    blocks.back() = (q.columns + s.block - 1) / s.block;
  }
  std::vector<Tensor> tensors{
      tensor_of("codes", element_for(element_text(chosen), element_bits(s)), info.shape, q.codes),
      tensor_of("scales", element_for(format_name(s.scale), width(s.scale)), blocks, q.scales)};
  if (s.tensor == TensorScaling::present) {
    tensors.push_back(tensor_of("tensor_scale", Element::fp32, {}, {q.tensor_scale}));
  }
  if (s.expansion != Expansion::none) {
    tensors.push_back(tensor_of("exponents", Element::fp32, blocks, q.exponents));
    tensors.push_back(tensor_of("centres", Element::fp32, blocks, q.centres));
  }
  tensors.push_back(tensor_of("values", Element::fp32, info.shape, dequantise(s, q)));
  return tensors;
}

// The writer that an extension stands for.
using Writer = void (*)(const std::string& path, const std::vector<Tensor>& tensors,
                        const std::map<std::string, std::string>& metadata);

Writer writer_for(const std::string& path) {
  const auto extension = std::filesystem::path(path).extension();
  if (extension == ".npz") {
    return [](const auto& file, const auto& tensors, const auto&) { write_npz(file, tensors); };
  }
  if (extension == ".safetensors") {
    return [](const auto& file, const auto& tensors, const auto& metadata) {
      write_safetensors(file, tensors, metadata);
    };
  }
  throw Error(ErrorKind::usage,
              fmt::format("--out {}: expected a name that ends in .npz or .safetensors", path));
}

}  // namespace

json run_quantise(const QuantiseRunOptions& options) {
  const auto all = chosen_schemes(options);
  Writer writer = nullptr;
  if (!options.out.empty()) {
    writer = writer_for(options.out);
    if (all.size() != 1) {
      throw Error(ErrorKind::usage, fmt::format("--out {}: expected one --scheme, found {}",
                                                options.out, all.size()));
    }
  }
  const OneTensor tensor = load_one_tensor(options.input, options.format, options.held);
  const auto values = as_binary32(tensor);
  const Extent extent = extent_of(values);
  const auto& shape = tensor.info.shape;
  const int64_t columns = shape.empty() ? 1 : shape.back();
  json results = json::array();
  for (const auto& chosen : all) {
    Quantiser quantiser(chosen.scheme, extent, {.columns = columns, .mode = options.mode});
    quantiser.add(values);
    const Quantised& q = quantiser.result();
    results.push_back(result_json(chosen, options.mode, q, quantiser.statistics()));
    if (writer == nullptr && options.tensors == nullptr) continue;
    RunTensors stored{.outputs = stored_tensors(chosen, tensor.info, q),
                      .errors = {},
                      .metadata = {{"scheme", chosen.name},
                                   {"element", element_text(chosen)},
                                   {"block", std::to_string(chosen.scheme.block)},
                                   {"rule", std::string(scale_rule_name(chosen.scheme.rule))},
                                   {"source", tensor.where}}};
    if (writer != nullptr) writer(options.out, stored.outputs, stored.metadata);
    if (options.tensors != nullptr) *options.tensors = std::move(stored);
  }
  return {{"schema", "ulpscope.quantise/1"},
          {"tool", {{"name", "ulpscope"}, {"version", version}}},
          {"command", options.command},
          {"input",
           {{"file", tensor.where},
            {"shape", shape},
            {"format", format_name(tensor.format)},
            {"xxh3_128", tensor.hash}}},
          {"schemes", results}};
}

}  // namespace ulpscope
