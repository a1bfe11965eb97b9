#include "ulpscope/run/element_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/error_sources.hpp"
#include "ulpscope/compare/prefix_error.hpp"
#include "ulpscope/compare/step_operands.hpp"
#include "ulpscope/report/picture.hpp"
#include "ulpscope/report/text.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/text.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/compare_summary.hpp"
#include "ulpscope/run/history_run.hpp"
#include "ulpscope/run/kernel_name.hpp"
#include "ulpscope/run/summary_writer.hpp"
#include "ulpscope/trace/lost_bits.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

constexpr int bits_shown_below = 12;    // of a value that is rounded
constexpr double counted_jump = 0.125;  // ulp

TracedOutput output_named(const std::string& name) {
  if (name == "o") return TracedOutput::o;
  if (name == "lse") return TracedOutput::lse;
  throw Error(ErrorKind::usage, fmt::format("--output {}: expected o or lse", name));
}

double in_ulps(int64_t residue) { return static_cast<double>(residue) / 4294967296.0; }

// What becomes of the bits: before and after, what was cut and what carried.
void add_rounding(json& result, const Format& format, const HistoryStep& step) {
  const Flag flags = step.record.flags;
  if (const auto before = exact_before(format, step.value, step.record)) {
    result["exact"] = bit_cast<double>(round_pack(fp64, *before, nearest_even).bits);
    result["before"] = cut_significand_text(*before, format, bits_shown_below);
  }
  result["after"] = cut_significand_text(decode<Uint256>(fp32, step.value), format, 0);
  if (const auto lost = lost_bits(step.record)) {
    result["guard"] = lost->guard ? 1 : 0;
    result["sticky"] = lost->rest ? 1 : 0;
    result["tie"] = has(flags, Flag::tie);
  }
  result["carry_out"] = has(flags, Flag::carry_out);
  result["round_carry"] = has(flags, Flag::round_carry);
}

json steps_json(const Plan& plan, const ElementHistory& history) {
  const auto operands = step_operands(plan, history.steps);
  json result = json::array();
  for (size_t i = 0; i < history.steps.size(); ++i) {
    const HistoryStep& step = history.steps[i];
    json one = step_json(step);
    one["format"] = format_name(plan.map[step.site].format);
    add_rounding(one, plan.map[step.site].format, step);
    json read = json::array();
    for (const auto& operand : operands[i]) {
      const uint32_t value = history.steps[operand.step].value;
      read.push_back({{"name", std::string(operand.name)},
                      {"step", operand.step},
                      {"bits", code_text(fp32, value)},
                      {"value", number_json(double_value(fp32, value))}});
    }
    one["operands"] = std::move(read);
    result.push_back(std::move(one));
  }
  return result;
}

struct SiteCounts {
  uint64_t steps = 0, inexact = 0, ties = 0, carries = 0;
  double largest = 0;
  size_t last = 0;
};

json sites_json(const Plan& plan, const ElementHistory& history) {
  std::array<SiteCounts, site_count> counts{};
  for (size_t i = 0; i < history.steps.size(); ++i) {
    const Record& record = history.steps[i].record;
    SiteCounts& of = counts[index(history.steps[i].site)];
    ++of.steps;
    of.last = i;
    of.carries += has(record.flags, Flag::carry_out) || has(record.flags, Flag::round_carry);
    if (!has_error(record)) continue;
    of.inexact += record.residue != 0;
    of.ties += has(record.flags, Flag::tie);
    of.largest = std::max(of.largest, std::abs(in_ulps(record.residue)));
  }
  json result = json::array();
  for (const auto& row : site_table) {
    const SiteCounts& of = counts[index(row.site)];
    if (of.steps == 0) continue;
    result.push_back({{"site", std::string(row.name)},
                      {"format", format_name(plan.map[row.site].format)},
                      {"steps", of.steps},
                      {"inexact", of.inexact},
                      {"ties", of.ties},
                      {"carries", of.carries},
                      {"max_abs_ulp", of.largest},
                      {"last_step", of.last}});
  }
  return result;
}

json sources_json(const ErrorSources& sources) {
  json result = json::array();
  for (const auto& source : sources.sources) {
    result.push_back({{"site", std::string(row_of(source.site).name)}, {"ulp", source.ulp}});
  }
  return result;
}

