// The chip's results in data/captures, one comma-separated line each, for the tests of this room.
//
//   for (const Point& p : points("expf")) CHECK(library_expf(mufu_sm90, p.x) == p.y);
//
// A file that is missing or holds no line of that name fails the test that asks.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace ulpscope {

// The fields of the lines whose first field is `name`, that field left out.
inline std::vector<std::vector<std::string>> captured_lines(const std::string& file,
                                                            const std::string& name) {
  std::ifstream input(std::string(ULPSCOPE_DATA_DIR) + "/captures/" + file);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(input, line);) {
    std::istringstream fields(line);
    std::string field;
    std::getline(fields, field, ',');
    if (field != name) continue;
    lines.emplace_back();
    while (std::getline(fields, field, ',')) lines.back().push_back(field);
  }
  REQUIRE_MESSAGE(!lines.empty(), file << ": no line of " << name);
  return lines;
}

inline uint32_t hex_code(const std::string& field) {
  return static_cast<uint32_t>(std::stoul(field, nullptr, 16));
}

struct Point {
  uint32_t x;
  uint32_t y;
};

inline std::vector<Point> points(const std::string& function,
                                 const std::string& recording = "h200_mufu_points") {
  std::vector<Point> found;
  for (const auto& line : captured_lines(recording + "/points.csv", function)) {
    found.push_back({hex_code(line.at(0)), hex_code(line.at(1))});
  }
  return found;
}

// Compares by bits and names the first few operands that differ.
template <class Model>
void check_points(const std::string& function, Model model,
                  const std::string& recording = "h200_mufu_points") {
  int differences = 0;
  for (const Point& p : points(function, recording)) {
    const uint32_t y = model(p.x);
    if (y == p.y) continue;
    if (++differences <= 5) {
      MESSAGE(function << " of " << p.x << ": chip " << p.y << ", model " << y);
    }
  }
  CHECK(differences == 0);
}

}  // namespace ulpscope
