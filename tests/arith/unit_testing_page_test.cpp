// docs/unit_testing.md shows only code that is compiled and run: each of its C++ blocks stands in
// unit_testing_test.cpp as it stands on the page.
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(std::string(ULPSCOPE_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> cpp_blocks(const std::string& page) {
  constexpr std::string_view opening = "```cpp\n";
  constexpr std::string_view closing = "```";
  std::vector<std::string> blocks;
  for (auto at = page.find(opening); at != std::string::npos; at = page.find(opening, at)) {
    at += opening.size();
    const auto end = page.find(closing, at);
    blocks.push_back(page.substr(at, end - at));
    at = end + closing.size();
  }
  return blocks;
}

}  // namespace

TEST_CASE("every C++ block of the page on unit tests is in the file that is compiled") {
  const auto blocks = cpp_blocks(text_of("docs/unit_testing.md"));
  const auto compiled = text_of("tests/arith/unit_testing_test.cpp");
  CHECK(blocks.size() > 5);
  for (const auto& block : blocks) {
    CHECK_MESSAGE(compiled.find(block) != std::string::npos, "not compiled:\n", block);
  }
}
