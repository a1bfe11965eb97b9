#include "ulpscope/run/rope_run.hpp"

#include "ulpscope/analysis/law.hpp"
#include "ulpscope/analysis/rope.hpp"
#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

// Q of every head, and each head's keys: the first one, or all.
struct Vectors {
  std::vector<std::vector<double>> q;  // [heads], each (rows, dim)
  std::vector<std::vector<double>> k;  // [heads], each (keys, dim)
  int64_t rows;
  int64_t dim;
  std::string source;
};

std::vector<double> numbers(const Format& format, std::span<const uint16_t> codes) {
  std::vector<double> list(codes.size());
  std::transform(codes.begin(), codes.end(), list.begin(),
                 [&](uint16_t code) { return double_value(format, uint64_t{code}); });
  return list;
}

Vectors drawn(const RopeOptions& options) {
  const int64_t rows = *std::max_element(options.lengths.begin(), options.lengths.end());
  const int64_t keys = options.matrices == RopeMatrices::on ? rows : 1;
  const LawShape shape{
      .heads = options.heads, .rows = rows, .keys = keys, .dim = options.dim, .format = bf16};
  const LawTensors tensors = draw({.kind = LawKind::normal, .seed = options.seed}, shape);
  Vectors vectors{.q = {}, .k = {}, .rows = rows, .dim = options.dim, .source = "normal"};
  const auto size = static_cast<size_t>(rows * options.dim);
  const auto key_size = static_cast<size_t>(keys * options.dim);
  for (size_t h = 0; h < static_cast<size_t>(options.heads); ++h) {
    vectors.q.push_back(numbers(bf16, std::span(tensors.q).subspan(h * size, size)));
    vectors.k.push_back(numbers(bf16, std::span(tensors.k).subspan(h * key_size, key_size)));
  }
  return vectors;
}

Vectors from_file(const RopeOptions& options) {
  const Operand16 q = open_operand(options.inputs, "q").read();
  const Operand16 k = open_operand(options.inputs, "k").read();
  const auto [batch, heads, rows, dim] = q.sizes;
  const auto [k_batch, k_heads, keys, k_dim] = k.sizes;
  if (k_dim != dim || k_batch != batch || k_heads < 1 || heads % k_heads != 0) {
    throw Error(ErrorKind::input,
                fmt::format("{}: q has shape {} and k {}: expected one batch and head size, and "
                            "heads of k that divide those of q",
                            q.file, shape_text(q.shape), shape_text(k.shape)));
  }
  if (options.matrices == RopeMatrices::on && keys != rows) {
    throw Error(
        ErrorKind::input,
        fmt::format("{}: {} queries and {} keys: --matrices expects as many", q.file, rows, keys));
  }
  Vectors vectors{.q = {}, .k = {}, .rows = rows, .dim = dim, .source = q.file};
  const auto size = static_cast<size_t>(rows * dim);
  const auto key_size = static_cast<size_t>(keys * dim);
  const auto group = static_cast<size_t>(heads / k_heads);
  for (size_t h = 0; h < static_cast<size_t>(batch * heads); ++h) {
    const auto used = options.matrices == RopeMatrices::on ? key_size : static_cast<size_t>(dim);
    const auto key = std::span(k.codes).subspan(h / group * key_size, used);
    vectors.q.push_back(numbers(q.format, std::span(q.codes).subspan(h * size, size)));
    vectors.k.push_back(numbers(k.format, key));
  }
  return vectors;
}

void check_lengths(const RopeOptions& options, const Vectors& vectors) {
  for (const int64_t length : options.lengths) {
    if (length >= 1 && length <= vectors.rows) continue;
    throw Error(ErrorKind::usage, fmt::format("--lengths {}: expected 1 to {}, the rows of {}",
                                              length, vectors.rows, vectors.source));
  }
}

// Over all heads.
LogitShift mean_shift(const Rope& rope, const Vectors& vectors, int64_t length,
                      const std::array<int64_t, 2>& shifts) {
  CompensatedSum signed_sum, absolute_sum;
  for (size_t h = 0; h < vectors.q.size(); ++h) {
    const auto rows = std::span(vectors.q[h]).first(static_cast<size_t>(length * vectors.dim));
    const auto key = std::span(vectors.k[h]).first(static_cast<size_t>(vectors.dim));
    const LogitShift shift = logit_shift(rope, rows, key, shifts[0], shifts[1]);
    signed_sum.add(shift.signed_mean);
    absolute_sum.add(shift.absolute_mean);
  }
  const auto heads = static_cast<double>(vectors.q.size());
  return {signed_sum.value() / heads, absolute_sum.value() / heads};
}

// D over all heads, which it is the sum of.
json matrices_json(const Rope& rope, const Vectors& vectors, int64_t length,
                   const std::array<int64_t, 2>& shifts) {
  CompensatedSum signed_sum, absolute_sum, first_key;
  const auto size = static_cast<size_t>(length * vectors.dim);
  for (size_t h = 0; h < vectors.q.size(); ++h) {
    const AttentionShift shift =
        attention_shift(rope, std::span(vectors.q[h]).first(size),
                        std::span(vectors.k[h]).first(size), vectors.dim, shifts[0], shifts[1]);
    signed_sum.add(shift.signed_sum);
    absolute_sum.add(shift.absolute_sum);
    first_key.add(shift.absolute_first_key);
  }
  return {{"signed", number_json(signed_sum.value())},
          {"absolute", number_json(absolute_sum.value())},
          {"absolute_first_key", number_json(first_key.value())}};
}

}  // namespace

json run_rope(const RopeOptions& options) {
  const HostFpGuard guard;
  if (options.lengths.empty() || options.recipes.empty()) {
    throw Error(ErrorKind::usage, "rope needs a length and a recipe at least");
  }
  for (const int64_t length : options.lengths) {
    if (length < 1) {
      throw Error(ErrorKind::usage, fmt::format("--lengths {}: expected 1 or more", length));
    }
  }
  const bool has_file = !options.inputs.input.empty() || !options.inputs.files.empty();
  const Vectors vectors = has_file ? from_file(options) : drawn(options);
  check_lengths(options, vectors);
  json rows = json::array();
  for (const auto& name : options.recipes) {
    const Rope rope(rope_recipe_named(name), vectors.dim, options.base);
    for (const int64_t length : options.lengths) {
      const LogitShift shift = mean_shift(rope, vectors, length, options.shifts);
      rows.push_back({{"recipe", name},
                      {"length", length},
                      {"signed", number_json(shift.signed_mean)},
                      {"absolute", number_json(shift.absolute_mean)}});
      if (options.matrices == RopeMatrices::on) {
        rows.back()["matrices"] = matrices_json(rope, vectors, length, options.shifts);
      }
    }
  }
  json result = summary_header("rope", options.command);
  result["schema"] = "ulpscope.rope/1";
  result["source"] = vectors.source;
  result["heads"] = vectors.q.size();
  result["dim"] = vectors.dim;
  result["base"] = options.base;
  result["shifts"] = options.shifts;
  result["rows"] = rows;
  return result;
}

}  // namespace ulpscope
