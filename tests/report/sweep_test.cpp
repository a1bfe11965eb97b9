#include "ulpscope/report/sweep.hpp"

#include "ulpscope/base/error.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;

namespace {

json sample() {
  return json::parse(R"({
    "schema": "ulpscope.sweep/1", "command": "ulpscope sweep --gap 4,6 <&>",
    "tool": {"name": "ulpscope", "version": "0"},
    "measure": {"name": "attention", "summary": "error of O"}, "x": "gap",
    "axes": [{"name": "law", "values": ["ties"]}, {"name": "gap", "values": ["4", "6"]},
             {"name": "kernels", "values": ["=a", "b"]}],
    "columns": [
      {"figure": "count", "head": "count", "meaning": "elements", "kind": "count", "error": "",
       "drawn": false},
      {"figure": "mean", "head": "mean", "meaning": "mean error", "kind": "number",
       "error": "stderr", "drawn": true},
      {"figure": "stderr", "head": "", "meaning": "its error", "kind": "number", "error": "",
       "drawn": false},
      {"figure": "z", "head": "z", "meaning": "ratio", "kind": "z", "error": "", "drawn": false}],
    "points": [
      {"axes": {"law": "ties", "gap": "4", "kernels": "=a"},
       "figures": {"count": 100, "mean": -0.25, "stderr": 0.01, "z": -25.0}},
      {"axes": {"law": "ties", "gap": "6", "kernels": "=a"},
       "figures": {"count": 100, "mean": "NaN", "stderr": "NaN", "z": "NaN"}},
      {"axes": {"law": "ties", "gap": "4", "kernels": "b"}, "refused": "takes, no <windows>"},
      {"axes": {"law": "ties", "gap": "6", "kernels": "b"},
       "figures": {"count": 7, "mean": 0.5, "stderr": 0.2, "z": 2.5}}]})");
}

bool has(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

}  // namespace

TEST_SUITE("sweep report") {
  TEST_CASE("the text has the varying axes, the figures with their errors, and the reasons") {
    const std::string text = sweep_text(sample());
    CHECK(has(text, "error of O; law ties\n"));
    CHECK(has(text, "gap  kernels  count             mean      z\n"));
    CHECK(has(text, "4    =a         100  -0.250 +- 0.010  -25.0*\n"));
    CHECK(has(text, "6    b            7     0.50 +- 0.20   +2.5\n"));
    CHECK(has(text, "not run: gap 4, kernels b: takes, no <windows>\n"));
    CHECK(has(text, "mean: mean error\n"));
  }

  TEST_CASE("the CSV has every figure in full, and runs no formula") {
    CHECK(sweep_csv(sample()) ==
          "law,gap,kernels,count,mean,stderr,z,refused\n"
          "ties,4,\"'=a\",100,-0.25,0.01,-25,\n"
          "ties,6,\"'=a\",100,,,,\n"
          "ties,4,b,,,,,\"takes, no <windows>\"\n"
          "ties,6,b,7,0.5,0.2,2.5,\n");
  }

  TEST_CASE("the page has a plot a drawn figure and escapes what it shows") {
    const std::string page = sweep_page(sample());
    CHECK(has(page, "kernels =a"));
    CHECK(has(page, "<svg"));
    CHECK(has(page, "bars of two standard errors"));
    CHECK(has(page, "no &lt;windows&gt;"));
    CHECK(has(page, "&lt;&amp;&gt;"));
    CHECK_FALSE(has(page, "<windows>"));
    CHECK_FALSE(has(page, "<script"));
  }

  TEST_CASE("what is no sweep is an input error") {
    for (const char* pointer : {"/schema", "/tool", "/axes", "/columns/0/kind",
                                "/points/0/axes/gap", "/points/0/figures/count"}) {
      CAPTURE(pointer);
      json broken = sample();
      broken[json::json_pointer(pointer)] = json::array({1});
      CHECK_THROWS_AS(sweep_text(broken), Error);
      CHECK_THROWS_AS(sweep_page(broken), Error);
    }
    json other = sample();
    other["schema"] = "ulpscope.summary/1";
    CHECK_THROWS_AS(sweep_csv(other), Error);
  }
}
