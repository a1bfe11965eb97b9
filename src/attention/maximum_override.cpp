#include "ulpscope/attention/maximum_override.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr const char* form = "beta=B,tol=T[,clamp=X|none], B above 1, T and X not below 0";

[[noreturn]] void refuse_stable(std::string_view text) {
  throw Error(ErrorKind::usage, fmt::format("--stable {}: expected {}", text, form));
}

uint32_t binary32(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

// Nothing if the text is no number that binary32 holds approximately.
std::optional<double> number(std::string_view text) {
  const HostFpGuard guard;
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(x) || std::abs(x) > 1e38) return std::nullopt;
  return x;
}

void require_maximum(const Plan& plan) {
  switch (plan.recipe->engine) {
    case Engine::tiled: return;
    case Engine::reference: break;
  }
  throw Error(
      ErrorKind::usage,
      fmt::format("--stable, --offset: kernel {} has no maximum of its own; expected a kernel "
                  "that computes tiles",
                  plan.recipe->name));
}

}  // namespace

MaximumOverride parse_stable(std::string_view text) {
  std::optional<double> beta, tolerance;
  MaximumOverride change;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto item = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) refuse_stable(text);
    const auto key = item.substr(0, equals);
    const auto value = item.substr(equals + 1);
    std::optional<double>* const place = key == "beta"    ? &beta
                                         : key == "tol"   ? &tolerance
                                         : key == "clamp" ? &change.clamp
                                                          : nullptr;
    if (place == nullptr || *place) refuse_stable(text);
    *place = key == "clamp" && value == "none" ? std::optional(0.0) : number(value);
    if (!*place) refuse_stable(text);
  }
  if (!beta || !tolerance || *beta <= 1 || *tolerance < 0 || change.clamp.value_or(0) < 0) {
    refuse_stable(text);
  }
  change.stable = {*beta, *tolerance};
  return change;
}

MaximumOverride parse_offset(std::string_view text) {
  const auto offset = number(text);
  if (!offset) {
    throw Error(ErrorKind::usage,
                fmt::format("--offset {}: expected a number, in natural units of the score", text));
  }
  return {.offset = offset};
}

double natural_unit(const Plan& plan) {
  switch (plan.recipe->scaling) {
    case Scaling::natural: break;
    case Scaling::after_maximum:
      return 1.0 / static_cast<double>(bit_cast<float>(plan.problem.scale));
    case Scaling::one_product:
    case Scaling::two_products: return 1.4426950408889634;
  }
  return 1.0;
}

void apply(const MaximumOverride& change, Plan& plan) {
  if (!change.changes_something()) return;
  const HostFpGuard guard;
  require_maximum(plan);
  const double unit = natural_unit(plan);
  if (change.stable) {
    plan.maximum.stable =
        StableMaximum{binary32(change.stable->beta), binary32(change.stable->tolerance * unit)};
  }
  if (change.offset) plan.maximum.offset = binary32(*change.offset * unit);
  if (!change.clamp) return;
  const Carry carry = plan.recipe->row_sum.carry;
  if (*change.clamp > 0 && !has_tile_sum(carry)) {
    throw Error(
        ErrorKind::usage,
        fmt::format("--stable clamp={}: kernel {} adds P to its row sum without a sum of the "
                    "tile; expected clamp=none, or another kernel",
                    *change.clamp, plan.recipe->name));
  }
  plan.maximum.tile_least = binary32(*change.clamp);
}

std::string description(const MaximumOverride& change) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (change.stable) {
    add(fmt::format("stable maximum, beta {}, tolerance {}", change.stable->beta,
                    change.stable->tolerance));
  }
  if (change.clamp) {
    add(*change.clamp > 0 ? fmt::format("tile sums at least {}", *change.clamp)
                          : std::string("no clamp"));
  }
  if (change.offset) add(fmt::format("maximum + {}", *change.offset));
  return text;
}

}  // namespace ulpscope