json prefix_json(const PrefixErrors& errors) {
  json steps = json::array();
  int64_t jumps = 0, at_one = 0, at_power = 0;
  for (size_t i = 0; i < errors.steps.size(); ++i) {
    const PrefixStep& step = errors.steps[i];
    steps.push_back({{"key", step.key},
                     {"p", step.probability},
                     {"weight", step.weight},
                     {"v", step.value},
                     {"error_ulp", step.error}});
    if (std::abs(errors.jump(i)) < counted_jump) continue;
    ++jumps;
    const bool is_one = step.probability >= 1 && step.probability <= 1;
    at_one += is_one;
    at_power += !is_one && is_power_of_two(step.probability);
  }
  json result{{"exact", errors.exact},
              {"error_ulp", errors.error()},
              {"jumps",
               {{"counted_from", counted_jump},
                {"all", jumps},
                {"at_one", at_one},
                {"at_other_powers_of_two", at_power}}},
              {"steps", std::move(steps)}};
  if (!errors.steps.empty()) {
    result["first_key"] = errors.steps.front().key;
    result["half_by_key"] = errors.steps[errors.shortest_half()].key;
    result["half_from_key"] = errors.steps[errors.lasting_half()].key;
  }
  return result;
}

std::string ulps(double x) { return real(x, 3) + " ulp"; }

// "The error of -0.41 ulp comes from output_store (-0.4 ulp); ..."
std::string source_sentence(const ErrorSources& sources) {
  constexpr double share = 0.1;  // of the error, from which a part is worth a word
  std::string parts;
  for (const auto& source : sources.sources) {
    if (std::abs(source.ulp) < share * std::abs(sources.error)) break;
    parts += fmt::format("{}{} ({})", parts.empty() ? "" : ", ", row_of(source.site).name,
                         ulps(source.ulp));
  }
  if (parts.empty()) parts = "the binary32 registers";
  return fmt::format("The error of {} comes from {}; {} is left over.", ulps(sources.error), parts,
                     ulps(sources.rest));
}

std::string prefix_sentence(const json& prefix) {
  if (!prefix.contains("half_by_key")) return "";
  const auto first = prefix["first_key"].get<int64_t>();
  const auto half = prefix["half_by_key"].get<int64_t>();
  const auto lasting = prefix["half_from_key"].get<int64_t>();
  std::string text =
      fmt::format(" The shortest prefix with more than half of it is keys {}..{}", first, half);
  return text + (lasting == half ? ", and it stays so."
                                 : fmt::format("; from key {} on it stays so.", lasting));
}

struct Traced {
  TracedOutput output;
  HeadRange head;  // of K and V
  TracedElement element;
};

Traced traced_in(const ElementOptions& options, const ProblemOperands& headers) {
  const TracedOutput output = output_named(options.output);
  std::vector<int64_t> axes(headers.q.sizes.begin(), headers.q.sizes.end());
  if (output == TracedOutput::lse) axes.pop_back();
  element_place(options.element, axes);  // checks
  const auto& at = options.element;
  const int64_t group = headers.q.sizes[1] / headers.k.sizes[1];
  return {.output = output,
          .head = {.batch = at[0], .first = at[1] / group, .end = at[1] / group + 1},
          .element = {.row = at[1] % group * headers.q.sizes[2] + at[2],
                      .feature = output == TracedOutput::o ? at[3] : 0,
                      .output = output}};
}

}  // namespace

json run_element(const ElementOptions& options) {
  const HostFpGuard guard;
  const auto [recipe, chip] = kernel_and_chip(options.kernel);
  if (recipe.engine == Engine::reference) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {} rounds once, at the output: expected one that has a history",
                            recipe.name));
  }
  ProblemOptions forward = options;
  forward.backward = BackwardChoice::off;
  ProblemInputs inputs(forward);
  const Traced traced = traced_in(options, inputs.headers());
  const ProblemOperands operands = inputs.read(traced.head);
  Problem problem = problem_of(forward, operands);
  if (!options.multiprocessors) problem.launch.multiprocessors = chip.multiprocessors;
  const Plan plan = make_plan(recipe, chip, problem, options.overrides);
  const ElementHistory history = history_of(plan, traced.element);
  const ErrorSources sources = error_sources(plan, traced.element, history);

  json result = summary_header("history", options.command);
  result["schema"] = "ulpscope.history/1";
  result["kernel"] = std::string(recipe.name);
  result["chip"] = std::string(chip.name);
  result["inputs"] = inputs_json(operands);
  result["problem"] = problem_json(problem, operands.q, operands.k);
  result["output"] = options.output;
  result["index"] = options.element;
  result["format"] = format_name(history.format);
  result["element"] = element_json(history.format, history.code);
  result["exact"] = number_json(sources.exact);
  result["error_ulp"] = number_json(sources.error);
  result["sources"] = sources_json(sources);
  result["rest_ulp"] = sources.rest;
  result["sites"] = sites_json(plan, history);
  std::string verdict = source_sentence(sources);
  if (traced.output == TracedOutput::o) {
    result["prefix"] = {
        {"stored", prefix_json(prefix_errors(plan, traced.element, PrefixOf::stored))},
        {"product", prefix_json(prefix_errors(plan, traced.element, PrefixOf::product))}};
    verdict += prefix_sentence(result["prefix"]["stored"]);
  }
  result["verdict"] = verdict;
  result["steps"] = steps_json(plan, history);
  return result;
}

}  // namespace ulpscope
