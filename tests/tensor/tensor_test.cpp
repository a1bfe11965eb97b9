#include "ulpscope/tensor/tensor.hpp"

#include <cstdint>
#include <limits>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

TEST_CASE("a scalar has one element, an empty extent none") {
  CHECK(element_count({"x", Element::fp32, {}}) == 1);
  CHECK(byte_count({"x", Element::fp32, {}}) == 4);
  CHECK(element_count({"x", Element::fp32, {2, 0, 7}}) == 0);
  CHECK(byte_count({"x", Element::bf16, {2, 512, 64}}) == 2 * 2 * 512 * 64);
}

TEST_CASE("a product of extents that leaves 63 bits is refused, not wrapped") {
  const int64_t big = int64_t{1} << 32;
  CHECK(contains(refusal([&] { element_count({"x", Element::u8, {big, big}}); }), "beyond 2^63"));
  CHECK(element_count({"x", Element::fp64, {big, big / 4}}) == uint64_t{1} << 62);
  CHECK_FALSE(checked_bytes(Element::fp64, std::vector<int64_t>{big, big / 4}));
  CHECK(checked_bytes(Element::u8, std::vector{std::numeric_limits<int64_t>::max()}) ==
        static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}

TEST_CASE("a zero does not hide an overflow, wherever it stands") {
  const int64_t big = int64_t{1} << 40;
  CHECK_FALSE(checked_bytes(Element::u8, std::vector<int64_t>{0, big, big}));
  CHECK_FALSE(checked_bytes(Element::u8, std::vector<int64_t>{big, big, 0}));
  CHECK_FALSE(checked_bytes(Element::u8, std::vector<int64_t>{-1}));
  CHECK(checked_bytes(Element::u8, std::vector<int64_t>{big, 0}) == uint64_t{0});
}

TEST_CASE("words are the elements, little-endian and writable in place") {
  Tensor tensor = make_tensor({"o", Element::bf16, {2, 3}});
  CHECK(tensor.bytes.size() == 12);
  CHECK(words<uint16_t>(tensor).size() == 6);
  words<uint16_t>(tensor)[4] = 0x3F80;
  CHECK(tensor.bytes[8] == std::byte{0x80});
  CHECK(tensor.bytes[9] == std::byte{0x3F});
  const Tensor& seen = tensor;
  CHECK(words<uint16_t>(seen)[4] == 0x3F80);
  CHECK(words<uint16_t>(seen)[5] == 0);
}

TEST_CASE("shapes print as in numpy") {
  CHECK(shape_text(std::vector<int64_t>{}) == "()");
  CHECK(shape_text(std::vector<int64_t>{7}) == "(7,)");
  CHECK(shape_text(std::vector<int64_t>{2, 512, 64}) == "(2, 512, 64)");
}

TEST_CASE("a hostile name cannot reach the terminal") {
  CHECK(in_quotes("q") == "'q'");
  CHECK(in_quotes("\x1b[2J\n") == "'\\x1b[2J\\x0a'");
  CHECK(in_quotes("\xC2\x9B") == "'\\xc2\\x9b'");  // one character: CSI
  CHECK(in_quotes("\xC3\xA9") == "'\xC3\xA9'");    // e with an acute accent
  CHECK(in_quotes(std::string(500, 'x')).size() == 120 + 5);
  const std::string wide = std::string(119, 'x') + "\xC3\xA9\xC3\xA9";
  CHECK(in_quotes(wide) == "'" + std::string(119, 'x') + "...'");
}

TEST_CASE("the bits of an element are its bytes, lowest first") {
  Tensor tensor = make_tensor({"x", Element::u16, {2}});
  tensor.bytes = {std::byte{0x34}, std::byte{0x12}, std::byte{0xFF}, std::byte{0x80}};
  CHECK(element_bits(tensor, 0) == 0x1234);
  CHECK(element_bits(tensor, 1) == 0x80FF);
}
