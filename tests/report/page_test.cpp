#include "ulpscope/report/page.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/text.hpp"

#include <cfenv>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

const std::string& sample_page() {
  static const std::string page = html_report(sample_summary());
  return page;
}

}  // namespace

TEST_CASE("every tag of a page is closed in order") {
  CHECK(tag_complaint(sample_page()) == "");
  CHECK(tag_complaint(html_report(small_summary())) == "");
  CHECK(tag_complaint(html_report(compare_summary())) == "");
}

TEST_CASE("the checker of tags finds what is wrong") {
  CHECK(tag_complaint("<p><b>x</p>") != "");
  CHECK(tag_complaint("<p>") != "");
  CHECK(tag_complaint("a < b") != "");
  CHECK(tag_complaint("<p>a > b</p>") != "");
  CHECK(tag_complaint("<p>x<br></p>") == "");
}

TEST_CASE("a page has no script and no address but the SVG namespace") {
  const std::string& page = sample_page();
  CHECK(!contains(page, "<script"));
  CHECK(!contains(page, "javascript:"));
  CHECK(!contains(page, "@import"));
  CHECK(!contains(page, "url("));
  CHECK(occurrences(page, "http") ==
        occurrences(page, "http://www.w3.org/2000/svg") + occurrences(page, "http-equiv"));
}

TEST_CASE("the content policy stands before everything from the summary") {
  const std::string& page = sample_page();
  const auto policy =
      page.find(R"(content="default-src 'none'; style-src 'unsafe-inline'; img-src data:")");
  REQUIRE(policy != std::string::npos);
  CHECK(policy < page.find("<title>"));
}

TEST_CASE("hostile strings are shown, not run, wherever they stand") {
  const std::string hostile = "<script>alert('x')</script>\"><img src=http://x onerror=y>\x1b[31m&";
  const json clean = sample_summary();
  const json flat = clean.flatten();
  std::size_t strings = 0;
  for (const auto& [pointer, value] : flat.items()) {
    // Fields that are read as something other than a name keep their value.
    const bool fixed = pointer == "/schema" || pointer == "/kind" || pointer == "/verdict/status" ||
                       contains(pointer, "/histogram/");
    if (!value.is_string() || fixed) continue;
    json summary = clean;
    summary[json::json_pointer(pointer)] = hostile;
    const std::string page = html_report(summary);
    CAPTURE(pointer);
    CHECK(tag_complaint(page) == "");
    CHECK(!contains(page, "<script"));
    CHECK(!contains(page, "<img"));
    CHECK(!contains(page, "\x1b"));
    if (++strings % 20 == 1) CHECK(contains(page, "&lt;script&gt;alert(&#39;x&#39;)"));
  }
  CHECK(strings > 80);
}

TEST_CASE("the order of a page is that of a reader's questions") {
  const std::string& page = sample_page();
  std::size_t last = 0;
  for (const char* part :
       {"class=\"verdict", "Outputs against the reference", "How large the errors are",
        "Where the errors are", "Worst elements", "Rounding sites, in the order",
        "Errors of the rounding sites", "What was run", ">Formats<", "Casts", "Run it again"}) {
    const std::size_t at = page.find(part);
    CAPTURE(part);
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("a page holds the numbers and names of its summary") {
  const std::string& page = sample_page();
  const json sample = sample_summary();
  CHECK(contains(page, sample["inputs"][0]["xxh3_128"].get<std::string>()));
  CHECK(contains(page, sample["outputs"][0]["worst"][0]["bits"].get<std::string>()));
  CHECK(contains(page, "<pre>ulpscope attention layer2_step6610.npz"));
  CHECK(contains(page, grouped(sample["outputs"][0]["smaller"].get<uint64_t>())));
  for (const json& site : sample["sites"]) {
    CHECK(contains(page, "<b>" + site["name"].get<std::string>() + "</b>"));
  }
  CHECK(occurrences(page, "overridden ◆") == 1);
}

TEST_CASE("at most twenty worst elements are listed") {
  json summary = small_summary();
  const json element = {{"index", {0, 1}},
                        {"bits", "0xbf12"},
                        {"value", -0.57},
                        {"reference", "NaN"},
                        {"error_ulp", 1}};
  summary["outputs"][0]["worst"] = std::vector<json>(30, element);
  CHECK(occurrences(html_report(summary), "0xbf12") == 20);
}

TEST_CASE("called rows stand out and the sign test never decides") {
  json summary = small_summary();
  summary["outputs"] = json::array();
  CHECK(occurrences(html_report(summary), "<tr class=\"called\">") == 1);
  summary["sites"][0]["z"] = 1.0;
  summary["sites"][0]["sign_z"] = -90.0;
  const std::string page = html_report(summary);
  CHECK(!contains(page, "<tr class=\"called\">"));
  CHECK(!contains(page, "<strong>"));
}

TEST_CASE("a summary without sites is drawn and says so") {
  json summary = small_summary();
  summary["sites"] = json::array();
  const std::string page = html_report(summary);
  CHECK(tag_complaint(page) == "");
  CHECK(contains(page, "No rounding site was recorded."));
}

TEST_CASE("a site of exact results only and one never reached have no empty plot") {
  json summary = small_summary();
  summary["sites"][0]["histogram"]["counts"] = {0, 0, 0, 0, 0, 0};
  summary["sites"][0]["histogram"]["zero"] = 9;
  CHECK(contains(html_report(summary), "always exact"));
  summary["sites"][0]["histogram"]["zero"] = 0;
  summary["sites"][0]["skipped"] = 10;
  CHECK(contains(html_report(summary), "no finite rounding here"));
}

TEST_CASE("non-finite numbers are shown by name and absent ones as a dash") {
  json summary = small_summary();
  summary["sites"][0]["max_abs_ulp"] = "Infinity";
  summary["sites"][0]["mean_ulp"] = "NaN";
  const std::string page = html_report(summary);
  CHECK(contains(page, "<td>inf</td>"));
  CHECK(contains(page, "<span class=\"none\">–</span>"));
}

TEST_CASE("a comparison shows its buckets and both sides") {
  const std::string page = html_report(compare_summary());
  CHECK(contains(page, "run/outputs.safetensors:o"));
  CHECK(contains(page, "12 (12.0 %)"));
  CHECK(contains(page, "88  (88.0 %)"));
  CHECK(contains(page, "&gt;100"));
  CHECK(!contains(page, "What was run"));
}

TEST_CASE("equal summaries give equal bytes, whatever the host's rounding direction") {
  const json summary = sample_summary();  // reading text into doubles is the caller's arithmetic
  std::fesetround(FE_UPWARD);
  const std::string upward = html_report(summary);
  std::fesetround(FE_TONEAREST);
  const bool same = upward == sample_page();  // a page is too long to print on failure
  CHECK(same);
}

TEST_CASE("a summary that does not add up is not drawn") {
  json summary = small_summary();
  summary["outputs"][0]["histogram"]["zero"] = 3;
  CHECK_THROWS_AS(html_report(summary), Error);
}
