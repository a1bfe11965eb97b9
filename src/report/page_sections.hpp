// The sections of a page, in the order in which page.cpp puts them. Each gives HTML, or an empty
// text where the summary has nothing to say. Tested by tests/report/page_test.cpp.
#pragma once

#include "ulpscope/report/summary.hpp"

#include <string>

namespace ulpscope::detail {

// "fa2-torch on h200", "3 engines": what the page is about, as plain text.
std::string subject(const Summary& summary);

std::string verdict_section(const Summary& summary);
std::string run_section(const Summary& summary);
std::string engines_section(const Summary& summary);
std::string comparison_section(const Summary& summary);
std::string fit_section(const Summary& summary);
std::string breakdown_section(const Summary& summary);
std::string outputs_section(const Summary& summary);
std::string sites_section(const Summary& summary);
std::string output_figures_section(const Summary& summary);
std::string site_figures_section(const Summary& summary);
std::string places_section(const Summary& summary);
std::string magnitudes_section(const Summary& summary);
std::string attribution_section(const Summary& summary);
std::string worst_section(const Summary& summary);
std::string formats_section(const Summary& summary);
std::string reproduce_section(const Summary& summary);

}  // namespace ulpscope::detail
