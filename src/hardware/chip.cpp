#include "ulpscope/hardware/chip.hpp"

#include "ulpscope/base/error.hpp"

#include <string>

#include <fmt/format.h>

namespace ulpscope {

const Chip& chip_named(std::string_view name) {
  std::string known;
  for (const auto& chip : chips) {
    if (chip.name == name) return chip;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", chip.name);
  }
  throw Error(ErrorKind::usage, fmt::format("unknown chip '{}': expected one of {}", name, known));
}

const MatrixUnit& matrix_unit(const Chip& chip, const Format& input) {
  std::string known;
  for (const auto& unit : chip.units) {
    if (unit.sum.terms == 0) continue;
    if (unit.input == input) return unit;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", format_name(unit.input));
  }
  throw Error(ErrorKind::usage,
              fmt::format("chip {}: its tensor cores do not multiply {}; expected one of {}",
                          chip.name, format_name(input), known));
}

}  // namespace ulpscope
