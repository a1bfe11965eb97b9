#include "exhaustive/judge.hpp"

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

std::string answer(const Rounded& r) {
  return fmt::format("bits {:#x} residue {} flags {:#x}", r.bits, r.residue,
                     static_cast<unsigned>(r.flags));
}

}  // namespace

std::string describe(const Case& x, const Rounded& core, const Rounded& expected) {
  std::string operands;
  for (int i = 0; i < operand_count(x.operation); ++i) {
    const auto& operand = x.operands[static_cast<size_t>(i)];
    operands += fmt::format(" {}:{:#x}", format_name(operand.format), operand.bits);
  }
  return fmt::format("first: {}{} to {} {}\n  core      {}\n  reference {}", name(x.operation),
                     operands, format_name(x.to), rounding_name(x.rounding), answer(core),
                     answer(expected));
}

}  // namespace ulpscope
