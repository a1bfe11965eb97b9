#include "ulpscope/run/sharpness_run.hpp"

#include "ulpscope/analysis/sharpness.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/inputs.hpp"
#include "ulpscope/run/one_tensor.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

struct Logits {
  std::vector<double> values;
  size_t classes = 0;
  std::vector<size_t> positions;  // that are measured

  std::span<const double> at(size_t position) const {
    return std::span(values).subspan(position * classes, classes);
  }
  size_t all_positions() const { return values.size() / classes; }
};

Logits logits_of(const OneTensor& tensor, Positions positions) {
  const auto& shape = tensor.info.shape;
  if (tensor.codes.empty() || shape.empty() || shape.back() < 2) {
    throw Error(ErrorKind::input,
                fmt::format("{} has shape {}: expected logits of two classes or more in the last "
                            "axis",
                            tensor.where, shape_text(shape)));
  }
  if (!is_subset(tensor.format, fp64)) {
    throw Error(ErrorKind::input, fmt::format("{} is {}: expected a format that binary64 holds",
                                              tensor.where, format_name(tensor.format)));
  }
  if (positions == Positions::last && shape.size() < 2) {
    throw Error(ErrorKind::usage,
                fmt::format("--last: {} has shape {}: expected positions in front of the classes",
                            tensor.where, shape_text(shape)));
  }
  Logits logits{.values = {}, .classes = static_cast<size_t>(shape.back()), .positions = {}};
  logits.values.reserve(tensor.codes.size());
  for (const uint64_t code : tensor.codes) {
    logits.values.push_back(double_value(tensor.format, code));
  }
  const size_t stride =
      positions == Positions::last ? static_cast<size_t>(shape[shape.size() - 2]) : 1;
  for (size_t i = stride - 1; i < logits.all_positions(); i += stride) {
    logits.positions.push_back(i);
  }
  return logits;
}

// Of a file of integers: a class for every position of the logits.
std::vector<size_t> labels_of(const std::string& text, const Logits& logits) {
  const auto [file, wanted] = split_file_and_tensor(text);
  const TensorSource source = open_tensors(file);
  const bool has_one = wanted.empty() && source.tensors().size() == 1;
  const Tensor tensor = source.read(has_one ? source.tensors()[0].name : wanted);
  const Element element = tensor.info.element;
  const bool is_integer = element == Element::i32 || element == Element::i64;
  if (!is_integer || element_count(tensor.info) != logits.all_positions()) {
    throw Error(ErrorKind::input,
                fmt::format("{}: {} is {} {}: expected {} labels in int32 or int64, a position "
                            "each",
                            file, in_quotes(tensor.info.name), element_name(element),
                            shape_text(tensor.info.shape), logits.all_positions()));
  }
  std::vector<size_t> labels(logits.all_positions());
  for (const size_t i : logits.positions) {
    // A negative label has a high bit and fails as one too large.
    const uint64_t label = element_bits(tensor, i);
    if (label >= logits.classes) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: the label of position {} is {}: expected 0 to {}", file, i,
                              element == Element::i32
                                  ? int64_t{static_cast<int32_t>(static_cast<uint32_t>(label))}
                                  : static_cast<int64_t>(label),
                              logits.classes - 1));
    }
    labels[i] = label;
  }
  return labels;
}

// The class that every position is to be.
std::vector<size_t> targets_of(const SharpnessOptions& options, const Logits& logits) {
  if (!options.labels.empty() && options.target) {
    throw Error(ErrorKind::usage, "--target and --labels: expected one of them");
  }
  if (!options.labels.empty()) return labels_of(options.labels, logits);
  std::vector<size_t> targets(logits.all_positions());
  if (options.target) {
    const int64_t target = *options.target;
    if (target < 0 || target >= static_cast<int64_t>(logits.classes)) {
      throw Error(ErrorKind::usage,
                  fmt::format("--target {}: expected 0 to {}", target, logits.classes - 1));
    }
    std::fill(targets.begin(), targets.end(), static_cast<size_t>(target));
    return targets;
  }
  for (const size_t i : logits.positions) targets[i] = largest_logit(logits.at(i));
  return targets;
}

Logits rounded(const Logits& logits, const Format& format, const Rounding& rounding) {
  Logits result = logits;
  for (double& x : result.values) {
    const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
    x = double_value(format, static_cast<uint64_t>(round_pack(format, exact, rounding).bits));
  }
  return result;
}

json figures_of(const Logits& logits, const std::vector<size_t>& targets, double eps) {
  CompensatedSum loss, phi, squares;
  double smallest = 0;
  double largest = 0;
  uint64_t count = 0;
  for (const size_t i : logits.positions) {
    const auto s = sharpness(logits.at(i), targets[i], eps);
    if (!s) continue;
    smallest = count == 0 ? s->phi : std::min(smallest, s->phi);
    largest = count == 0 ? s->phi : std::max(largest, s->phi);
    ++count;
    loss.add(s->loss);
    phi.add(s->phi);
    squares.add(s->phi * s->phi);
  }
  const auto n = static_cast<double>(count);
  const double mean = phi.value() / n;
  const double variance = (squares.value() - n * mean * mean) / (n - 1);
  json figures{{"eps", eps},
               {"count", count},
               {"skipped", logits.positions.size() - count},
               {"loss", number_json(loss.value() / n)},
               {"phi", number_json(mean)},
               {"smallest", number_json(smallest)},
               {"largest", number_json(largest)}};
  if (count > 1) figures["stderr"] = number_json(std::sqrt(std::max(0.0, variance) / n));
  return figures;
}

void require_eps(const SharpnessOptions& options) {
  if (options.eps.empty()) throw Error(ErrorKind::usage, "--eps: expected a number above 0");
  for (const double eps : options.eps) {
    if (eps > 0 && std::isfinite(eps)) continue;
    throw Error(ErrorKind::usage, fmt::format("--eps {}: expected a number above 0", eps));
  }
}

}  // namespace

json run_sharpness(const SharpnessOptions& options) {
  const HostFpGuard guard;
  require_eps(options);
  const OneTensor tensor = load_one_tensor(options.input, options.format);
  const Logits logits = logits_of(tensor, options.positions);
  const auto targets = targets_of(options, logits);
  json rows = json::array();
  const auto add = [&](const std::string& format, const Logits& measured) {
    for (const double eps : options.eps) {
      rows.push_back(figures_of(measured, targets, eps));
      rows.back()["format"] = format;
    }
  };
  add(format_name(tensor.format), logits);
  for (const auto& format : options.rounded) {
    add(format_name(format), rounded(logits, format, options.rounding));
  }
  json result = summary_header("sharpness", options.command);
  result["schema"] = "ulpscope.sharpness/1";
  result["input"] = {{"file", tensor.where},
                     {"shape", tensor.info.shape},
                     {"format", format_name(tensor.format)},
                     {"xxh3_128", tensor.hash}};
  result["target"] = !options.labels.empty() ? json(options.labels)
                     : options.target        ? json(*options.target)
                                             : json("largest logit");
  result["round"] = rounding_name(options.rounding);
  result["rows"] = rows;
  return result;
}

}  // namespace ulpscope
