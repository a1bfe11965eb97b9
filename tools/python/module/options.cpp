#include "options.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

namespace ulpscope::python {

namespace {

using Names = std::map<std::string, std::string>;

InputOptions input_options(const Keywords& words, const HeldTensors& held) {
  InputOptions o;
  o.input = words.text("input");
  o.files = words.get<Names>("files", {});
  o.names = words.get<Names>("map", {});
  o.format = words.format("format");
  if (const auto layout = words.get<std::string>("layout")) o.layout = layout_named(*layout);
  if (const auto cast = words.get<std::string>("cast")) o.cast = rounding_named(*cast);
  o.held = &held;
  return o;
}

Mask mask_of(const Keywords& words) {
  Mask mask = no_mask;
  if (const auto window = words.get<std::array<int64_t, 2>>("window")) {
    mask = {.left = (*window)[0], .right = (*window)[1]};
  }
  if (words.get<bool>("causal", false)) mask.right = 0;
  return mask;
}

DescaleFactors descale_of(const Keywords& words) {
  const auto given = words.get<std::map<std::string, double>>("descale", {});
  const auto factor = [&](const char* name) {
    const auto found = given.find(name);
    return found == given.end() ? 1.0 : found->second;
  };
  return {.q = factor("q"), .k = factor("k"), .v = factor("v")};
}

}  // namespace

std::optional<Format> Keywords::format(const char* name) const {
  const auto named = get<std::string>(name);
  if (!named) return std::nullopt;
  return format_named(*named);
}

std::optional<int64_t> Keywords::whole(const char* name, int64_t least, int64_t most) const {
  const auto number = get<int64_t>(name);
  if (number && (*number < least || *number > most)) {
    throw Error(ErrorKind::usage,
                fmt::format("{} {}: expected {} to {}", name, *number, least, most));
  }
  return number;
}

int Keywords::threads() const {
  const auto all = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  return static_cast<int>(whole("threads", 1, 1024).value_or(all));
}

void Keywords::fail_type(const char* name) const {
  const auto text = fmt::format("{}: {} is not of the type that is expected", name,
                                nb::repr(words_[name]).c_str());
  throw nb::type_error(text.c_str());
}

ProblemOptions problem_options(const Keywords& words, const HeldTensors& held) {
  ProblemOptions o;
  o.inputs = input_options(words, held);
  o.mask = mask_of(words);
  o.backward = words.get<bool>("backward", true) ? BackwardChoice::if_given : BackwardChoice::off;
  o.scale = words.get<double>("scale");
  o.softcap = words.get<double>("softcap");
  o.alibi = words.text("alibi");
  o.descale = descale_of(words);
  o.launch = words.get<std::array<int64_t, 2>>("launch");
  if (const auto sms = words.whole("sms", 1, 4096)) o.multiprocessors = static_cast<int>(*sms);
  o.parts = words.get<int64_t>("parts", 0);
  o.gradient_order =
      words.get<bool>("unordered", false) ? GradientOrder::any : GradientOrder::fixed;
  return o;
}

}  // namespace ulpscope::python
