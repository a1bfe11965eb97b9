// The attribution of a summary, and what treatments leave. Tested by
// tests/report/attribution_test.cpp.
#pragma once

#include "ulpscope/report/attribution.hpp"

#include "json_field.hpp"

namespace ulpscope::detail {

AttributionRow read_attribution(const Field& field);
CuresRow read_cures(const Field& field);

}  // namespace ulpscope::detail
