#include "ulpscope/round/names.hpp"

#include "ulpscope/base/error.hpp"

#include <charconv>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// What follows the first colon, split off.
struct Parts {
  std::string_view mode;
  std::string_view tokens;  // without the first colon
  bool has_tokens;
};
Parts parts_of(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {name, {}, false};
  return {name.substr(0, colon), name.substr(colon + 1), true};
}

Error unknown_token(std::string_view token, std::string_view name) {
  std::string known;
  for (const auto& row : overflow_names) known += fmt::format("{}, ", row.token);
  for (const auto& row : nan_names) known += fmt::format("{}, ", row.token);
  for (const auto& row : flush_names) known += fmt::format("{}, ", row.token);
  for (const auto& row : presets) {
    known += fmt::format("{}{}", &row == &presets.front() ? "" : ", ", row.name);
  }
  return {ErrorKind::usage,
          fmt::format("unknown '{}' in rounding '{}': expected one of {}", token, name, known)};
}

bool set_flush(std::string_view token, Policy& policy) {
  for (const auto& row : flush_names) {
    if (row.token != token) continue;
    policy.flush =
        policy.flush == Flush::none || policy.flush == row.flush ? row.flush : Flush::both;
    return true;
  }
  return false;
}

bool set_axis(std::string_view token, Policy& policy) {
  for (const auto& row : overflow_names) {
    if (row.token == token) {
      policy.overflow = row.overflow;
      return true;
    }
  }
  for (const auto& row : nan_names) {
    if (row.token == token) {
      policy.nan = row.nan;
      return true;
    }
  }
  return set_flush(token, policy);
}

Policy policy_of(const Parts& parts, std::string_view name, const Format* format) {
  Policy policy;
  std::string_view rest = parts.tokens;
  bool more = parts.has_tokens;
  while (more) {
    const auto colon = rest.find(':');
    const auto token = rest.substr(0, colon);
    const auto preset = find_preset(token, format != nullptr ? *format : ieee_like(8, 23));
    if (preset) {
      policy = *preset;
    } else if (!set_axis(token, policy)) {
      throw unknown_token(token, name);
    }
    more = colon != std::string_view::npos;
    if (more) rest.remove_prefix(colon + 1);
  }
  return policy;
}

std::string policy_tokens(const Policy& policy) {
  std::string text;
  for (const auto& row : overflow_names) {
    if (row.overflow == policy.overflow) text += fmt::format(":{}", row.token);
  }
  for (const auto& row : nan_names) {
    if (row.nan == policy.nan) text += fmt::format(":{}", row.token);
  }
  for (const auto& row : flush_names) {
    if (row.flush == policy.flush || policy.flush == Flush::both)
      text += fmt::format(":{}", row.token);
  }
  return text;
}

}  // namespace

Rounding rounding_named(std::string_view name, const Format* format) {
  const auto parts = parts_of(name);
  std::string known;
  for (const auto& row : mode_names) {
    if (row.name == parts.mode) return {row.mode, policy_of(parts, name, format)};
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  throw Error(
      ErrorKind::usage,
      fmt::format("unknown rounding '{}': expected one of {}, with :sat to saturate", name, known));
}

std::string rounding_name(const Rounding& rounding) {
  std::string_view name;
  for (const auto& row : mode_names) {
    if (row.mode == rounding.mode) name = row.name;
  }
  return fmt::format("{}{}", name, policy_tokens(rounding.policy));
}

bool names_stochastic(std::string_view name) { return name.starts_with("sr"); }

Stochastic stochastic_named(std::string_view name, const Format* format) {
  const auto parts = parts_of(name);
  const auto wrong = [&] {
    return Error(ErrorKind::usage,
                 fmt::format("unknown stochastic rounding '{}': expected sr (exact) or sr<N>, N "
                             "random bits from 1 to 64, with a, b or c behind it for the variant",
                             name));
  };
  if (!names_stochastic(name)) throw wrong();
  Stochastic rounding{.policy = policy_of(parts, name, format)};
  std::string_view rest = parts.mode.substr(2);
  if (rest.empty()) return rounding;
  if (rest.front() < '1' || rest.front() > '9') throw wrong();
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), rounding.bits);
  if (error != std::errc{} || rounding.bits > 64) throw wrong();
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  if (rest.empty() || rest == "a") {
    rounding.variant = Variant::a;
  } else if (rest == "b") {
    rounding.variant = Variant::b;
  } else if (rest == "c") {
    rounding.variant = Variant::c;
  } else {
    throw wrong();
  }
  return rounding;
}

std::string stochastic_name(const Stochastic& rounding) {
  const auto tokens = policy_tokens(rounding.policy);
  switch (rounding.variant) {
    case Variant::a: return fmt::format("sr{}a{}", rounding.bits, tokens);
    case Variant::b: return fmt::format("sr{}b{}", rounding.bits, tokens);
    case Variant::c: return fmt::format("sr{}c{}", rounding.bits, tokens);
    case Variant::exact: return fmt::format("sr{}", tokens);
  }
  return {};
}

}  // namespace ulpscope
