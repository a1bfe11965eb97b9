#include "ulpscope/run/one_tensor.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include "tensor/files.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::string two_tensors() {
  return safetensors_bytes(
      object(joined({entry("x", "U16", "[2]", 0, 4), ",", entry("y", "BF16", "[1]", 4, 6)})),
      little(0x3F80, 2) + little(0x4000, 2) + little(0xC000, 2));
}

}  // namespace

TEST_SUITE("one tensor") {
  TEST_CASE("FILE:TENSOR names one, and a file that says its format is believed") {
    const TemporaryFolder here;
    const auto file = here.write("two.safetensors", two_tensors()).string();
    const auto x = load_one_tensor(file + ":x", bf16);
    CHECK(x.codes == std::vector<uint64_t>{0x3F80, 0x4000});
    CHECK(x.format == bf16);
    CHECK(x.where == file + ":x");
    const auto y = load_one_tensor(file + ":y", std::nullopt);
    CHECK(y.codes == std::vector<uint64_t>{0xC000});
    CHECK(y.format == bf16);
  }

  TEST_CASE("a file of several needs a name, bits need a format of their width") {
    const TemporaryFolder here;
    const auto file = here.write("two.safetensors", two_tensors()).string();
    CHECK_THROWS_WITH_AS(load_one_tensor(file, bf16), doctest::Contains("FILE:TENSOR"), Error);
    CHECK_THROWS_WITH_AS(load_one_tensor(file + ":x", std::nullopt), doctest::Contains("16 bits"),
                         Error);
    CHECK_THROWS_WITH_AS(load_one_tensor(file + ":x", e5m2), doctest::Contains("e5m2 has 8"),
                         Error);
    CHECK_THROWS_AS(load_one_tensor(file + ":z", bf16), Error);
  }
}
