#include "ulpscope/run/vectors.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

// A source that hands out a text in pieces.
VectorSource source_of(std::string text, size_t piece = 4096) {
  auto at = std::make_shared<size_t>(0);
  return {"text", [text = std::move(text), at, piece](std::span<char> block) {
            const size_t size = std::min({piece, block.size(), text.size() - *at});
            std::copy_n(text.begin() + static_cast<std::ptrdiff_t>(*at), size, block.begin());
            *at += size;
            return size;
          }};
}

VectorTally check(const char* name, const std::string& text, VectorOptions options = {}) {
  return check_vectors(vector_function(name, options), source_of(text));
}

void check_refusal(const char* name, const std::string& text,
                   std::initializer_list<const char*> parts) {
  CAPTURE(text);
  std::string message;
  try {
    check(name, text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::input);
    message = error.what();
  }
  CAPTURE(message);
  for (const char* part : parts) CHECK(message.find(part) != std::string::npos);
}

const std::string three_lines =
    "FC69 6C40 7C03 7E00 10\nF611 8B80 8B82 45B0 01\n"
    "7BF8 E7C0 FCFB 7E00 10\n";

// A section of a frozen file: the command that it stands for, and its lines.
struct Section {
  std::string command;
  std::string lines;
};
std::vector<Section> sections_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Section> sections;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("testfloat_gen ")) {
      sections.push_back({line, ""});
    } else {
      sections.back().lines += line + "\n";
    }
  }
  return sections;
}

VectorFunction function_of(const std::string& command) {
  std::istringstream words(command);
  std::string word;
  words >> word;
  VectorOptions options;
  while (words >> word && word.starts_with('-')) {
    if (word == "-tininessbefore") {
      options.tininess = Tininess::before;
    } else if (word == "-exact") {
      options.to_integer.inexact = Inexact::raised;
    } else if (word != "-tininessafter" && word != "-notexact") {
      options.mode = vector_rounding_named(word.substr(1));
    }
  }
  return vector_function(word, options);
}

}  // namespace

TEST_CASE("SoftFloat's 15,030 frozen answers are the core's, values and flags") {
  int64_t files = 0, sections = 0, lines = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(ULPSCOPE_DATA_DIR "/golden/testfloat")) {
    if (entry.path().extension() != ".txt") continue;
    ++files;
    for (const auto& section : sections_of(entry.path())) {
      CAPTURE(section.command);
      const auto function = function_of(section.command);
      CHECK(function.name == entry.path().stem());
      const auto tally = check_vectors(function, source_of(section.lines));
      for (const auto& m : tally.first) {
        FAIL_CHECK(operands_text(function, m.operands), ": found ", answer_text(function, m.found),
                   ", expected ", answer_text(function, m.expected));
      }
      ++sections;
      lines += tally.lines;
    }
  }
  CHECK(files == 74);
  CHECK(sections == 501);
  CHECK(lines == 15030);
}

TEST_CASE("right lines are counted, whatever the pieces they come in") {
  for (const size_t piece : {1, 2, 7, 22, 23, 24, 1000}) {
    const auto tally =
        check_vectors(vector_function("f16_mulAdd", {}), source_of(three_lines, piece));
    CHECK(tally.lines == 3);
    CHECK(tally.mismatches == 0);
  }
}

TEST_CASE("lines beyond a block of the reader are not lost") {
  std::string many;
  constexpr int64_t copies = 100000;  // 6.9 MB
  for (int64_t i = 0; i < copies; ++i) many += three_lines;
  many += "F611 8B80 8B82 45B1 01\n";
  const auto tally =
      check_vectors(vector_function("f16_mulAdd", {}), source_of(std::move(many), size_t{1} << 24));
  CHECK(tally.lines == 3 * copies + 1);
  REQUIRE(tally.mismatches == 1);
  CHECK(tally.first[0].line == 3 * copies + 1);
}

TEST_CASE("small letters, CRLF and a last line without its end are read") {
  CHECK(check("f16_mulAdd", "f611 8b80 8b82 45b0 01\r\nF611 8B80 8B82 45B0 01").lines == 2);
}

TEST_CASE("a wrong value and a wrong flag are reported with their line") {
  const auto f = vector_function("f16_mulAdd", {});
  const auto tally =
      check("f16_mulAdd", three_lines + "F611 8B80 8B82 45B1 01\nF611 8B80 8B82 45B0 00\n" +
                              "F611 8B80 8B82 45B1 03\n");
  CHECK(tally.lines == 6);
  CHECK(tally.mismatches == 3);
  CHECK(tally.wrong_values == 2);
  CHECK(tally.wrong_flags == 2);
  REQUIRE(tally.first.size() == 3);
  CHECK(tally.first[0].line == 4);
  CHECK(tally.first[1].line == 5);
  CHECK(operands_text(f, tally.first[0].operands) == "F611 8B80 8B82");
  CHECK(answer_text(f, tally.first[0].found) == "45B0 01");
  CHECK(answer_text(f, tally.first[0].expected) == "45B1 01");
  CHECK(answer_text(f, tally.first[1].expected) == "45B0 00");
}

