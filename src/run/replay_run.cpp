#include "ulpscope/run/replay_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/replay_call.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

struct Counts {
  int64_t calls = 0;
  int64_t tensors = 0;
  int64_t elements = 0;     // of tensors known in full
  int64_t different = 0;    // tensors
  int64_t other_order = 0;  // elements
  std::string first = {};   // "flash 1012 dq"
};

void count(const RecordedCall& call, const std::vector<ReplayedTensor>& tensors, Counts& counts) {
  ++counts.calls;
  for (const ReplayedTensor& tensor : tensors) {
    ++counts.tensors;
    counts.elements += tensor.elements;
    counts.other_order += tensor.other_order;
    if (tensor.different == 0) continue;
    ++counts.different;
    if (!counts.first.empty()) continue;
    counts.first = fmt::format("{} {}", call.name, output_name(tensor.output));
    if (tensor.elements > 0) counts.first += fmt::format(", {} elements", tensor.different);
  }
}

json as_json(const std::string& kernel, const Counts& counts) {
  json row{{"kernel", kernel},
           {"calls", counts.calls},
           {"tensors", counts.tensors},
           {"elements", counts.elements},
           {"different", counts.different},
           {"other_order", counts.other_order}};
  if (!counts.first.empty()) row["first"] = counts.first;
  return row;
}

}  // namespace

std::optional<json> run_replay(const ReplayOptions& options) {
  const Recipe* const only = options.kernel.empty() ? nullptr : &recipe_named(options.kernel);
  const Recipe* const as = options.as.empty() ? nullptr : &recipe_named(options.as);
  const ReplaySettings settings{chip_named(options.chip), options.threads};
  const Recording recording = read_recording(options.folder);
  std::map<std::string, Counts> kernels;
  const auto all = static_cast<int64_t>(recording.calls.size());
  for (int64_t i = 0; i < all; ++i) {
    if (options.stop != nullptr && options.stop->load()) return std::nullopt;
    const RecordedCall& call = recording.calls[static_cast<size_t>(i)];
    if (only == nullptr || call.recipe == only) {
      const Recipe& recipe = as != nullptr ? *as : *call.recipe;
      count(call, replay_call(call, recipe, settings), kernels[std::string(recipe.name)]);
    }
    if (options.progress) options.progress(i + 1, all);
  }
  if (kernels.empty()) {
    throw Error(ErrorKind::input, fmt::format("{}: no call of a kernel that {}", options.folder,
                                              only == nullptr ? "has a row" : options.kernel));
  }
  json result = summary_header("replay", options.command);
  result["schema"] = "ulpscope.replay/1";
  result["recorded"] = recording.machine;
  result["chip"] = options.chip;
  result["without_row"] = recording.without_row;
  result["kernels"] = json::array();
  for (const auto& [kernel, counts] : kernels) result["kernels"].push_back(as_json(kernel, counts));
  return result;
}

}  // namespace ulpscope
