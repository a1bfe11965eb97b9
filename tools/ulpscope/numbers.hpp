// Operands on the command line: numbers, or codes of a format.
#pragma once

#include "ulpscope/round/operand.hpp"

#include <optional>
#include <string>

namespace ulpscope::cli {

// A decimal or hex-float number, exactly; with a format, the value of a code written in hex.
// Anything else is an Error of kind usage.
Exact<Uint256> read_operand(const std::string& text, const std::optional<Format>& code_of,
                            Flush flush);

}  // namespace ulpscope::cli
