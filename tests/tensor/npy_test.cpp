#include "ulpscope/tensor/npy.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string six = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C";  // six 16-bit words

// What open_npy says to these bytes.
std::string why(const TemporaryFolder& folder, std::string_view bytes) {
  const auto path = folder.write("x.npy", bytes);
  return refusal([&] { open_npy(path).read("x"); });
}

Tensor read(const TemporaryFolder& folder, std::string_view bytes) {
  return open_npy(folder.write("x.npy", bytes)).read("x");
}

}  // namespace

TEST_CASE("versions 1, 2 and 3 hold the same array, named after the file") {
  const TemporaryFolder folder;
  for (const int version : {1, 2, 3}) {
    CAPTURE(version);
    const std::string bytes = npy_bytes(npy_dict("<u2", "False", "(2, 3)"), six, version);
    const TensorSource source = open_npy(folder.write("keys.npy", bytes));
    REQUIRE(source.tensors().size() == 1);
    CHECK(source.tensors()[0] == TensorInfo{"keys", Element::u16, {2, 3}});
    CHECK(text_of(source.read("keys")) == six);
  }
}

TEST_CASE("a column-major array is transposed to row-major") {
  const TemporaryFolder folder;
  const auto words_of = [&](std::string_view shape) {
    const Tensor tensor = read(folder, npy_bytes(npy_dict("|u1", "True", shape), "abcdefghijkl"));
    return text_of(tensor);
  };
  CHECK(words_of("(2, 6)") == "acegikbdfhjl");
  CHECK(words_of("(6, 2)") == "agbhcidjekfl");
  CHECK(words_of("(2, 3, 2)") == "agciekbhdjfl");
  CHECK(words_of("(12,)") == "abcdefghijkl");
  CHECK(words_of("(1, 12, 1)") == "abcdefghijkl");
}

TEST_CASE("big-endian elements are swapped, before or without transposing") {
  const TemporaryFolder folder;
  const Tensor rows = read(folder, npy_bytes(npy_dict(">u2", "False", "(2, 3)"), six));
  CHECK(words<uint16_t>(rows)[0] == 0x0102);
  CHECK(words<uint16_t>(rows)[5] == 0x0B0C);
  const Tensor columns = read(folder, npy_bytes(npy_dict(">u2", "True", "(2, 3)"), six));
  CHECK(words<uint16_t>(columns)[1] == 0x0506);
  const Tensor wide = read(folder, npy_bytes(npy_dict(">f4", "False", "(3,)"), six));
  CHECK(words<uint32_t>(wide)[2] == 0x090A0B0C);
}

TEST_CASE("scalars and empty arrays are arrays") {
  const TemporaryFolder folder;
  CHECK(read(folder, npy_bytes(npy_dict("<f8", "False", "()"), "12345678")).bytes.size() == 8);
  CHECK(read(folder, npy_bytes(npy_dict("<f8", "True", "(3, 0)"), "")).bytes.empty());
}

TEST_CASE("every proper prefix of a file is refused, and so is one byte more") {
  const TemporaryFolder folder;
  for (const int version : {1, 2, 3}) {
    const std::string whole = npy_bytes(npy_dict("<u2", "False", "(2, 3)"), six, version);
    for (size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      CHECK(contains(why(folder, whole.substr(0, length)), "truncated"));
    }
    CHECK(contains(why(folder, whole + "x"), "bytes behind the array"));
    CHECK(why(folder, whole) == "(accepted)");
  }
}

TEST_CASE("a length of the header that lies is refused before it is believed") {
  const TemporaryFolder folder;
  const std::string dict = npy_dict("<u2", "False", "(2, 3)");
  const auto with_length = [&](uint64_t length) {
    return why(folder, std::string("\x93NUMPY\x02\x00", 8) + little(length, 4) + dict + six);
  };
  CHECK(with_length(dict.size()) == "(accepted)");
  CHECK(contains(with_length(0), "expected '{'"));
  CHECK(contains(with_length(dict.size() + 13), "truncated: .npy header of"));
  CHECK(contains(with_length(10'001), "expected at most 10000"));
  CHECK(contains(with_length(0xFFFFFFFF), "expected at most 10000"));
}

TEST_CASE("a shape larger than the file is refused before memory is taken") {
  const TemporaryFolder folder;
  for (const char* shape : {"(4, 3)", "(1099511627776,)", "(4294967296, 4294967296)",
                            "(4294967296, 4294967296, 4294967296)", "(9223372036854775807,)"}) {
    CAPTURE(shape);
    CHECK(contains(why(folder, npy_bytes(npy_dict("<u2", "False", shape), six)), "truncated"));
  }
  CHECK(
      contains(why(folder, npy_bytes(npy_dict("<u2", "False", "(0, 4294967296, 4294967296)"), "")),
               "more than 2^63"));
}

TEST_CASE("another magic, an unknown version and pickled objects are refused") {
  const TemporaryFolder folder;
  const std::string good = npy_bytes(npy_dict("<u2", "False", "(2, 3)"), six);
  CHECK(contains(why(folder, "PICKLE" + good.substr(6)), "does not start with"));
  CHECK(contains(why(folder, good.substr(0, 6) + little(4, 2) + good.substr(8)), "version 4.0"));
  CHECK(
      contains(why(folder, good.substr(0, 6) + little(0x101, 2) + good.substr(8)), "version 1.1"));
  CHECK(contains(why(folder, npy_bytes(npy_dict("|O", "False", "(1,)"), "\x80\x04N.")), "pickled"));
}

TEST_CASE("no byte of the header, set to anything, gives a wrong shape or anything but an Error") {
  const ReadLimits limits;
  size_t accepted = 0;
  for (const char* shape : {"(2, 3)", "()"}) {
    for (const int version : {1, 2}) {
      const std::string data = shape == std::string("()") ? "qq" : six;
      const std::string good = npy_bytes(npy_dict("<u2", "False", shape), data, version);
      for (size_t at = 0; at + data.size() < good.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
          std::string bytes = good;
          bytes[at] = static_cast<char>(value);
          size_t place = 0;
          const NextBytes next = [&](std::span<std::byte> into) {
            REQUIRE(into.size() <= bytes.size() - place);
            std::memcpy(into.data(), bytes.data() + place, into.size());
            place += into.size();
          };
          try {
            const NpyHeader header = read_npy_header(next, bytes.size(), "x.npy", limits);
            if (!header.type) continue;
            ++accepted;
            const uint64_t size = checked_bytes(header.type->element, header.shape).value();
            if (size != data.size()) FAIL("a shape that is not in the file");
            if (bytes.size() - place != size) FAIL("a tensor of another size");
          } catch (const Error&) {
          }
        }
      }
    }
  }
  CHECK(accepted > 400);  // the original at each place, other types of two bytes, blanks
}
