#include "ulpscope/run/rope_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/sample_run.hpp"

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace ulpscope;

TEST_SUITE("rope run") {
  TEST_CASE("a row for every recipe and length, binary32 the smallest") {
    const auto result = run_rope({.lengths = {16, 64}, .heads = 2});
    REQUIRE(result["rows"].size() == 6);
    CHECK(result["rows"][0]["recipe"] == "fp32");
    CHECK(result["rows"][1]["length"] == 64);
    CHECK(result["rows"][1]["absolute"].get<double>() <
          0.01 * result["rows"][3]["absolute"].get<double>());
    CHECK(result["source"] == "normal");
  }

  TEST_CASE("a file's vectors are what is turned") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    write_sample({.law = {}, .shape = {.heads = 2, .rows = 32, .keys = 32, .dim = 64}}, path);
    RopeOptions options;
    options.inputs.input = path;
    options.lengths = {32};
    const auto result = run_rope(options);
    CHECK(result["heads"] == 2);
    CHECK(result["dim"] == 64);
    CHECK(result["rows"][1]["absolute"].get<double>() > 0);
    options.lengths = {33};
    CHECK_THROWS_WITH_AS(run_rope(options), doctest::Contains("expected 1 to 32"), Error);
  }

  TEST_CASE("matrices are compared where they are asked for, and are square") {
    const test::TemporaryFolder here;
    const auto path = (here.path() / "n.safetensors").string();
    write_sample({.law = {}, .shape = {.heads = 1, .rows = 8, .keys = 16, .dim = 8}}, path);
    RopeOptions options{.recipes = {"cast"}, .lengths = {8}, .dim = 8, .heads = 2};
    CHECK_FALSE(run_rope(options)["rows"][0].contains("matrices"));
    options.matrices = RopeMatrices::on;
    CHECK(run_rope(options)["rows"][0]["matrices"]["absolute"].get<double>() > 0);
    options.inputs.input = path;
    CHECK_THROWS_WITH_AS(run_rope(options), doctest::Contains("8 queries and 16 keys"), Error);
  }

  TEST_CASE("no length, no recipe, a length of nothing: refused") {
    CHECK_THROWS_AS(run_rope({.lengths = {}}), Error);
    CHECK_THROWS_AS(run_rope({.recipes = {}}), Error);
    CHECK_THROWS_AS(run_rope({.lengths = {0}}), Error);
  }
}
