#include "ulpscope/report/comparison.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/table.hpp"

#include "sample.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

json group(const std::string& name, uint64_t different, double z, bool one_sided) {
  return {
      {"name", name},       {"count", 50},           {"skipped", 0}, {"different_bits", different},
      {"mean_ulp", 0.25},   {"stderr_ulp", 0.01},    {"z", z},       {"z_away", -1.0},
      {"max_abs_ulp", 2.0}, {"one_sided", one_sided}};
}

// The comparison of sample.hpp with a first difference, two divisions and a fit.
json full_summary() {
  json out = compare_summary();
  out["comparison"]["first_difference"] = {{"index", {0, 1, 133, 5}},
                                           {"a",
                                            {{"bits", "0x3f81"},
                                             {"fields", "0 01111111 0000001"},
                                             {"value", 1.0078125},
                                             {"hex_float", "0x1.02p+0"}}},
                                           {"b",
                                            {{"bits", "0x3f80"},
                                             {"fields", "0 01111111 0000000"},
                                             {"value", 1.0},
                                             {"hex_float", "0x1p+0"}}},
                                           {"ulp", 1}};
  out["breakdown"] = json::array(
      {{{"by", "sign"}, {"groups", {group("-", 5, 1.0, false), group("+", 7, -2.0, false)}}},
       {{"by", "feature"},
        {"groups",
         {group("0", 3, 4.0, false), group("1", 1, 6.5, true), group("2", 0, 0.0, false),
          group("3", 2, 0.0, false), group("4", 4, -9.0, true), group("5", 1, 1.0, false)}}},
       {{"by", "head"}, {"groups", {group("0", 12, 1.0, false)}}}});
  out["breakdown"][1]["groups"][3]["z"] = "Infinity";
  out["fit"] = {{"from", "fp32"},
                {"to", "bf16"},
                {"elements", 100},
                {"telling", 98},
                {"either_neighbour", 100},
                {"ranking",
                 {{{"roundings", {"rz", "rd"}}, {"explained", 100}},
                  {{"roundings", {"rne"}}, {"explained", 51}}}}};
  return out;
}

json site_steps(uint64_t steps, const std::string& bits) {
  return {{"steps", steps},
          {"inexact", 1},
          {"max_abs_ulp", 0.5},
          {"last_bits", bits},
          {"last_value", 1.5}};
}

json history_kernel(const std::string& name, const std::string& bits, json agrees) {
  return {{"name", name}, {"bits", bits}, {"value", 1.0078125}, {"agrees_with", std::move(agrees)}};
}

// The comparison with the history of an element in two kernels.
json history_summary() {
  json out = full_summary();
  out["history"] = {
      {"output", "o"},
      {"index", {0, 1, 133, 5}},
      {"kernels",
       {history_kernel("first@h200", "0x3f81", {"a"}),
        history_kernel("second@h200", "0x3f82", json::array())}},
      {"sites",
       {{{"site", "scores"},
         {"kernels", {site_steps(134, "0x40000000"), site_steps(134, "0x40000000")}},
         {"different", 0}},
        {{"site", "probability"},
         {"kernels", {site_steps(134, "0x3f000000"), site_steps(134, "0x3f000001")}},
         {"different", 3}},
        {{"site", "log2_score"},
         {"kernels", {{{"steps", 0}, {"inexact", 0}}, site_steps(134, "0x3f000001")}},
         {"different", 0}}}},
      {"parting",
       {{{"site", "probability"},
         {"key", 17},
         {"bits", "0x3f000000"},
         {"value", 0.5},
         {"error_ulp", -0.61}},
        {{"site", "probability"}, {"key", 17}, {"bits", "0x3f000001"}, {"value", 0.5}}}}};
  return out;
}

