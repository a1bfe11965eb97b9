#include "ulpscope/run/inputs.hpp"

#include "ulpscope/format/catalogue.hpp"

#include "tensor/files.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// Codes 0, 1, 2, ... as uint16.
std::string counting(uint64_t count) {
  std::string bytes;
  for (uint64_t i = 0; i < count; ++i) bytes += little(i, 2);
  return bytes;
}

InputOptions options_for(const std::filesystem::path& file) {
  InputOptions options;
  options.input = file.string();
  options.format = bf16;
  return options;
}

std::filesystem::path one_tensor(const TemporaryFolder& here, std::string_view name,
                                 std::string_view shape, uint64_t count) {
  return here.write(
      "x.safetensors",
      safetensors_bytes(object(entry(name, "U16", shape, 0, 2 * count)), counting(count)));
}

}  // namespace

TEST_SUITE("inputs") {
  TEST_CASE("two axes are (seq, dim), three are (head, seq, dim), four are never guessed") {
    const TemporaryFolder here;
    auto options = options_for(one_tensor(here, "q", "[2,3]", 6));
    CHECK(open_operand(options, "q").read().sizes == std::array<int64_t, 4>{1, 1, 2, 3});
    options = options_for(one_tensor(here, "q", "[2,3,4]", 24));
    CHECK(open_operand(options, "q").read().sizes == std::array<int64_t, 4>{1, 2, 3, 4});
    options = options_for(one_tensor(here, "q", "[1,2,3,4]", 24));
    CHECK_THROWS_WITH_AS(open_operand(options, "q").read(), doctest::Contains("never guessed"),
                         Error);
    options.layout = Layout::bshd;
    CHECK(open_operand(options, "q").read().sizes == std::array<int64_t, 4>{1, 3, 2, 4});
  }

  TEST_CASE("a layout is undone on the way in and done again on the way out") {
    const TemporaryFolder here;
    auto options = options_for(one_tensor(here, "q", "[3,2,2,2]", 24));
    for (const auto layout : {Layout::bhsd, Layout::bshd, Layout::sbhd}) {
      options.layout = layout;
      const auto operand = open_operand(options, "q").read();
      const std::vector<uint32_t> codes(operand.codes.begin(), operand.codes.end());
      const auto back = in_layout(codes, operand.sizes, layout);
      for (uint32_t i = 0; i < 24; ++i) CHECK(back[i] == i);
      CHECK(shape_in_layout(operand.sizes, layout) == operand.shape);
    }
    options.layout = Layout::sbhd;  // element (s=1, b=0, h=1, d=0) is number 8 + 2
    CHECK(open_operand(options, "q").read().codes[static_cast<size_t>(1 * 3 * 2 + 1 * 2)] == 10);
  }

  TEST_CASE("names are found in any case, mapped by the user, and ambiguity is refused") {
    const TemporaryFolder here;
    auto options = options_for(one_tensor(here, "Q", "[2,3]", 6));
    CHECK(open_operand(options, "q").read().tensor == "Q");
    options = options_for(one_tensor(here, "layers.3.q_proj", "[2,3]", 6));
    CHECK_FALSE(has_operand(options, "q"));
    options.names["q"] = "layers.3.q_proj";
    CHECK(open_operand(options, "q").read().codes.size() == 6);
    options.names["q"] = "elsewhere";
    CHECK(contains(refusal([&] { open_operand(options, "q").read(); }), "elsewhere"));
    const auto file = here.write(
        "two.safetensors", safetensors_bytes(object(joined({entry("q", "U16", "[1,1]", 0, 2), ",",
                                                            entry("Q", "U16", "[1,1]", 2, 4)})),
                                             counting(2)));
    CHECK(contains(refusal([&] { open_operand(options_for(file), "q"); }), "--map"));
  }

  TEST_CASE("a cast rounds each value once and says so") {
    const TemporaryFolder here;
    // 1 + 2^-8 in binary32: a tie between 1 and 1 + 2^-7 in bfloat16.
    const auto file = here.write(
        "x.safetensors",
        safetensors_bytes(object(entry("q", "F32", "[1,1]", 0, 4)), little(0x3F80'8000, 4)));
    auto options = options_for(file);
    options.cast = nearest_even;
    CHECK(open_operand(options, "q").read().codes[0] == 0x3F80);
    options.cast = upward;
    const auto operand = open_operand(options, "q").read();
    CHECK(operand.codes[0] == 0x3F81);
    CHECK(operand.note == "rounded from fp32 to bf16 by ru");
  }

  TEST_CASE("the hash is that of the bytes in the file") {
    const TemporaryFolder here;
    const auto a = open_operand(options_for(one_tensor(here, "q", "[2,3]", 6)), "q").read().hash;
    const auto b = open_operand(options_for(one_tensor(here, "q", "[3,2]", 6)), "q").read().hash;
    CHECK(a.size() == 32);
    CHECK(a == b);
  }

  TEST_CASE("FILE:TENSOR is split at the last colon, unless the whole is a file") {
    const TemporaryFolder here;
    CHECK(split_file_and_tensor("a.npz:o").file == "a.npz");
    CHECK(split_file_and_tensor("a.npz:o").tensor == "o");
    CHECK(split_file_and_tensor("a.npz").tensor.empty());
    const auto odd = here.write("a:b", "");
    CHECK(split_file_and_tensor(odd.string()).file == odd.string());
  }
}
