#include "ulpscope/run/coat_run.hpp"

#include "ulpscope/analysis/moment_errors.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/run/one_tensor.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

struct ReadMoments {
  AdamStates states;
  json source;
};

json tensor_json(const OneTensor& tensor) {
  return {{"file", tensor.where},
          {"shape", tensor.info.shape},
          {"format", format_name(tensor.format)},
          {"xxh3_128", tensor.hash}};
}

ReadMoments moments_of(const CoatOptions& options) {
  if (options.first.empty() != options.second.empty()) {
    throw Error(ErrorKind::usage, "--first and --second: expected both, or neither");
  }
  if (options.first.empty()) {
    const AdamLaw& law = options.law;
    return {draw_adam_states(law),
            {{"seed", law.seed},
             {"steps", law.steps},
             {"spread", law.spread},
             {"beta1", law.beta1},
             {"beta2", law.beta2}}};
  }
  const OneTensor first = load_one_tensor(options.first, options.format);
  const OneTensor second = load_one_tensor(options.second, options.format);
  return {{as_binary32(first), as_binary32(second)},
          {{"first", tensor_json(first)}, {"second", tensor_json(second)}}};
}

json report_json(const MomentReport& report) {
  json formats = json::object();
  for (size_t f = 0; f < moment_format_count; ++f) {
    json groups = json::array();
    for (const auto& [k, count] : report.exponents[f]) {
      groups.push_back({{"k", k}, {"groups", count}});
    }
    formats[std::string(moment_formats[f].name)] = {{"lost", report.lost[f]},
                                                    {"exponents", std::move(groups)}};
  }
  return {{"median_range", number_json(report.median_range)}, {"formats", std::move(formats)}};
}

}  // namespace

json run_coat(const CoatOptions& options) {
  const ReadMoments moments = moments_of(options);
  const MomentErrors errors = moment_errors(moments.states.first, moments.states.second);
  json names = json::array();
  json table = json::array();
  for (size_t a = 0; a < moment_format_count; ++a) {
    names.push_back(moment_formats[a].name);
    json row = json::array();
    for (const GroupMean& cell : errors.steps[a]) {
      row.push_back(
          {{"mean", number_json(cell.mean)}, {"stderr", number_json(cell.standard_error)}});
    }
    table.push_back(std::move(row));
  }
  json result = summary_header("coat", options.command);
  result["schema"] = "ulpscope.coat/1";
  result["source"] = moments.source;
  result["values"] = moments.states.first.size();
  result["groups"] = errors.groups;
  result["first"] = report_json(errors.first);
  result["second"] = report_json(errors.second);
  result["formats"] = names;
  result["steps"] = table;
  result["gain"] = number_json(errors.steps[0][0].mean / errors.steps[1][1].mean);
  return result;
}

}  // namespace ulpscope
