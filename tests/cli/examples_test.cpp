// The examples of the documents are real: every command of a ```console block is run, in the order
// of the page, and what it prints is compared with what the page shows.
//
//   $ ulpscope round 1 --to bf16      a command: the words up to the end of the line
//   1 -> bf16 1                       its output, stdout and stderr together
//   ...                               any number of lines that the page leaves out
//
// Commands run in an empty folder that sees the repository's data as `data`.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

std::string text_of(const std::string& path) {
  std::ifstream file(std::string(ULPSCOPE_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Example {
  std::string command;
  Lines shown;
};

std::vector<Example> examples_of(const std::string& page) {
  std::vector<Example> examples;
  bool inside = false;
  for (const auto& line : lines_of(page)) {
    if (line.starts_with("```")) {
      inside = line == "```console";
    } else if (inside && line.starts_with("$ ")) {
      examples.push_back({line.substr(2), {}});
    } else if (inside && !examples.empty()) {
      examples.back().shown.push_back(line);
    }
  }
  return examples;
}

// Whether `printed` is `shown` with any lines in the place of each "...".
bool matches(const Lines& shown, const Lines& printed) {
  auto at = printed.begin();
  bool gap = false;
  for (const auto& line : shown) {
    if (line == "...") {
      gap = true;
      continue;
    }
    at = gap ? std::find(at, printed.end(), line) : at;
    if (at == printed.end() || *at != line) return false;
    ++at;
    gap = false;
  }
  return gap || at == printed.end();
}

// A folder of its own for the commands of one page.
class Workplace {
 public:
  Workplace() { fs::create_directory_symlink(ULPSCOPE_DATA_DIR, folder_.path() / "data"); }

  Lines run(const std::string& command) const {
    const std::string shell = "cd '" + folder_.path().string() +
                              "' && PATH='" ULPSCOPE_TOOL_DIR "':$PATH " + command + " 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(shell.c_str(), "r"), pclose);
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> part{};
    while (const size_t n = fread(part.data(), 1, part.size(), pipe.get())) {
      text.append(part.data(), n);
    }
    return lines_of(text);
  }

 private:
  ulpscope::test::TemporaryFolder folder_;
};

std::string joined(const Lines& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

void check_page(const std::string& path) {
  const auto examples = examples_of(text_of(path));
  REQUIRE(!examples.empty());
  const Workplace here;
  for (const auto& example : examples) {
    REQUIRE_MESSAGE(example.command.starts_with("ulpscope "), path, ": ", example.command);
    const Lines printed = here.run(example.command);
    CHECK_MESSAGE(matches(example.shown, printed), path, " shows for ", example.command, "\n",
                  joined(example.shown), "but it prints\n", joined(printed));
  }
}

}  // namespace

TEST_CASE("a page may leave out lines, and nothing else") {
  CHECK(matches({"a", "b"}, {"a", "b"}));
  CHECK(matches({"a", "...", "d"}, {"a", "b", "c", "d"}));
  CHECK(matches({"a", "..."}, {"a", "b"}));
  CHECK(matches({}, {}));
  CHECK_FALSE(matches({"a"}, {"a", "b"}));
  CHECK_FALSE(matches({"a", "b"}, {"a"}));
  CHECK_FALSE(matches({"a", "...", "d"}, {"a", "b"}));
  CHECK_FALSE(matches({"b"}, {"a", "b"}));
}

TEST_CASE("the README shows what the tool prints") { check_page("README.md"); }

TEST_CASE("the page on the command line shows what the tool prints") { check_page("docs/cli.md"); }

TEST_CASE("the page on the papers' results shows what the tool prints") {
  check_page("docs/reproduce.md");
}

TEST_CASE("C++ in the README stands on the page on unit tests, which is compiled") {
  const auto readme = text_of("README.md");
  const auto page = text_of("docs/unit_testing.md");
  const std::string opening = "```cpp\n";
  const auto at = readme.find(opening);
  REQUIRE(at != std::string::npos);
  const auto begin = at + opening.size();
  const auto block = readme.substr(begin, readme.find("```", begin) - begin);
  CHECK(page.find(block) != std::string::npos);
}
