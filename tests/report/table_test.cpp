#include "ulpscope/report/table.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/text.hpp"

#include <limits>
#include <sstream>

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("the verdict comes first") {
  CHECK(lines_of(text_summary(small_summary()))[0] == "BIASED: o is too small.");
  CHECK(lines_of(text_summary(compare_summary()))[0] == "DIFFERENT: 12 elements differ.");
}

TEST_CASE("a site's row has mean, standard error, z and ties") {
  const std::string text = text_summary(small_summary());
  CHECK(contains(text, "output_store  bf16:rne     10  -0.250 +- 0.013  -20.0*"));
}

TEST_CASE("no line is wider than 120 columns and none holds an escape") {
  json summary = sample_summary();
  summary["verdict"]["text"] = "word " + std::string(300, 'w') + " \x1b[31m " +
                               std::string(50, 'v') + " " + std::string(80, 'u');
  summary["sites"][0]["name"] = std::string(200, 'n') + "\x1b[2J";
  summary["sites"][1]["name"] = "注意注意注意注意注意注意注意注意注意注意注意";
  summary["sites"][2]["format"] = std::string(90, 'f');
  summary["sites"][3]["mean_ulp"] = -1.23456e300;
  summary["sites"][3]["z"] = -1e300;
  for (const char* key : {"mean_ulp", "stderr_ulp", "z", "z_away", "max_abs_ulp"}) {
    summary["sites"][4][key] = -1.23456e300;
  }
  for (const char* key : {"ties", "ties_away", "overflow"}) {
    summary["sites"][4][key] = std::numeric_limits<uint64_t>::max();
  }
  const std::string text = text_summary(summary);
  CHECK(!contains(text, "\x1b"));
  for (const std::string& line : lines_of(text)) {
    CAPTURE(line);
    CHECK(columns(line) <= 120);
  }
}

TEST_CASE("the columns of a table are aligned") {
  const std::vector<std::string> lines = lines_of(text_summary(sample_summary()));
  std::size_t end_of_mean = 0, rows = 0;
  for (const std::string& line : lines) {
    const std::size_t head = line.find("mean ulp  ");
    if (line.substr(0, 4) == "site") end_of_mean = head + 8;
    if (end_of_mean == 0 || !contains(line, " +- ") || line.substr(0, 4) == "site") continue;
    ++rows;
    CHECK(line.at(end_of_mean - 1) != ' ');
    CHECK(line.at(end_of_mean) == ' ');
  }
  CHECK(rows == 19);
}

TEST_CASE("a comparison lists its buckets in order") {
  const std::string text = text_summary(compare_summary());
  CHECK(contains(text, "12 with different bits (12.0 %)"));
  CHECK(text.find("3-10") < text.find("11-100"));
  CHECK(contains(text, "on one side only: NaN 1, infinity 0"));
}

TEST_CASE("CSV has one row for each output and site with all cells") {
  const std::vector<std::string> lines = lines_of(csv_summary(sample_summary()));
  REQUIRE(lines.size() == 1 + 1 + 20);
  for (const std::string& line : lines) CHECK(occurrences(line, ",") == occurrences(lines[0], ","));
  CHECK(lines[1].substr(0, 13) == "output,o,bf16");
}

TEST_CASE("CSV numbers are in full and absent ones empty") {
  const std::string csv = csv_summary(small_summary());
  CHECK(contains(csv, "site,output_store,bf16,rne,10,1,-0.25,0.0125,-20,,,,"));
}

TEST_CASE("a name that a spreadsheet would run is quoted as text") {
  for (const char* name : {"=1+1", "+1", "-1", "@x"}) {
    json summary = small_summary();
    summary["sites"][0]["name"] = name;
    CHECK(contains(csv_summary(summary), "site,\"'" + std::string(name) + "\",bf16"));
  }
}

TEST_CASE("commas and quotes in CSV are quoted, line breaks shown as codes") {
  json summary = small_summary();
  summary["sites"][0]["name"] = "a,\"b\"\n";
  CHECK(contains(csv_summary(summary), "site,\"a,\"\"b\"\"\\x0a\",bf16"));
}

TEST_CASE("CSV of a comparison is one row with its buckets") {
  const std::vector<std::string> lines = lines_of(csv_summary(compare_summary()));
  REQUIRE(lines.size() == 2);
  CHECK(contains(lines[0], "ulp 3-10"));
  CHECK(contains(lines[1], "h200.npz:o,100,12,11,7,1,0,88,9,1,1,0,0"));
}

TEST_CASE("text and CSV refuse what the page refuses") {
  json summary = small_summary();
  summary["schema"] = "other";
  CHECK_THROWS_AS(text_summary(summary), Error);
  CHECK_THROWS_AS(csv_summary(summary), Error);
}

TEST_CASE("notes stand below the tables, wrapped") {
  auto summary = small_summary();
  summary["notes"] = {"dq here is a sum in ascending order"};
  CHECK(text_summary(summary).find("\nNote: dq here is a sum in ascending order") !=
        std::string::npos);
}
