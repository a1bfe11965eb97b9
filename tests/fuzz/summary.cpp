// The reader of summary.json, and what is drawn from it: any text.
//
// Held: a summary is refused in one line, or its histograms add up and every page, table and text
// can be drawn from it. The JSON parser comes first, as in `ulpscope report`.
#include "ulpscope/report/summary.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"

#include "fuzz/expect.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::fuzz;

namespace {

void expect_adds_up(const Statistics& statistics) {
  const Histogram& histogram = statistics.histogram;
  expect(histogram.edges.size() == histogram.counts.size() + 1, "a bin lies between two edges");
  uint128 sum = uint128{histogram.zero} + statistics.skipped;
  for (const uint64_t count : histogram.counts) sum += count;
  expect(sum == statistics.count, "the bins add up to the count");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = nlohmann::json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) return 0;
  try {
    const Summary summary = parse_summary(json);
    for (const Statistics& site : summary.sites) expect_adds_up(site);
    for (const Statistics& output : summary.outputs) expect_adds_up(output);
  } catch (const Error& error) {
    expect_refusal(error, ErrorKind::input, "summary: ");
    return 0;
  }
  expect(html_report(json).ends_with("</html>\n"), "a page is drawn to its end");
  expect(!text_summary(json).empty() && !csv_summary(json).empty(), "text and table are drawn");
  return 0;
}
