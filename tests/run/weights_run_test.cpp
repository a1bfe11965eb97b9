#include "ulpscope/run/weights_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/run/checkpoint.hpp"

#include "tensor/files.hpp"
#include <nlohmann/json.hpp>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// A file with one bf16 tensor of these codes.
std::string one_tensor(const std::string& name, const std::vector<uint64_t>& codes) {
  std::string bytes;
  for (const uint64_t code : codes) bytes += little(code, 2);
  return safetensors_bytes(
      object(entry(name, "BF16", "[" + std::to_string(codes.size()) + "]", 0, bytes.size())),
      bytes);
}

constexpr uint64_t one = 0x3F80, two = 0x4000, three = 0x4040, not_a_number = 0x7FC0;

nlohmann::json distance(const std::filesystem::path& a, const std::filesystem::path& b) {
  return run_weights({.a = a.string(), .b = b.string()});
}

}  // namespace

TEST_SUITE("weights") {
  TEST_CASE("a permutation moves every weight and not their distribution") {
    const TemporaryFolder here;
    const auto a = here.write("a.safetensors", one_tensor("w", {one, two, three}));
    const auto b = here.write("b.safetensors", one_tensor("w", {three, one, two}));
    const auto result = distance(a, b);
    REQUIRE(result["tensors"].size() == 1);
    const auto& row = result["tensors"][0];
    CHECK(row["different"] == 3);
    CHECK(row["largest"] == 2.0);
    CHECK(row["largest_at"] == std::vector<int64_t>{0});
    CHECK(row["mean"] == (2.0 + 1.0 + 1.0) / 3.0);
    CHECK(row["wasserstein"] == 0.0);
  }

  TEST_CASE("a shift moves the distribution by itself") {
    const TemporaryFolder here;
    const auto a = here.write("a.safetensors", one_tensor("w", {one, two}));
    const auto b = here.write("b.safetensors", one_tensor("w", {two, three}));
    CHECK(distance(a, b)["all"]["wasserstein"] == 1.0);
  }

  TEST_CASE("numbers that are not finite are counted and left out") {
    const TemporaryFolder here;
    const auto a = here.write("a.safetensors", one_tensor("w", {one, not_a_number}));
    const auto b = here.write("b.safetensors", one_tensor("w", {two, one}));
    const auto all = distance(a, b)["all"];
    CHECK(all["not_finite"] == 1);
    CHECK(all["mean"] == 1.0);
    CHECK(all["wasserstein"] == 1.0);
  }

  TEST_CASE("a folder of files is one checkpoint, and 'all' is one sample") {
    const TemporaryFolder here;
    std::filesystem::create_directory(here.path() / "a");
    std::filesystem::create_directory(here.path() / "b");
    here.write("a/1.safetensors", one_tensor("v", {one}));
    here.write("a/2.safetensors", one_tensor("w", {two}));
    here.write("b/1.safetensors", one_tensor("v", {two}));
    here.write("b/2.safetensors", one_tensor("w", {one}));
    here.write("b/3.safetensors", one_tensor("x", {one}));
    const auto result = distance(here.path() / "a", here.path() / "b");
    CHECK(result["tensors"][0]["wasserstein"] == 1.0);
    CHECK(result["tensors"][1]["wasserstein"] == 1.0);
    CHECK(result["all"]["wasserstein"] == 0.0);
    CHECK(result["all"]["mean"] == 1.0);
    CHECK(result["b"]["only_here"] == std::vector<std::string>{"x"});
  }

  TEST_CASE("shapes that differ, names twice and nothing in common are errors in one line") {
    const TemporaryFolder here;
    const auto a = here.write("a.safetensors", one_tensor("w", {one}));
    const auto b = here.write("b.safetensors", one_tensor("w", {one, two}));
    const auto c = here.write("c.safetensors", one_tensor("v", {one}));
    CHECK_THROWS_WITH_AS(distance(a, b), doctest::Contains("expected one shape"), Error);
    CHECK_THROWS_WITH_AS(distance(a, c), doctest::Contains("no tensor of one name"), Error);
    std::filesystem::create_directory(here.path() / "twice");
    here.write("twice/1.safetensors", one_tensor("w", {one}));
    here.write("twice/2.safetensors", one_tensor("w", {one}));
    CHECK_THROWS_WITH_AS(open_checkpoint((here.path() / "twice").string()),
                         doctest::Contains("expected every name once"), Error);
  }
}
