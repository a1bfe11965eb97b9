#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/value.hpp"

#include "rounding.hpp"
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

namespace ulpscope::python {

namespace {

namespace nb = nanobind;

// As `ulpscope formats --json` has them, values as numbers.
nb::dict facts(const Format& f) {
  const auto value = [&](uint128 code) { return double_value(f, code); };
  nb::dict row;
  row["name"] = format_name(f);
  row["bits"] = width(f);
  row["sign"] = f.sign == Sign::present;
  row["exponent_bits"] = f.exponent_bits;
  row["trailing_bits"] = f.trailing_bits;
  row["bias"] = f.bias;
  row["specials"] = specials_name(f);
  row["largest"] = value(largest_finite_bits<uint128>(f));
  row["smallest_normal"] = value(f.zero == Zero::none ? 0 : uint128{1} << f.trailing_bits);
  row["smallest"] = value(smallest_positive_bits<uint128>(f));
  row["infinity"] = has_infinity(f);
  row["nan"] = has_nan(f);
  return row;
}

nb::list catalogue_names() {
  nb::list rows;
  for (const auto& row : catalogue) {
    rows.append(nb::make_tuple(row.name, row.aliases, row.source));
  }
  return rows;
}

nb::list modes() {
  nb::list rows;
  for (const auto& row : mode_names) rows.append(nb::make_tuple(row.name, row.meaning));
  return rows;
}

}  // namespace

void add_formats(nb::module_& module) {
  module.def("catalogue", &catalogue_names);
  module.def("modes", &modes);
  module.def(
      "format", [](const std::string& name) { return facts(format_named(name)); }, nb::arg("name"));
}

}  // namespace ulpscope::python
