// The names of formats and roundings: any text.
//
// Held: a name that is accepted stands for a valid value, and the name which that value prints
// reads back to the same value and to the same name. What is not accepted is a usage error, or
// nothing where the function returns an optional.
#include "ulpscope/round/names.hpp"

#include "ulpscope/format/catalogue.hpp"

#include "fuzz/expect.hpp"

using namespace ulpscope;
using namespace ulpscope::fuzz;

namespace {

// The value of a name, or nothing where it is refused. A message repeats the name as it is: the
// command line makes it visible, so only its kind is held here.
template <class Read>
auto accepted(Read read, std::string_view name) -> std::optional<decltype(read(name))> {
  try {
    return read(name);
  } catch (const Error& error) {
    expect(error.kind() == ErrorKind::usage, "an unknown name is a usage error");
    return std::nullopt;
  }
}

void expect_format(std::string_view name) {
  const auto format = find_format(name);
  expect(accepted(format_named, name) == format, "both look-ups know the same names");
  if (!format) return;
  expect(is_valid(*format), "a name stands for a valid format");
  const std::string printed = format_name(*format);
  expect(find_format(printed) == format, "a format's name reads back: " + printed);
  expect(format_name(*find_format(printed)) == printed, "a format has one name: " + printed);
}

template <class Read, class Print>
void expect_rounding(Read read, Print print, std::string_view name) {
  const auto rounding = accepted(read, name);
  if (!rounding) return;
  const std::string printed = print(*rounding);
  expect(accepted(read, printed) == rounding, "a rounding's name reads back: " + printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_format(text);
  const auto mode = [](std::string_view name) { return rounding_named(name); };
  const auto stochastic = [](std::string_view name) { return stochastic_named(name); };
  expect_rounding(mode, rounding_name, text);
  expect_rounding(stochastic, stochastic_name, text);
  return 0;
}
