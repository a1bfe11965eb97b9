// The matrix of engines in text and page, and what of it is refused.
#include "ulpscope/base/error.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/summary.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/report/text.hpp"

#include <sstream>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

json pair(int a, int b, int different, double mean, double z) {
  return {{"a", a},
          {"b", b},
          {"different_bits", different},
          {"skipped", 0},
          {"mean_ulp", mean},
          {"stderr_ulp", 0.01},
          {"z", z},
          {"max_abs_ulp", 1.0}};
}

// Three engines: the second is the first, the third is too small. A fourth refused.
json engines_sample() {
  json out = small_summary();
  for (const char* key : {"kernel", "sites"}) out.erase(key);
  out["kind"] = "engines";
  out["engines"] = {{{"name", "fa@x"}, {"tile_rows", 128}, {"tile_keys", 64}},
                    {{"name", "fa@y"}},
                    {{"name", "cu@x"}, {"backward_refusal", "no backward pass here"}},
                    {{"name", "me@x"}, {"refusal", "takes no <windows>"}}};
  out["matrices"] = json::array(
      {{{"tensor", "o"},
        {"elements", 10},
        {"engines", {"fa@x", "fa@y", "cu@x"}},
        {"pairs",
         {pair(0, 1, 0, 0.0, 0.0), pair(0, 2, 4, 0.125, 6.0), pair(1, 2, 4, 0.0625, 1.0)}}}});
  out["outputs"] = json::array(
      {small_statistics("fa@x.o"), small_statistics("fa@y.o"), small_statistics("cu@x.o")});
  return out;
}

std::string refusal(const json& summary) {
  try {
    parse_summary(summary);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::input);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("pairs are found by their two engines") {
  const auto summary = parse_summary(engines_sample());
  REQUIRE(summary.matrices.size() == 1);
  const EngineMatrix& o = summary.matrices[0];
  CHECK(o.pair(0, 1).different_bits == 0);
  CHECK(o.pair(0, 2).mean_ulp == 0.125);
  CHECK(o.pair(1, 2).mean_ulp == 0.0625);
}

TEST_CASE("the matrix has different bits below its diagonal and signed means above") {
  const std::string text = text_summary(engines_sample());
  CAPTURE(text);
  CHECK(contains(text,
                 "o of 10       [1]        [2]        [3]\n"
                 " 1 fa@x         .          =    +0.1250*\n"
                 " 2 fa@y         =          .    +0.0625\n"
                 " 3 cu@x         4          4          .\n"));
  CHECK(contains(text, "not computed: me@x: takes no <windows>\n"));
  CHECK(contains(text, "no gradients: cu@x: no backward pass here\n"));
}

TEST_CASE("the page shows the matrix, coloured where a bias is called") {
  const std::string page = html_report(engines_sample());
  CHECK(contains(page, "4 engines"));
  CHECK(contains(page, "takes no &lt;windows&gt;"));
  CHECK(contains(page, "<strong>0.125</strong>"));
  CHECK(contains(page, ">0.0625</td>"));
  CHECK(contains(page, "every bit is equal"));
  CHECK(contains(page, "4 of 10 elements"));
  CHECK(!contains(page, "<windows>"));
}

TEST_CASE("lines stay within 120 columns whatever the names and numbers") {
  json summary = engines_sample();
  auto& matrix = summary["matrices"][0];
  matrix["tensor"] = std::string(200, 't');
  matrix["pairs"][1]["mean_ulp"] = -1.23456e300;
  matrix["pairs"][1]["z"] = -1e300;
  for (int i = 3; i < 30; ++i) {
    matrix["engines"].push_back(std::string(100, 'n'));
    for (int a = 0; a < i; ++a) matrix["pairs"].push_back(pair(a, i, 1, -999.9999, 9.0));
  }
  std::istringstream lines(text_summary(summary));
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(columns(line) <= 120);
  }
}

TEST_CASE("a matrix that a drawing would have to guess about is refused") {
  const auto changed = [](std::string_view pointer, const json& value) {
    json out = engines_sample();
    out[json::json_pointer(std::string(pointer))] = value;
    return refusal(out);
  };
  CHECK(refusal(engines_sample()).empty());
  CHECK(contains(changed("/matrices/0/pairs", json::array()),
                 "matrices[0].pairs: expected 3 pairs of 3 engines, found 0"));
  CHECK(contains(changed("/matrices/0/pairs/1/a", 1),
                 "matrices[0].pairs[1]: expected the pair of 0 and 2"));
  CHECK(contains(changed("/matrices/0/pairs/2/different_bits", 11), "more elements than the 10"));
  CHECK(contains(changed("/matrices/0/pairs/2/z", "high"), "matrices[0].pairs[2].z"));
  CHECK(contains(changed("/engines/0/name", 3), "engines[0].name"));
}
