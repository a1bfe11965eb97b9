#include "numbers.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/text.hpp"

#include <fmt/format.h>

namespace ulpscope::cli {

Exact<Uint256> read_operand(const std::string& text, const std::optional<Format>& code_of,
                            Flush flush) {
  if (code_of) {
    const auto code = parse_code(*code_of, text);
    if (code) return operand<Uint256>(*code_of, *code, flush);
    throw Error(ErrorKind::usage, fmt::format("'{}': expected the bits of a {} in hexadecimal, as "
                                              "{}",
                                              text, format_name(*code_of), code_text(*code_of, 1)));
  }
  const auto number = parse_number(text);
  if (number) return *number;
  throw Error(ErrorKind::usage,
              fmt::format("'{}': expected a number, such as -4.703, 1e-40 or 0x1.8p-3; for bits "
                          "use --from FORMAT",
                          text));
}

}  // namespace ulpscope::cli
