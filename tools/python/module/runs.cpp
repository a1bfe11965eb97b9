#include "runs.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/run/attention_run.hpp"
#include "ulpscope/run/attribute_run.hpp"
#include "ulpscope/run/compare_run.hpp"
#include "ulpscope/run/gemm_run.hpp"
#include "ulpscope/run/identify_run.hpp"
#include "ulpscope/run/memory_limit.hpp"
#include "ulpscope/run/monitors_run.hpp"
#include "ulpscope/run/observed_run.hpp"
#include "ulpscope/run/quantise_run.hpp"

#include <mutex>

#include "arrays.hpp"
#include "job.hpp"
#include "options.hpp"
#include <nlohmann/json.hpp>

namespace ulpscope::python {

namespace {

using nlohmann::json;

// Of whole numbers that count something.
constexpr int64_t largest = int64_t{1} << 40;

// As the command line prints an object.
std::string text_of(const json& object) { return object.dump(1) + "\n"; }

nb::tuple with_tensors(const std::string& text, RunTensors&& tensors) {
  return nb::make_tuple(text, handed_over(std::move(tensors.outputs)),
                        handed_over(std::move(tensors.errors)));
}

// `run(options)` watched; nothing but an exception comes of a stopped one.
template <class Options, class Run>
std::string watched(Options& options, const nb::object& progress, const Run& run) {
  return finished(progress, [&](Watch& watch) {
    options.stop = &watch.stop;
    options.progress = [&watch](int64_t done, int64_t all) {
      watch.all = all;
      watch.done = done;
    };
    const auto result = run(options);
    return result ? text_of(*result) : std::string();
  });
}

// --- Attention ---------------------------------------------------------------

AttentionOptions attention_options(const Keywords& words, const HeldTensors& arrays) {
  AttentionOptions o;
  static_cast<ProblemOptions&>(o) = problem_options(words, arrays);
  o.kernel = words.get<std::string>("kernel", o.kernel);
  if (const auto tile = words.get<std::array<int64_t, 2>>("tile")) {
    o.tile = TileOverride{(*tile)[0], (*tile)[1]};
  }
  o.delta_layout = words.text("delta_layout");
  for (const auto& text : words.get<std::vector<std::string>>("set", {})) {
    o.overrides.push_back(parse_override(text));
  }
  if (const auto stable = words.get<std::string>("stable")) o.maximum = parse_stable(*stable);
  if (const auto offset = words.get<std::string>("offset")) {
    o.maximum.offset = parse_offset(*offset).offset;
  }
  o.seed = words.get<uint64_t>("seed", o.seed);
  o.log = log_level_named(words.get<std::string>("log", "full"));
  o.threads = words.threads();
  if (const auto limit = words.get<std::string>("mem_limit")) o.memory_limit = bytes_of(*limit);
  o.out = words.text("out");
  o.command = words.text("command");
  return o;
}

// Of ulpscope.attention: those between are the package's own.
constexpr int frames_to_the_caller = 3;

nb::tuple attention(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  AttentionOptions options = attention_options(Keywords(dict), tensors);
  RunTensors kept;
  options.tensors = &kept;
  std::vector<std::string> remarks;
  std::mutex remarking;
  options.note = [&](const std::string& remark) {
    const std::lock_guard lock(remarking);
    remarks.push_back(remark);
  };
  const std::string text = watched(options, progress, run_attention);
  const auto warn = nb::module_::import_("warnings").attr("warn");
  for (const auto& remark : remarks) warn(remark, nb::none(), frames_to_the_caller);
  return with_tensors(text, std::move(kept));
}

// --- On the same problem -------------------------------------------------------

std::string monitors(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  const Keywords words(dict);
  MonitorsOptions o;
  static_cast<ProblemOptions&>(o) = problem_options(words, tensors);
  o.kernel = words.get<std::string>("kernel", o.kernel);
  o.tolerance = words.get<double>("tolerance", o.tolerance);
  o.sinks = words.whole("sinks", 1, largest).value_or(o.sinks);
  if (!(o.tolerance >= 0)) throw Error(ErrorKind::usage, "tolerance: expected 0 or more");
  o.compare_window = words.whole("compare_window", 0, largest);
  o.threads = words.threads();
  o.command = words.text("command");
  return watched(o, progress, run_monitors);
}

IdentifyRunOptions identify_options(const Keywords& words, const HeldTensors& tensors) {
  IdentifyRunOptions o;
  static_cast<ProblemOptions&>(o) = problem_options(words, tensors);
  o.outputs = {.input = words.text("outputs"),
               .files = words.get<std::map<std::string, std::string>>("output_files", {}),
               .names = words.get<std::map<std::string, std::string>>("output_map", {}),
               .held = &tensors};
  o.threads = words.threads();
  o.ranked = words.whole("ranked", 1, 1000).value_or(o.ranked);
  o.command = words.text("command");
  return o;
}

std::string identify(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  IdentifyRunOptions options = identify_options(Keywords(dict), tensors);
  return watched(options, progress, run_identify);
}

// Which step causes the error, or with outputs that were observed, makes them what they are.
std::string attribute(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  const Keywords words(dict);
  const auto kernel = words.get<std::string>("kernel", AttributeOptions{}.kernel);
  if (words.get<bool>("observed", false)) {
    IdentifyRunOptions options = identify_options(words, tensors);
    options.meant = kernel;
    return watched(options, progress, run_observed);
  }
  AttributeOptions o;
  static_cast<ProblemOptions&>(o) = problem_options(words, tensors);
  o.kernel = kernel;
  for (const auto& text : words.get<std::vector<std::string>>("set", {})) {
    o.overrides.push_back(parse_override(text));
  }
  o.threads = words.threads();
  o.command = words.text("command");
  return watched(o, progress, run_attribution);
}

// --- On other tensors ------------------------------------------------------------

nb::tuple gemm(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  const Keywords words(dict);
  GemmOptions o{.a = words.text("a"),
                .b = words.text("b"),
                .format = words.format("format"),
                .scale_a = words.get<double>("scale_a"),
                .scale_b = words.get<double>("scale_b"),
                .split_k = words.whole("split_k", 1, largest).value_or(1),
                .output = words.format("out_format"),
                .chips = words.get<std::vector<std::string>>("chips", {}),
                .threads = words.threads(),
                .out = words.text("out"),
                .compare = words.text("compare"),
                .command = words.text("command")};
  o.kernel = words.get<std::string>("kernel", o.kernel);
  o.held = &tensors;
  RunTensors kept;
  o.tensors = &kept;
  return with_tensors(watched(o, progress, run_gemm), std::move(kept));
}

std::string compare(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  const Keywords words(dict);
  CompareOptions o{.a = words.text("a"), .b = words.text("b"), .format = words.format("format")};
  if (const auto layout = words.get<std::string>("layout")) o.layout = layout_named(*layout);
  o.row_tile = words.whole("row_tile", 1, largest).value_or(o.row_tile);
  o.fit = words.get<bool>("fit", false) ? Fit::on : Fit::off;
  o.out = words.text("out");
  o.command = words.text("command");
  o.held = &tensors;
  return finished(progress, [&](Watch&) { return text_of(run_compare(o)); });
}

Mode mode_alone(const std::string& name) {
  const Rounding rounding = rounding_named(name);
  if (rounding.policy == Policy{}) return rounding.mode;
  throw Error(ErrorKind::usage, "--round " + name + ": expected a mode alone; elements saturate");
}

nb::tuple quantize(const nb::dict& dict, const nb::list& arrays, const nb::object& progress) {
  const HeldTensors tensors = held(arrays);
  const Keywords words(dict);
  QuantiseRunOptions o{.input = words.text("input"),
                       .format = words.format("format"),
                       .schemes = {words.text("scheme")},
                       .element = words.format("to"),
                       .block = words.whole("block", 0, largest),
                       .out = words.text("out"),
                       .command = words.text("command")};
  if (const auto rule = words.get<std::string>("scale_rule")) o.rule = scale_rule_named(*rule);
  o.mode = mode_alone(words.get<std::string>("mode", "rne"));
  o.held = &tensors;
  RunTensors kept;
  o.tensors = &kept;
  return with_tensors(finished(progress, [&](Watch&) { return text_of(run_quantise(o)); }),
                      std::move(kept));
}

}  // namespace

void add_runs(nb::module_& module) {
  const auto add = [&](const char* name, auto* function) {
    module.def(name, function, nb::arg("words"), nb::arg("arrays"), nb::arg("progress").none());
  };
  add("attention", &attention);
  add("monitors", &monitors);
  add("attribute", &attribute);
  add("identify", &identify);
  add("gemm", &gemm);
  add("compare", &compare);
  add("quantize", &quantize);
}

}  // namespace ulpscope::python
