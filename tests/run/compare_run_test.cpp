#include "ulpscope/run/compare_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/round_pack.hpp"

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::string coded(const std::vector<uint64_t>& codes, size_t bytes) {
  std::string data;
  for (const uint64_t code : codes) data += little(code, bytes);
  return data;
}

std::string write_tensor(const TemporaryFolder& here, const std::string& name,
                         std::string_view dtype, std::string_view shape,
                         const std::vector<uint64_t>& codes) {
  const size_t bytes = dtype == "F32" ? 4 : 2;
  const auto data = coded(codes, bytes);
  return here.write(name, safetensors_bytes(object(entry("x", dtype, shape, 0, data.size())), data))
      .string();
}

// Two batches of three rows of two heads of four features, in the order bshd.
std::vector<uint64_t> bshd_codes() {
  std::vector<uint64_t> codes;
  for (uint64_t i = 0; i < 2 * 3 * 2 * 4; ++i) codes.push_back(0x3F80 + i);
  return codes;
}

const nlohmann::json& division(const nlohmann::json& summary, const std::string& by) {
  for (const auto& row : summary["breakdown"]) {
    if (row["by"] == by) return row["groups"];
  }
  FAIL("no division " << by);
  return summary;
}

// binary32 numbers of both signs from 2^-2 on, none of them in bf16.
std::vector<uint64_t> wide_codes() {
  std::vector<uint64_t> codes;
  for (uint64_t i = 0; i < 400; ++i) {
    codes.push_back((i % 2 << 31) | (0x3E80'0000 + 7919 * i + 0x8000 * (i % 5)));
  }
  return codes;
}

}  // namespace

TEST_SUITE("compare run") {
  TEST_CASE("equal tensors have no first difference, and no group that differs") {
    const TemporaryFolder here;
    const auto file = write_tensor(here, "a.safetensors", "BF16", "[2,3,2,4]", bshd_codes());
    const auto summary = run_compare({.a = file, .b = file + ":x"});
    CHECK(summary["verdict"]["status"] == "equal");
    CHECK_FALSE(summary["comparison"].contains("first_difference"));
    for (const auto& row : summary["breakdown"]) {
      for (const auto& group : row["groups"]) CHECK(group["different_bits"] == 0);
    }
    CHECK(text_summary(summary).find("first difference") == std::string::npos);
  }

  TEST_CASE("the first difference is named by its index, bits, fields and both values") {
    const TemporaryFolder here;
    auto codes = bshd_codes();
    const auto b = write_tensor(here, "b.safetensors", "BF16", "[2,3,2,4]", codes);
    codes[29] += 2;  // batch 1, row 0, head 1, feature 1
    codes[46] += 1;
    const auto a = write_tensor(here, "a.safetensors", "BF16", "[2,3,2,4]", codes);
    const auto stored = run_compare({.a = a, .b = b});
    const auto& first = stored["comparison"]["first_difference"];
    CHECK(first["index"] == std::vector<int64_t>{1, 0, 1, 1});
    CHECK(first["ulp"] == 2);
    CHECK(first["a"]["bits"] == "0x3f9f");
    CHECK(first["b"]["bits"] == "0x3f9d");
    CHECK(first["b"]["fields"] == "0 01111111 0011101");
    CHECK(first["b"]["value"] == 1.2265625);
    CHECK(first["b"]["hex_float"] == "0x1.3ap+0");
  }

  TEST_CASE("a layout says which axis counts rows and which heads") {
    const TemporaryFolder here;
    auto codes = bshd_codes();
    const auto b = write_tensor(here, "b.safetensors", "BF16", "[2,3,2,4]", codes);
    codes[29] += 2;
    const auto a = write_tensor(here, "a.safetensors", "BF16", "[2,3,2,4]", codes);
    const auto summary =
        run_compare({.a = a, .b = b, .layout = layout_named("bshd"), .row_tile = 1});
    CHECK(summary["comparison"]["first_difference"]["index"] ==
          std::vector<int64_t>{1, 1, 0, 1});  // batch, head, row, feature
    CHECK(summary["outputs"][0]["worst"][0]["index"] == std::vector<int64_t>{1, 1, 0, 1});
    REQUIRE(division(summary, "row_tile").size() == 3);
    CHECK(division(summary, "row_tile")[0]["different_bits"] == 1);
    REQUIRE(division(summary, "head").size() == 4);
    CHECK(division(summary, "head")[3]["different_bits"] == 1);
    CHECK(division(summary, "feature")[1]["different_bits"] == 1);
  }

  TEST_CASE("a tensor with an axis less has no features") {
    const TemporaryFolder here;
    const auto a = write_tensor(here, "a.safetensors", "BF16", "[2,12,2]", bshd_codes());
    const auto summary = run_compare({.a = a, .b = a, .layout = layout_named("bshd")});
    CHECK(division(summary, "feature").size() == 1);
    CHECK(division(summary, "head").size() == 4);
    CHECK(division(summary, "row_tile").size() == 1);
    CHECK_THROWS_AS(run_compare({.a = a, .b = a, .layout = layout_named("sd"), .row_tile = 5}),
                    Error);
  }

  TEST_CASE("shapes of any number of axes are compared") {
    const TemporaryFolder here;
    for (const char* shape : {"[48]", "[6,8]", "[2,3,8]", "[1,2,3,2,4]"}) {
      const auto a = write_tensor(here, "a.safetensors", "BF16", shape, bshd_codes());
      auto codes = bshd_codes();
      codes[47] ^= 1;
      const auto b = write_tensor(here, "b.safetensors", "BF16", shape, codes);
      const auto summary = run_compare({.a = a, .b = b});
      CHECK(summary["comparison"]["different_bits"] == 1);
      CHECK_FALSE(html_report(summary).empty());
    }
    const auto one = write_tensor(here, "one.safetensors", "BF16", "[]", {0x3F80});
    CHECK(run_compare({.a = one, .b = one})["verdict"]["status"] == "equal");
  }

  TEST_CASE("a fit names the mode that rounded, whichever tensor comes first") {
    const TemporaryFolder here;
    const auto wide = write_tensor(here, "wide.safetensors", "F32", "[20,20]", wide_codes());
    for (const auto& mode : mode_names) {
      CAPTURE(mode.name);
      std::vector<uint64_t> codes;
      for (const uint64_t code : wide_codes()) {
        codes.push_back(round_pack(bf16, decode<uint64_t>(fp32, code), {.mode = mode.mode}).bits);
      }
      const auto narrow = write_tensor(here, "narrow.safetensors", "BF16", "[20,20]", codes);
      const auto summary = run_compare({.a = narrow, .b = wide, .fit = Fit::on});
      CHECK(summary["verdict"]["status"] == "equal");
      const auto& names = summary["fit"]["ranking"][0]["roundings"];
      CHECK(std::find(names.begin(), names.end(), std::string(mode.name)) != names.end());
      CHECK(summary["fit"]["ranking"][0]["explained"] == 400);
      CHECK(summary["fit"]["ranking"][1]["explained"] < 400);
      CHECK(run_compare({.a = wide, .b = narrow, .fit = Fit::on})["fit"]["ranking"] ==
            summary["fit"]["ranking"]);
      CHECK(text_summary(summary).find("fp32 into bf16") != std::string::npos);
    }
  }

  TEST_CASE("a tensor that no rounding explains is different, with what is no neighbour") {
    const TemporaryFolder here;
    const auto wide =
        write_tensor(here, "wide.safetensors", "F32", "[2]", {0x3F80'8000, 0x4000'0000});
    const auto narrow = write_tensor(here, "narrow.safetensors", "BF16", "[2]", {0x3F81, 0x4001});
    const auto summary = run_compare({.a = narrow, .b = wide, .fit = Fit::on});
    CHECK(summary["verdict"]["status"] == "different");
    CHECK(summary["fit"]["either_neighbour"] == 1);
    CHECK(summary["fit"]["telling"] == 1);
  }

  TEST_CASE("a fit needs one tensor in more bits than the other") {
    const TemporaryFolder here;
    const auto a = write_tensor(here, "a.safetensors", "BF16", "[48]", bshd_codes());
    const auto b = write_tensor(here, "b.safetensors", "F16", "[48]", bshd_codes());
    CHECK_THROWS_AS(run_compare({.a = a, .b = b, .fit = Fit::on}), Error);
  }
}
