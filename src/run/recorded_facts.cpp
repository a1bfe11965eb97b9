#include "ulpscope/run/recorded_facts.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/open.hpp"

#include <charconv>
#include <map>
#include <system_error>

#include <fmt/format.h>

namespace ulpscope {

namespace {

using Metadata = std::map<std::string, std::string>;

struct Fact {
  const std::string& file;
  std::string name;
  std::string text;

  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(ErrorKind::input, fmt::format("{}: metadata {} is {}; expected {}", file, name,
                                              in_quotes(text), expected));
  }

  template <class Number>
  const char* number(const char* from, Number& value, const std::string& expected) const {
    const auto [end, error] = std::from_chars(from, text.data() + text.size(), value);
    if (error != std::errc() || !(value > 0)) fail(expected);
    return end;
  }
};

bool is_causal(const Fact& fact) {
  if (fact.text == "true") return true;
  if (fact.text == "false") return false;
  fact.fail("true or false");
}

double scale_of(const Fact& fact) {
  const std::string expected = "a number above zero";
  double scale = 0;
  if (fact.number(fact.text.data(), scale, expected) != fact.text.data() + fact.text.size()) {
    fact.fail(expected);
  }
  return scale;
}

std::array<int64_t, 2> launch_of(const Fact& fact) {
  const std::string expected = "batch and heads, B,H";
  const char* const end = fact.text.data() + fact.text.size();
  std::array<int64_t, 2> launch{};
  const char* at = fact.number(fact.text.data(), launch[0], expected);
  if (at == end || *at != ',') fact.fail(expected);
  if (fact.number(at + 1, launch[1], expected) != end) fact.fail(expected);
  return launch;
}

}  // namespace

std::string take_recorded_facts(ProblemOptions& options) {
  const std::string& file = options.inputs.input;
  if (file.empty()) return {};
  const Metadata metadata = open_tensors(file).metadata();
  std::string taken;
  const auto take = [&](const char* name, bool is_open, auto&& use) {
    const auto found = metadata.find(name);
    if (found == metadata.end() || !is_open) return;
    const std::string words = use(Fact{file, name, found->second});
    if (!words.empty()) taken += (taken.empty() ? "" : ", ") + words;
  };
  take("causal", options.mask == no_mask, [&](const Fact& fact) -> std::string {
    if (!is_causal(fact)) return {};
    options.mask = causal_mask;
    return "causal";
  });
  take("scale", !options.scale, [&](const Fact& fact) {
    options.scale = scale_of(fact);
    return "scale " + fact.text;
  });
  take("launch", !options.launch, [&](const Fact& fact) {
    options.launch = launch_of(fact);
    return "launch " + fact.text;
  });
  return taken;
}

std::string recorded_kernel(const ProblemOptions& options) {
  if (options.inputs.input.empty()) return {};
  const Metadata metadata = open_tensors(options.inputs.input).metadata();
  const auto found = metadata.find("kernel");
  return found == metadata.end() ? std::string() : found->second;
}

}  // namespace ulpscope
