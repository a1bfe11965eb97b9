#include "ulpscope/tensor/safetensors.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::string why(std::string_view file_bytes) {
  const TemporaryFolder folder;
  const auto path = folder.write("x.safetensors", file_bytes);
  return refusal([&] { open_safetensors(path); });
}

std::string why(std::string_view header, std::string_view data) {
  return why(safetensors_bytes(header, data));
}

Tensor filled(const std::string& name, Element element, std::vector<int64_t> shape) {
  Tensor tensor = make_tensor({name, element, std::move(shape)});
  for (size_t i = 0; i < tensor.bytes.size(); ++i) tensor.bytes[i] = std::byte(i * 37 % 251);
  return tensor;
}

}  // namespace

TEST_CASE("a file as the reference library writes it") {
  const std::string header =
      R"({"__metadata__":{"x":"y"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[8,11]}}       )";
  const TemporaryFolder folder;
  const TensorSource source =
      open_safetensors(folder.write("x.safetensors", safetensors_bytes(header, "bbbbBBBBaaa")));
  REQUIRE(source.tensors().size() == 2);
  CHECK(source.tensors()[0] == TensorInfo{"b", Element::fp32, {2}});
  CHECK(source.tensors()[1] == TensorInfo{"a", Element::e4m3fn, {3}});
  CHECK(source.metadata() == std::map<std::string, std::string>{{"x", "y"}});
  CHECK(text_of(source.read("a")) == "aaa");
  CHECK(text_of(source.read("b")) == "bbbbBBBB");
}

TEST_CASE("what is written is read back, every element type, in the order given") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  std::vector<Tensor> tensors;
  for (const ElementRow& row : element_rows) {
    tensors.push_back(filled("t/" + std::string(row.name), row.element, {3, 5}));
  }
  tensors.push_back(filled("scalar", Element::fp64, {}));
  tensors.push_back(filled("empty", Element::bf16, {0, 7}));
  tensors.push_back(filled("quote\" back\\slash \n \xC3\xA9", Element::u8, {2}));
  const std::map<std::string, std::string> metadata = {{"kernel", "fa2 \"torch\""}, {"", "\t"}};
  write_safetensors(path, tensors, metadata);

  const TensorSource source = open_safetensors(path);
  CHECK(source.metadata() == metadata);
  REQUIRE(source.tensors().size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    CHECK(source.tensors()[i] == tensors[i].info);
    CHECK(source.read(tensors[i].info.name).bytes == tensors[i].bytes);
  }
}

TEST_CASE("the bytes written are these") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  Tensor one = make_tensor({"o", Element::bf16, {1, 2}});
  words<uint16_t>(one)[0] = 0x3F80;
  write_safetensors(path, {{one}}, {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"o":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}})";
  CHECK(read_back(path) == safetensors_bytes(header + std::string(88 - header.size(), ' '),
                                             std::string("\x80\x3F\0\0", 4)));
  write_safetensors(path, {});
  CHECK(read_back(path) == safetensors_bytes("{}      ", ""));
  CHECK(open_safetensors(path).tensors().empty());
}

TEST_CASE("a tensor that could not be read back is not written") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.safetensors";
  const auto error_kind = [&](std::vector<Tensor> tensors) {
    try {
      write_safetensors(path, tensors);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::input;
  };
  CHECK(error_kind({filled("q", Element::u8, {2}), filled("q", Element::u8, {2})}) ==
        ErrorKind::usage);
  CHECK(error_kind({filled("", Element::u8, {2})}) == ErrorKind::usage);
  CHECK(error_kind({filled("__metadata__", Element::u8, {2})}) == ErrorKind::usage);
  CHECK(error_kind({filled("\xFF", Element::u8, {2})}) == ErrorKind::usage);
  Tensor shorter = filled("q", Element::u8, {2});
  shorter.bytes.pop_back();
  CHECK(error_kind({shorter}) == ErrorKind::usage);
  CHECK(folder.count() == 0);
}

TEST_CASE("a length of the header that lies is refused before it is believed") {
  const std::string header = object(entry("q", "U8", "[2]", 0, 2));
  const std::string good = safetensors_bytes(header, "qq");
  CHECK(why(good) == "(accepted)");
  const uint64_t end = good.size() - 8;
  for (const uint64_t length :
       {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{8}, end - 1, end, end + 1,
        uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{1} << 63, ~uint64_t{0} - 7, ~uint64_t{0}}) {
    CAPTURE(length);
    CHECK(contains(why(little(length, 8) + good.substr(8)), "x.safetensors: "));
  }
  for (size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(contains(why(good.substr(0, size)), "safetensors"));
  }
}

