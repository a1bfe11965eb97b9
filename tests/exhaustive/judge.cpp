#include "exhaustive/judge.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"

#include <fmt/format.h>

namespace ulpscope {

namespace {

std::string_view name(const std::optional<Operation>& operation) {
  if (!operation) return "convert";
  switch (*operation) {
    case Operation::add: return "add";
    case Operation::sub: return "sub";
    case Operation::mul: return "mul";
    case Operation::div: return "div";
    case Operation::fma: return "fma";
    case Operation::sqrt: return "sqrt";
  }
  return "";
}

std::string hex(uint128 x) {
  const auto high = static_cast<uint64_t>(x >> 64);
  const auto low = static_cast<uint64_t>(x);
  return high == 0 ? fmt::format("{:#x}", low) : fmt::format("{:#x}{:016x}", high, low);
}

std::string answer(const ReferenceResult& r) {
  return fmt::format("bits {} residue {} flags {:#x}", hex(r.bits), r.residue,
                     static_cast<unsigned>(r.flags));
}

}  // namespace

std::string describe(const ReferenceCase& problem, const std::string& rounding,
                     const ReferenceResult& core, const ReferenceResult& reference) {
  std::string operands;
  for (int i = 0; i < operand_count(problem.operation); ++i) {
    const auto& operand = problem.operands[static_cast<size_t>(i)];
    operands += fmt::format(" {}:{}", format_name(operand.format), hex(operand.bits));
  }
  return fmt::format("first: {}{} to {} {}\n  core      {}\n  reference {}",
                     name(problem.operation), operands, format_name(problem.to), rounding,
                     answer(core), answer(reference));
}

std::string describe(const ReferenceCase& problem, const Rounding& rounding,
                     const ReferenceResult& core, const ReferenceResult& reference) {
  return describe(problem, rounding_name(rounding), core, reference);
}

std::vector<Rounding> modes_and_overflows() {
  std::vector<Rounding> all;
  for (const auto& mode : mode_names) {
    all.push_back({mode.mode, {}});
    for (const auto& row : overflow_names) all.push_back({mode.mode, {row.overflow}});
  }
  return all;
}

std::vector<Rounding> all_roundings() {
  std::vector<Rounding> all;
  for (const Rounding& r : modes_and_overflows()) {
    for (const Flush flush : {Flush::none, Flush::inputs, Flush::outputs, Flush::both}) {
      for (const NanRule nan : {NanRule::canonical, NanRule::propagate, NanRule::all_ones}) {
        all.push_back({r.mode, {r.policy.overflow, nan, flush}});
      }
    }
  }
  return all;
}

}  // namespace ulpscope
