// Random problems of four backends of the H200: grouped heads, windows, packed lengths, one row,
// odd lengths and head sizes, both formats, launches up to 40 times the stored batch.
#include "ulpscope/run/replay_run.hpp"

#include <map>

#include "captured/recorded.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

namespace {

struct Counted {
  int64_t calls;
  int64_t checksums;
  friend bool operator==(const Counted&, const Counted&) = default;
};
using Kernels = std::map<std::string, Counted>;

// Nothing may differ; what was compared is returned.
Kernels replay(const char* folder) {
  const auto result =
      run_replay({.folder = capture_folder(folder).string(), .chip = "h200", .threads = 2});
  Kernels kernels;
  for (const auto& row : result->at("kernels")) {
    CAPTURE(row.value("first", std::string()));
    CHECK(row.at("different") == 0);
    kernels[row.at("kernel")] = {row.at("calls"), row.at("tensors")};
  }
  return kernels;
}

}  // namespace

TEST_SUITE("captured random problems") {
  TEST_CASE("329 problems drawn once have the GPU's checksums of O, LSE, dQ, dK, dV") {
    CHECK(replay("h200_backends_fuzz") == Kernels{{"fa2-torch", {170, 850}},
                                                  {"memeff-torch", {80, 400}},
                                                  {"cudnn-9.19", {73, 355}},
                                                  {"flex-triton", {6, 30}}});
  }

  TEST_CASE("542 problems drawn by the clock, many with equal scores, have them too") {
    CHECK(replay("h200_backends_drawn") == Kernels{{"fa2-torch", {230, 1'150}},
                                                   {"memeff-torch", {150, 750}},
                                                   {"cudnn-9.19", {150, 725}},
                                                   {"flex-triton", {12, 60}}});
  }
}
