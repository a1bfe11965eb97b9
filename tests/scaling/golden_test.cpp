// Whole tensors against numpy and ml_dtypes: data/golden/scaling.csv, made by
// tools/generate/scaling_table.py.
#include "ulpscope/scaling/quantise.hpp"
#include "ulpscope/scaling/schemes.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

using Codes = std::vector<uint32_t>;

// Rows by "scheme,rule,what".
std::map<std::string, Codes> table() {
  std::ifstream file(std::string(ULPSCOPE_DATA_DIR) + "/golden/scaling.csv");
  std::map<std::string, Codes> rows;
  std::string line;
  std::getline(file, line);  // the head
  while (std::getline(file, line)) {
    const auto comma = line.rfind(',');
    std::istringstream words(line.substr(comma + 1));
    auto& codes = rows[line.substr(0, comma)];
    for (std::string word; words >> word;) {
      codes.push_back(static_cast<uint32_t>(std::stoul(word, nullptr, 16)));
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("scales, codes and values of whole tensors are those of numpy with ml_dtypes") {
  const auto rows = table();
  int compared = 0;
  for (const auto& [key, codes] : rows) {
    std::istringstream parts(key);
    std::string scheme, rule, what;
    std::getline(parts, scheme, ',');
    std::getline(parts, rule, ',');
    std::getline(parts, what, ',');
    if (what != "codes") continue;
    CAPTURE(key);
    ScalingScheme s = scheme_named(scheme);
    s.rule = scale_rule_named(rule);
    const bool moderate = scheme == "nvfp4" || scheme == "absmax-tensor";
    const auto& input = rows.at(moderate ? "moderate,,input" : "all,,input");
    const auto found = quantise(s, input);
    const std::string stem = scheme + "," + rule + ",";
    CHECK(found.scales == rows.at(stem + "scales"));
    CHECK(found.codes == codes);
    CHECK(dequantise(s, found) == rows.at(stem + "values"));
    if (rows.contains(stem + "tensor")) {
      CHECK(found.tensor_scale == rows.at(stem + "tensor").at(0));
    }
    ++compared;
  }
  CHECK(compared == 24);
}
