// Files for the tests of this room, sound and hostile, built byte by byte: no test needs Python,
// and none trusts our own writers. A file is a std::string of its bytes.
#pragma once

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>

namespace ulpscope::test {

inline std::string text_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

// What an action that must fail says; checks that it blames the input.
template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::input);
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "(accepted)";
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

// The integer's lowest `size` bytes, lowest first.
inline std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i, value >>= 8) bytes += static_cast<char>(value & 0xFF);
  return bytes;
}

// ---- npy -----------------------------------------------------------------------------------

inline std::string npy_dict(std::string_view descr, std::string_view order,
                            std::string_view shape) {
  return "{'descr': '" + std::string(descr) + "', 'fortran_order': " + std::string(order) +
         ", 'shape': " + std::string(shape) + ", }";
}

// As numpy writes it: the header padded with spaces so that the data begin at a multiple of 64.
inline std::string npy_bytes(std::string dict, std::string_view data, int version = 1) {
  const size_t field = version == 1 ? 2 : 4;
  while ((8 + field + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  return "\x93NUMPY" + little(static_cast<uint64_t>(version), 1) + little(0, 1) +
         little(dict.size(), field) + dict + std::string(data);
}

// ---- zip -----------------------------------------------------------------------------------

inline uint32_t crc32(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

struct ZipMember {
  std::string name;
  std::string bytes;  // as they lie in the archive
  uint64_t size = 0;  // once inflated
  uint32_t crc = 0;
  uint16_t method = 0;  // 0: stored, 8: deflated
  uint16_t flags = 0;   // 1: encrypted
};

inline ZipMember stored(const std::string& name, const std::string& bytes) {
  return {name, bytes, bytes.size(), crc32(bytes), 0, 0};
}

// The fields that the local header and the central directory share.
inline std::string zip_fields(const ZipMember& member) {
  return little(20, 2) + little(member.flags, 2) + little(member.method, 2) + little(0, 2) +
         little(0x21, 2) + little(member.crc, 4) + little(member.bytes.size(), 4) +
         little(member.size, 4) + little(member.name.size(), 2) + little(0, 2);
}

inline std::string zip_bytes(const std::vector<ZipMember>& members) {
  std::string file;
  std::string directory;
  for (const ZipMember& member : members) {
    directory += "PK\x01\x02" + little(20, 2) + zip_fields(member) + little(0, 10) +
                 little(file.size(), 4) + member.name;
    file += "PK\x03\x04" + zip_fields(member) + member.name + member.bytes;
  }
  return file + directory + "PK\x05\x06" + little(0, 4) + little(members.size(), 2) +
         little(members.size(), 2) + little(directory.size(), 4) + little(file.size(), 4) +
         little(0, 2);
}

// A deflate stream: `start` stored as it is, then one fixed-code block that repeats a zero byte.
// A match of 258 bytes at distance 1 takes 13 bits: 158 to 1.
inline std::string deflated(std::string_view start, size_t matches) {
  std::string stream = little(0, 1) + little(start.size(), 2) + little(~start.size(), 2);
  stream += start;
  uint32_t held = 0;
  int count = 0;
  const auto put = [&](uint32_t code, int width) {  // highest bit of the code first
    for (int i = width - 1; i >= 0; --i) {
      held |= (code >> i & 1) << count;
      if (++count == 8) {
        stream += static_cast<char>(held);
        held = 0;
        count = 0;
      }
    }
  };
  put(0b1, 1);         // last block
  put(0b10, 2);        // fixed codes
  put(0b00110000, 8);  // literal 0
  for (size_t i = 0; i < matches; ++i) {
    put(0b11000101, 8);  // length 258
    put(0b00000, 5);     // distance 1
  }
  put(0b0000000, 7);  // end
  put(0, 7);          // fills the last byte
  return stream;
}

// ---- safetensors ---------------------------------------------------------------------------

// "name": {dtype, shape, data_offsets}
inline std::string entry(std::string_view name, std::string_view dtype, std::string_view shape,
                         uint64_t begin, uint64_t end) {
  return joined({"\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape,
                 ",\"data_offsets\":[", std::to_string(begin), ",", std::to_string(end), "]}"});
}

inline std::string extents(uint64_t count) { return joined({"[", std::to_string(count), "]"}); }

inline std::string object(std::string_view entries) { return joined({"{", entries, "}"}); }

inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return little(header.size(), 8) + std::string(header) + std::string(data);
}

}  // namespace ulpscope::test
