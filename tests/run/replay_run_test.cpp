#include "ulpscope/run/replay_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/recording.hpp"

#include <fstream>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;
using nlohmann::json;
using test::TemporaryFolder;

namespace {

const std::string recordings = std::string(ULPSCOPE_DATA_DIR) + "/captures/";

// The first calls of a recording of a real card, perhaps changed.
void write_first_calls(const std::filesystem::path& folder, size_t count, const json& change = {}) {
  std::ifstream file(recordings + "h200_backends_fuzz/fuzz.json");
  json recording = json::parse(file);
  json& cases = recording["cases"];
  cases.erase(cases.begin() + static_cast<long>(count), cases.end());
  for (const auto& [name, value] : change.items()) cases[0][name] = value;
  std::ofstream(folder / "fuzz.json") << recording.dump();
}

json replay(const std::filesystem::path& folder) {
  return *run_replay({.folder = folder.string(), .chip = "h200"});
}

}  // namespace

TEST_SUITE("replay") {
  TEST_CASE("calls of a real card give its checksums, and their number is told") {
    const TemporaryFolder folder;
    write_first_calls(folder.path(), 3);
    const json result = replay(folder.path());
    CHECK(result["schema"] == "ulpscope.replay/1");
    CHECK(result["recorded"]["device"] == "NVIDIA H200");
    REQUIRE(result["kernels"].size() == 1);
    CHECK(result["kernels"][0]["kernel"] == "fa2-torch");
    CHECK(result["kernels"][0]["calls"] == 3);
    CHECK(result["kernels"][0]["tensors"] == 15);
    CHECK(result["kernels"][0]["different"] == 0);
  }

  TEST_CASE("a changed checksum is found, and the call and tensor are named") {
    const TemporaryFolder folder;
    write_first_calls(folder.path(), 2, {{"dk", 1}});
    const json row = replay(folder.path())["kernels"][0];
    CHECK(row["different"] == 1);
    CHECK(row["first"] == "flash 1001 dk");
  }

  TEST_CASE("another chip's sums do not give the bits, nor does another kernel's row") {
    const TemporaryFolder folder;
    write_first_calls(folder.path(), 2);
    const std::string calls = folder.path().string();
    CHECK((*run_replay({.folder = calls, .chip = "sm80"}))["kernels"][0]["different"] > 0);
    const json other = (*run_replay({.folder = calls, .as = "flex-triton"}))["kernels"][0];
    CHECK(other["kernel"] == "flex-triton");
    CHECK(other["different"] > 0);
  }

  TEST_CASE("calls of kernels without a row are counted and left out") {
    const TemporaryFolder folder;
    write_first_calls(folder.path(), 2, {{"kernel", "math"}});
    const json result = replay(folder.path());
    CHECK(result["without_row"] == 1);
    CHECK(result["kernels"][0]["calls"] == 1);
  }

  TEST_CASE("tensors that were kept are compared element by element") {
    const json result =
        *run_replay({.folder = recordings + "h200_paper_code", .kernel = "paper-eager"});
    REQUIRE(result["kernels"].size() == 1);
    CHECK(result["kernels"][0]["elements"] == 2 * 65'536 + 196'608);
    CHECK(result["kernels"][0]["different"] == 0);
  }

  TEST_CASE("a folder that is no recording is said to be none") {
    const TemporaryFolder folder;
    CHECK_THROWS_AS(replay(folder.path()), Error);
    std::ofstream(folder.path() / "fuzz.json") << "{";
    CHECK_THROWS_AS(replay(folder.path()), Error);
    std::ofstream(folder.path() / "fuzz.json") << "{}";
    CHECK_THROWS_AS(replay(folder.path()), Error);
    write_first_calls(folder.path(), 1, {{"seq_q", -4}});
    CHECK_THROWS_WITH_AS(replay(folder.path()),
                         "recorded call flash 1001: a size is -4; expected 1 to 1048576", Error);
    write_first_calls(folder.path(), 1, {{"law", "narrow"}});
    CHECK_THROWS_AS(replay(folder.path()), Error);
  }
}
