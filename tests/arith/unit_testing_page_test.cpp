// docs/unit_testing.md shows only code that is compiled and run: each of its C++ blocks stands in
// unit_testing_test.cpp as it stands on the page, each CMake block in a consumer of tests/install.
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

std::vector<std::string> blocks_of(const std::string& page, const std::string& language) {
  const std::string opening = "```" + language + "\n";
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
  const auto blocks = blocks_of(text_of("docs/unit_testing.md"), "cpp");
  const auto compiled = text_of("tests/arith/unit_testing_test.cpp");
  CHECK(blocks.size() > 5);
  for (const auto& block : blocks) {
    CHECK_MESSAGE(compiled.find(block) != std::string::npos, "not compiled:\n", block);
  }
}

TEST_CASE("every CMake block of the page is in a consumer that is configured, built and run") {
  const auto blocks = blocks_of(text_of("docs/unit_testing.md"), "cmake");
  const auto consumers = text_of("tests/install/find_package/CMakeLists.txt") +
                         text_of("tests/install/fetch_content/CMakeLists.txt");
  CHECK(blocks.size() == 2);
  for (const auto& block : blocks) {
    CHECK_MESSAGE(consumers.find(block) != std::string::npos, "not built:\n", block);
  }
}

TEST_CASE("the consumer's test is the first blocks of the page") {
  const auto blocks = blocks_of(text_of("docs/unit_testing.md"), "cpp");
  const auto consumer = text_of("tests/install/rounding_test.cpp");
  CHECK(consumer == blocks.at(0) + "\n" + blocks.at(1) + "\n" + blocks.at(2));
}