std::string refusal(const json& summary) {
  try {
    parse_summary(summary);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the groups to look at first are those that are called, then the most different") {
  const Summary summary = parse_summary(full_summary());
  const auto worst = worst_groups(summary.breakdown[1], 4);
  REQUIRE(worst.size() == 4);
  CHECK(worst[0]->name == "4");
  CHECK(worst[1]->name == "1");
  CHECK(worst[2]->name == "0");
  CHECK(worst[3]->name == "3");  // an infinite z that is not called comes by its differences
  CHECK(worst_groups(summary.breakdown[1], 100).size() == 5);
}

TEST_CASE("the terminal shows the first difference with its bits in every spelling") {
  const std::string text = text_summary(full_summary());
  CHECK(contains(text,
                 "first difference at (0, 1, 133, 5), 1 ulp apart\n"
                 "  a  0x3f81  0 01111111 0000001  1.0078125  0x1.02p+0\n"
                 "  b  0x3f80  0 01111111 0000000  1  0x1p+0\n"));
}

TEST_CASE("the terminal shows three groups of a division, and none that is the whole") {
  const std::string text = text_summary(full_summary());
  CHECK(contains(text, "feature, 3 of 6  4 "));
  CHECK(contains(text, "sign             +"));
  CHECK(contains(text, "-9.0*"));
  CHECK(!contains(text, "head"));
  json far = full_summary();
  far["breakdown"][1]["groups"][3]["different_bits"] = 50;
  CHECK(contains(text_summary(far), "inf "));  // no asterisk: a few equal errors have it, too
}

TEST_CASE("the terminal ranks roundings by the share that they explain") {
  const std::string text = text_summary(full_summary());
  CHECK(text.find("rz, rd") < text.find("rne"));
  CHECK(contains(text, "51.0 %"));
  CHECK(contains(text, "98 of 100 elements tell roundings apart"));
}

TEST_CASE("no line of a comparison is wider than the terminal") {
  json summary = full_summary();
  summary["comparison"]["first_difference"]["a"]["fields"] = std::string(300, '1');
  summary["fit"]["ranking"][0]["roundings"] = json::array({std::string(300, 'r')});
  summary["breakdown"][0]["by"] = std::string(300, 'b');
  summary["breakdown"][1]["groups"][4]["name"] = std::string(300, 'g');
  const std::string text = text_summary(summary);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    CHECK(end - at <= 120);
    at = end + 1;
  }
}

TEST_CASE("a page shows the groups, the first difference and the fit") {
  const std::string page = html_report(full_summary());
  CHECK(tag_complaint(page) == "");
  CHECK(contains(page, "[0, 1, 133, 5]"));
  CHECK(contains(page, "By feature"));
  CHECK(!contains(page, "By head"));
  CHECK(contains(page, "Which rounding: fp32 into bf16"));
}

TEST_CASE("names of groups and roundings are escaped on the page") {
  json summary = full_summary();
  summary["breakdown"][1]["groups"][0]["name"] = "<b>";
  summary["fit"]["to"] = "<i>";
  summary["fit"]["ranking"][0]["roundings"] = {"<u>"};
  const std::string page = html_report(summary);
  CHECK(tag_complaint(page) == "");
  for (const char* tag : {"<b>", "<i>", "<u>"}) CHECK(!contains(page, std::string(tag) + "</"));
  CHECK(contains(page, "&lt;u&gt;"));
}

TEST_CASE("groups and fits that do not add up are refused") {
  json group = full_summary();
  group["breakdown"][1]["groups"][0]["different_bits"] = 51;
  CHECK(contains(refusal(group), "breakdown[1].groups[0]: more elements than the 50"));
  json fit = full_summary();
  fit["fit"]["ranking"][0]["explained"] = 101;
  CHECK(contains(refusal(fit), "more elements explained than the 100"));
  json first = full_summary();
  first["comparison"]["first_difference"]["a"].erase("bits");
  CHECK(contains(refusal(first), "comparison.first_difference.a.bits"));
}

TEST_CASE("a history says whose bits a kernel gives, and marks where two part") {
  const std::string text = text_summary(history_summary());
  CHECK(contains(text, "history of o at (0, 1, 133, 5)"));
  CHECK(contains(text, "[1] first@h200 gives 0x3f81 (1.0078125), the bits of a\n"));
  CHECK(contains(text, "[2] second@h200 gives 0x3f82 (1.0078125), the bits of neither\n"));
  CHECK(contains(text, "probability  <- part"));
  CHECK(occurrences(text, "<- part") == 1);
  CHECK(contains(text,
                 "They part at probability of key 17: first@h200 has 0x3f000000 (0.5, error "
                 "-0.61 ulp);"));
  const std::string page = html_report(history_summary());
  CHECK(tag_complaint(page) == "");
  CHECK(contains(page, "History of o at [0, 1, 133, 5]"));
}

TEST_CASE("the history of one kernel shows its errors") {
  json summary = history_summary();
  json& history = summary["history"];
  history["kernels"].erase(1);
  history.erase("parting");
  for (auto& site : history["sites"]) site["kernels"].erase(1);
  const std::string text = text_summary(summary);
  CHECK(contains(text, "inexact"));
  CHECK(!contains(text, "part at"));
  CHECK(tag_complaint(html_report(summary)) == "");
}

TEST_CASE("a history with more or fewer entries than kernels is refused") {
  for (const char* list : {"kernels", "parting"}) {
    json summary = history_summary();
    summary["history"][list].erase(0);
    CHECK(contains(refusal(summary), "history: expected one or two kernels"));
  }
  json site = history_summary();
  site["history"]["sites"][0]["kernels"].erase(0);
  CHECK(contains(refusal(site), "history: expected one or two kernels"));
}

TEST_CASE("names in a history are made harmless") {
  json summary = history_summary();
  summary["history"]["kernels"][0]["name"] = "<b>\x1b[31m";
  summary["history"]["sites"][0]["site"] = "<i>";
  CHECK(tag_complaint(html_report(summary)) == "");
  CHECK(!contains(text_summary(summary), "\x1b"));
}
