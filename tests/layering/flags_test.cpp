// What every file of this build was compiled with, held by reading the build's own list of
// commands: for any machine of the architecture, since what is fast finds its instructions when it
// runs, and without liberties that change bits.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace {

namespace fs = std::filesystem;

// Two files may know more instructions: what the benchmarks compare with, which is to be as fast as
// Eigen can,
constexpr std::string_view yardstick = "tools/bench/eigen_attention.cpp";
// and a test that a product and a sum stay two roundings where the processor could fuse them.
constexpr std::string_view contraction_probe = "tests/base/contraction_probe.cpp";

struct Command {
  std::string file;  // relative to the repository
  std::vector<std::string> flags;

  bool has(std::string_view flag) const {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  }
};

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word);
  return result;
}

// The commands of our C++ files, without the flags that a user set for the whole build.
std::vector<Command> commands() {
  std::ifstream file(fs::path(ULPSCOPE_BUILD_DIR) / "compile_commands.json");
  const auto users = words(ULPSCOPE_USERS_FLAGS);
  std::vector<Command> result;
  for (const auto& entry : nlohmann::json::parse(file)) {
    const fs::path path = entry.at("file").get<std::string>();
    const bool is_of_a_package = path.generic_string().find("/site-packages/") != std::string::npos;
    if (path.extension() != ".cpp" || is_of_a_package) continue;
    Command command{path.lexically_relative(ULPSCOPE_SOURCE_DIR).generic_string(), {}};
    for (auto& word : words(entry.at("command"))) {
      if (std::find(users.begin(), users.end(), word) == users.end()) {
        command.flags.push_back(std::move(word));
      }
    }
    result.push_back(std::move(command));
  }
  return result;
}

bool begins_with_any(const std::string& flag, const std::vector<std::string_view>& starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return flag.rfind(start, 0) == 0; });
}

}  // namespace

TEST_SUITE("flags") {
  TEST_CASE("no file is compiled for the machine at hand, nor for newer ones than others") {
    const std::vector<std::string_view> of_a_machine{"-march", "-mtune", "-mcpu", "-mavx", "-mfma"};
    const auto all = commands();
    REQUIRE(all.size() > 100);
    for (const auto& command : all) {
      if (command.file == yardstick || command.file == contraction_probe) continue;
      for (const auto& flag : command.flags) {
        CAPTURE(command.file);
        CAPTURE(flag);
        CHECK_FALSE(begins_with_any(flag, of_a_machine));
      }
    }
  }

  TEST_CASE("no file may contract, reorder or approximate arithmetic") {
    const std::vector<std::string_view> liberties{"-Ofast", "-ffast-math", "-funsafe-math",
                                                  "-fassociative-math", "-freciprocal-math"};
    for (const auto& command : commands()) {
      CAPTURE(command.file);
      if (command.file != yardstick) CHECK(command.has("-ffp-contract=off"));
      for (const auto& flag : command.flags) {
        CAPTURE(flag);
        CHECK_FALSE(begins_with_any(flag, liberties));
      }
    }
  }
}