TEST_CASE("a header beyond 16 MiB is refused, though the file backs it") {
  const TemporaryFolder folder;
  const uint64_t limit = uint64_t{16} << 20;
  const auto path = folder.write("x.safetensors", little(limit + 1, 8) + "{}");
  std::filesystem::resize_file(path, limit + 100);
  CHECK(contains(refusal([&] { open_safetensors(path); }), "expected at most 16777216"));
}

TEST_CASE("holes, overlaps, reversed offsets and bytes behind the end are refused") {
  const auto two = [](uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const std::string one = entry("a", "U8", extents(b - a), a, b);
    return why(object(joined({one, ",", entry("b", "U8", extents(d - c), c, d)})), "aaaabbbb");
  };
  CHECK(two(0, 4, 4, 8) == "(accepted)");
  CHECK(two(4, 8, 0, 4) == "(accepted)");
  CHECK(two(0, 0, 0, 8) == "(accepted)");
  CHECK(two(0, 8, 8, 8) == "(accepted)");
  CHECK(contains(two(0, 3, 4, 8), "a hole"));
  CHECK(contains(two(0, 5, 4, 8), "an overlap"));
  CHECK(contains(two(0, 8, 0, 8), "an overlap"));
  CHECK(contains(two(1, 4, 4, 8), "tensor 'a' begins at byte 1 of the data, expected 0: a hole"));
  CHECK(contains(two(0, 4, 4, 7), "bytes behind the last tensor"));
  CHECK(contains(two(0, 4, 4, 9), "truncated"));
  CHECK(contains(why("{}", "x"), "bytes behind the last tensor"));
}

TEST_CASE("all orders of four tensors' bounds, each moved by one, but the true one are refused") {
  std::vector<uint64_t> starts = {0, 2, 4, 6};
  int accepted = 0;
  do {
    for (int moved = -1; moved < 8; ++moved) {
      for (const uint64_t by : {~uint64_t{0}, uint64_t{1}}) {  // minus and plus one
        std::string entries;
        for (size_t i = 0; i < 4; ++i) {
          uint64_t begin = starts[i];
          uint64_t end = begin + 2;
          if (moved == static_cast<int>(2 * i)) begin += by;
          if (moved == static_cast<int>(2 * i + 1)) end += by;
          if (i > 0) entries += ',';
          entries += entry(std::string(1, "abcd"[i]), "U8", "[2]", begin, end);
        }
        const bool taken = why(object(entries), "aabbccdd") == "(accepted)";
        accepted += taken ? 1 : 0;
        CHECK(taken == (moved == -1));
      }
    }
  } while (std::ranges::next_permutation(starts).found);
  CHECK(accepted == 24 * 2);
}

TEST_CASE("a shape that overflows or disagrees with its bytes is refused") {
  const auto one = [](std::string_view dtype, std::string_view shape) {
    return why(object(entry("q", dtype, shape, 0, 8)), "qqqqqqqq");
  };
  CHECK(one("U8", "[8]") == "(accepted)");
  CHECK(one("F64", "[]") == "(accepted)");
  CHECK(contains(one("U16", "[8]"), "tensor 'q': shape (8,) of U16 takes 16 bytes, found 8"));
  CHECK(contains(one("U8", "[4294967296,4294967296]"), "more than 2^63"));
  CHECK(contains(one("U64", "[2305843009213693953]"), "more than 2^63"));
  CHECK(contains(one("U8", "[0,9223372036854775807,9223372036854775807]"), "more than 2^63"));
}

TEST_CASE("a dtype without a place here is listed apart, its bytes still accounted for") {
  const TemporaryFolder folder;
  const std::string header =
      object(joined({entry("c", "C64", "[1]", 0, 8), ",", entry("q", "U8", "[2]", 8, 10)}));
  const TensorSource source =
      open_safetensors(folder.write("x.safetensors", safetensors_bytes(header, "ccccccccqq")));
  CHECK(text_of(source.read("q")) == "qq");
  CHECK(contains(refusal([&] { source.read("c"); }), "tensor 'c': dtype 'C64' is not read"));
}

TEST_CASE("a hundred thousand tensors that share two bytes are refused") {
  std::string aliases;
  for (int i = 0; i < 100'000; ++i) {
    if (i > 0) aliases += ',';
    aliases += entry(std::to_string(i), "U8", "[2]", 0, 2);
  }
  CHECK(contains(why(object(aliases), "qq"), "an overlap"));
}

TEST_CASE("a terabyte of tensor opens by its header alone") {
  const TemporaryFolder folder;
  const uint64_t size = uint64_t{1} << 40;
  const std::string header = object(entry("q", "U8", "[1099511627776]", 0, size));
  const auto path = folder.write("x.safetensors", safetensors_bytes(header, ""));
  std::error_code error;
  std::filesystem::resize_file(path, 8 + header.size() + size, error);
  if (error) {
    MESSAGE("this file system holds no sparse terabyte: " << error.message());
    return;
  }
  CHECK(byte_count(open_safetensors(path).tensors()[0]) == size);
}
