#include "ulpscope/compare/identify.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"

#include <numeric>

#include "identify_search.hpp"
#include <fmt/format.h>

namespace ulpscope {

namespace {

void require_tensor(const Observed& x, const Problem& problem) {
  const auto name = output_name(x.output);
  const auto expected = static_cast<size_t>(sizes_of(x.output, problem).elements());
  if (x.codes.size() != expected) {
    throw Error(ErrorKind::input,
                fmt::format("{} has {} elements; expected {}", name, x.codes.size(), expected));
  }
  if (!is_subset(x.format, fp32) || (x.output == Output::lse && x.format != fp32)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} is {}; expected {}", name, format_name(x.format),
                            x.output == Output::lse ? "fp32" : "a format that fp32 holds"));
  }
}

void require(const Observation& seen) {
  Problem problem = seen.problem;
  problem.launch.multiprocessors = 1;  // a chip's, later
  check(problem);
  if (seen.tensors.empty()) {
    throw Error(ErrorKind::usage, "no output to identify: expected o, lse, dq, dk or dv");
  }
  std::array<bool, all_outputs.size()> there{};
  for (const Observed& x : seen.tensors) {
    bool& twice = there[static_cast<size_t>(x.output)];
    if (twice) {
      throw Error(ErrorKind::usage, fmt::format("two tensors for {}", output_name(x.output)));
    }
    twice = true;
    require_tensor(x, problem);
  }
  if (wants_gradients(seen) && seen.dout.size() != problem.q.size()) {
    throw Error(ErrorKind::input, fmt::format("do has {} elements; expected {}, as q has",
                                              seen.dout.size(), problem.q.size()));
  }
}

void require(const MeantKernel& meant, const Observation& seen) {
  const Recipe& recipe = *meant.recipe;
  if (recipe.engine != Engine::tiled) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {}: expected a kernel that works in tiles", recipe.name));
  }
  if (wants_gradients(seen) && recipe.backward == nullptr) {
    throw Error(ErrorKind::usage,
                fmt::format("kernel {} has no backward pass; expected o and lse alone, found "
                            "gradients",
                            recipe.name));
  }
}

// All that nobody takes, in one line.
std::string reasons(const std::vector<RefusedKernel>& refused) {
  std::string text;
  for (const auto& [kernel, chip, why] : refused) {
    text += fmt::format("{}{}@{}: {}", text.empty() ? "" : "; ", kernel, chip, why);
  }
  return text;
}

int64_t sum_of(const std::vector<Agreement>& tensors, int64_t Agreement::*count) {
  return std::accumulate(tensors.begin(), tensors.end(), int64_t{0},
                         [&](int64_t sum, const Agreement& a) { return sum + a.*count; });
}

enum class Row { own, changed };

std::vector<std::string> names_of(const std::vector<Match>& ranking, Row row) {
  std::vector<std::string> names;
  for (const Match& match : ranking) {
    if (match.different() == 0 && match.as_it_is == (row == Row::own)) {
      names.push_back(match.name());
    }
  }
  return names;
}

}  // namespace

std::string Match::name() const {
  return fmt::format("{}@{}{}{}", kernel, chip, change.empty() ? "" : " with ", change);
}

int64_t Match::elements() const { return sum_of(tensors, &Agreement::elements); }

int64_t Match::different() const { return sum_of(tensors, &Agreement::different); }

std::vector<std::string> Identification::kernels() const { return names_of(ranking, Row::own); }

std::vector<std::string> Identification::changes() const { return names_of(ranking, Row::changed); }

Identification identify(const Observation& observation, const IdentifyOptions& options) {
  require(observation);
  if (options.meant) require(*options.meant, observation);
  Identification result = IdentifySearch(observation, options).run();
  if (result.complete && result.ranking.empty()) {
    throw Error(ErrorKind::usage,
                fmt::format("no kernel takes the problem: {}", reasons(result.refused)));
  }
  return result;
}

}  // namespace ulpscope