TEST_CASE("the wrong direction and the wrong tininess are noticed") {
  CHECK(check("f16_mulAdd", three_lines, {.mode = Mode::toward_zero}).mismatches == 1);
  const std::string nearly = "387FF000 0400 01\n";
  CHECK(check("f32_to_f16", nearly).mismatches == 0);
  CHECK(check("f32_to_f16", nearly, {.tininess = Tininess::before}).wrong_flags == 1);
}

TEST_CASE("twenty mismatches are listed, all are counted") {
  std::string wrong;
  for (int i = 0; i < 50; ++i) wrong += "3C00 3C00 4001 00\n";
  const auto tally = check("f16_add", wrong);
  CHECK(tally.mismatches == 50);
  REQUIRE(tally.first.size() == 20);
  CHECK(tally.first.back().line == 20);
}

TEST_CASE("any NaN is as good as another, and as nothing else") {
  CHECK(check("f16_add", "7C00 FC00 7E00 10\n7C00 FC00 FE00 10\n7C00 FC00 7FFF 10\n").mismatches ==
        0);
  CHECK(check("f16_add", "7C00 FC00 7C00 10\n").wrong_values == 1);
  CHECK(check("f16_add", "3C00 3C00 7E00 00\n").wrong_values == 1);
}

TEST_CASE("zeros of different sign are different") {
  CHECK(check("f16_mul", "8000 3C00 0000 00\n").wrong_values == 1);
}

TEST_CASE("an integer out of range may be what any build of SoftFloat says") {
  const auto wrong = [](const char* name, const std::string& lines) {
    const auto tally = check(name, lines);
    CHECK(tally.wrong_flags == 0);
    return tally.wrong_values;
  };
  // -1, 2^16 x 2^16 and NaN; as on x86, RISC-V, Arm.
  CHECK(wrong("f32_to_ui32",
              "BF800000 FFFFFFFF 10\nBF800000 00000000 10\n"
              "4F800000 FFFFFFFF 10\n7FC00000 FFFFFFFF 10\n"
              "7FC00000 00000000 10\n") == 0);
  CHECK(wrong("f32_to_i32",
              "4F000000 80000000 10\n4F000000 7FFFFFFF 10\nCF800000 80000000 10\n"
              "7FC00000 80000000 10\n7FC00000 7FFFFFFF 10\n"
              "7FC00000 00000000 10\n") == 0);
  CHECK(wrong("f32_to_ui32", "4F800000 00000000 10\nBF800000 FFFFFFFE 10\n") == 2);
  CHECK(wrong("f32_to_i32", "CF800000 7FFFFFFF 10\n4F000000 00000000 10\n") == 2);
  CHECK(check("f32_to_i32", "4F000000 7FFFFFFF 11\n").wrong_flags == 1);
}

TEST_CASE("a line that is no vector is refused with its number, what it is and what it should be") {
  const char* form = "'xxxx xxxx xxxx xxxx xx'";
  const auto refused = [&](const std::string& line, const char* found) {
    check_refusal("f16_mulAdd", three_lines + line,
                  {"text, line 4: found ", found, form, "f16_mulAdd"});
  };
  refused("F611 8B80 8B82 45B0\n", "'F611 8B80 8B82 45B0'");    // short
  refused("F611 8B80 8B82 45B0 0", "'F611 8B80 8B82 45B0 0'");  // cut by the end
  refused("F611 8B80 8B82 45B0 011\n", "011'");                 // long
  refused("F611 8B80 8BG2 45B0 01\n", "8BG2");                  // no digit
  refused("F611 8B80 8B82 45B0 0\x80\n", "45B0 0");
  refused("F611 8B80 8B82  5B0 01\n", "  5B0");
  refused("F611-8B80 8B82 45B0 01\n", "F611-8B80");  // no space
  refused("F611 8B80 8B82 45B0 20\n", "45B0 20");    // no such flag
  refused("\n", "''");
  refused("testfloat_gen -rnear_even f16_mulAdd\n", "'testfloat_gen");
  refused(std::string(3 << 20, 'x'), "x'...");  // longer than a block
  check_refusal("f32_mulAdd", three_lines, {"line 1", "'xxxxxxxx xxxxxxxx xxxxxxxx xxxxxxxx xx'"});
  check_refusal("f16_eq", "3C00 3C00 2 00\n", {"line 1", "3C00 2", "0 or 1"});
}

TEST_CASE("an input without a line is refused, so that a lost generator is no success") {
  check_refusal("f16_add", "", {"text: found no line"});
}
