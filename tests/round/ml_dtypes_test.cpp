// The small formats against ml_dtypes: the value of every code, and every bf16 code rounded into
// each of them. The tables are data/golden, made by tools/generate/ml_dtypes_table.py.
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

struct Row {
  uint64_t key;
  uint64_t value;
};

// The rows of each format, in the order of the file.
std::map<std::string, std::vector<Row>> table(const std::string& name) {
  std::ifstream file(std::string(ULPSCOPE_DATA_DIR) + "/golden/" + name);
  std::map<std::string, std::vector<Row>> rows;
  std::string line;
  std::getline(file, line);  // the head
  while (std::getline(file, line)) {
    const auto first = line.find(',');
    const auto second = line.find(',', first + 1);
    rows[line.substr(0, first)].push_back({std::stoull(line.substr(first + 1), nullptr, 16),
                                           std::stoull(line.substr(second + 1), nullptr, 16)});
  }
  return rows;
}

// Equal codes, or two NaN: ml_dtypes has NaN of both signs.
bool same(const Format& f, uint64_t x, uint64_t y) {
  return x == y || (is_nan(f, x) && is_nan(f, y));
}

}  // namespace

TEST_CASE("every code of the small formats has the value that ml_dtypes gives it") {
  const auto all = table("ml_dtypes_values.csv");
  CHECK(all.size() == 10);
  for (const auto& [name, rows] : all) {
    const Format f = format_named(name);
    CHECK(rows.size() == size_t{1} << width(f));
    for (const auto& [code, value] : rows) {
      const auto found = round_pack(fp32, decode<uint64_t>(f, code), nearest_even);
      CHECK_MESSAGE(same(fp32, found.bits, value), name, " ", code);
    }
  }
}

TEST_CASE("every bf16 number rounds into the small formats as ml_dtypes rounds it") {
  const auto all = table("ml_dtypes_bf16.csv");
  CHECK(all.size() == 10);
  for (const auto& [name, rows] : all) {
    const Format f = format_named(name);
    int64_t wrong = 0;
    int64_t count = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      const uint64_t end = i + 1 < rows.size() ? rows[i + 1].key : uint64_t{1} << width(bf16);
      for (uint64_t bits = rows[i].key; bits < end; ++bits) {
        if (is_nan(bf16, bits)) continue;
        const auto found = round_pack(f, decode<uint64_t>(bf16, bits), nearest_even);
        wrong += same(f, found.bits, rows[i].value) ? 0 : 1;
        ++count;
      }
    }
    CHECK_MESSAGE(wrong == 0, name);
    CHECK(count == 2 * (static_cast<int64_t>(infinity_bits(bf16)) + 1));
  }
}
