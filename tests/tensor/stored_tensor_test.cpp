#include "ulpscope/tensor/stored_tensor.hpp"

#include "ulpscope/tensor/open.hpp"

#include <cstring>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

// A (2, 3, 4) array of uint16: element i has the value i.
constexpr int64_t count = 24;
const std::vector<int64_t> shape{2, 3, 4};

std::string counting() {
  std::string bytes;
  for (int64_t i = 0; i < count; ++i) bytes += little(static_cast<uint64_t>(i), 2);
  return bytes;
}

// The same array in column-major order, its bytes swapped.
std::string counting_backwards() {
  std::string bytes;
  for (int64_t d = 0; d < 4; ++d) {
    for (int64_t s = 0; s < 3; ++s) {
      for (int64_t h = 0; h < 2; ++h) {
        bytes += '\0';
        bytes += static_cast<char>(h * 12 + s * 4 + d);
      }
    }
  }
  return bytes;
}

std::string npy_counting() { return npy_bytes(npy_dict("<u2", "False", "(2, 3, 4)"), counting()); }

// The array in every kind of file.
std::vector<std::filesystem::path> every_file(const TemporaryFolder& here) {
  const std::string npy = npy_counting();
  const ZipMember plain = stored("x.npy", npy);
  const std::string start = npy.substr(0, npy.size() - 1);  // `deflated` adds a zero byte
  const ZipMember packed{"x.npy", deflated(start, 0), npy.size(), crc32(npy), 8, 0};
  std::filesystem::create_directory(here.path() / "folder");
  return {
      here.write("x.npy", npy),
      here.write("fortran.npy",
                 npy_bytes(npy_dict(">u2", "True", "(2, 3, 4)"), counting_backwards())),
      here.write("stored.npz", zip_bytes({plain})),
      here.write("deflated.npz", zip_bytes({packed})),
      here.write("x.safetensors",
                 safetensors_bytes(object(entry("x", "U16", "[2,3,4]", 0, 48)), counting())),
      here.write("folder/x.npy", npy).parent_path(),
  };
}

struct FileReading {
  std::filesystem::path path;
  FileAccess access;
};

std::vector<FileReading> every_reading(const TemporaryFolder& here) {
  std::vector<FileReading> readings;
  for (const auto& path : every_file(here)) {
    readings.push_back({path, FileAccess::calls});
    readings.push_back({path, FileAccess::map});
  }
  return readings;
}

StoredTensor only_tensor(const std::filesystem::path& path, const ReadLimits& limits = {}) {
  const TensorSource source = open_tensors(path, limits);
  REQUIRE(source.tensors().size() == 1);
  return source.stored(source.tensors()[0].name);
}

// Bytes that the process has asked the system for.
uint64_t bytes_read() {
  std::ifstream file("/proc/self/io");
  std::string name;
  uint64_t value = 0;
  file >> name >> value;
  REQUIRE(name == "rchar:");
  return value;
}

}  // namespace

TEST_CASE("every box of an array is the array cut, in every kind of file") {
  const TemporaryFolder here;
  for (const auto& [path, access] : every_reading(here)) {
    CAPTURE(path);
    const StoredTensor stored = only_tensor(path, {.access = access});
    CHECK(text_of(stored.read()) == counting());
    int64_t different = 0;
    for (int64_t box = 0; box < 3 * 6 * 10; ++box) {
      // Pairs first < end of an axis, numbered: 3 of two indices, 6 of three, 10 of four.
      const auto range = [](int64_t number) {
        int64_t end = 1;
        while (number >= end) number -= end++;
        return AxisRange{number, end};
      };
      const Box cut{range(box % 3), range(box / 3 % 6), range(box / 18)};
      const Tensor tensor = stored.read(cut);
      std::string expected;
      for (int64_t a = cut[0].first; a < cut[0].end; ++a) {
        for (int64_t b = cut[1].first; b < cut[1].end; ++b) {
          for (int64_t c = cut[2].first; c < cut[2].end; ++c) {
            expected += little(static_cast<uint64_t>(a * 12 + b * 4 + c), 2);
          }
        }
      }
      different += text_of(tensor) != expected || element_count(tensor.info) * 2 != expected.size();
    }
    CHECK(different == 0);
    std::string streamed;
    stored.stream([&](std::span<const std::byte> piece) {
      streamed.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    });
    CHECK(streamed == counting());
  }
}

TEST_CASE("boxes may be empty, and none may reach out of the tensor") {
  const TemporaryFolder here;
  const StoredTensor stored = only_tensor(here.write("x.npy", npy_counting()));
  CHECK(stored.read({{0, 2}, {1, 1}, {0, 4}}).bytes.empty());
  for (const Box& box : {Box{{0, 2}, {0, 3}}, Box{{0, 3}, {0, 3}, {0, 4}},
                         Box{{0, 2}, {-1, 3}, {0, 4}}, Box{{0, 2}, {2, 1}, {0, 4}}}) {
    CHECK(contains(refusal([&] { stored.read(box); }), "a box outside of it"));
  }
}

TEST_CASE("a scalar is a box without axes") {
  const TemporaryFolder here;
  const StoredTensor stored =
      only_tensor(here.write("x.npy", npy_bytes(npy_dict("<u2", "False", "()"), little(7, 2))));
  CHECK(text_of(stored.read(Box{})) == little(7, 2));
}

TEST_CASE("a file that shrinks between two boxes is an error that names it") {
  const TemporaryFolder here;
  const auto path = here.write("x.npy", npy_counting());
  const StoredTensor stored = only_tensor(path);
  const Box last{{1, 2}, {0, 3}, {0, 4}};
  CHECK(stored.read(last).bytes.size() == 24);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK(contains(refusal([&] { stored.read(last); }), path.string() + ": ends at byte"));
}

TEST_CASE("the CRC of a member is held wherever all of it is read") {
  const TemporaryFolder here;
  ZipMember member = stored("x.npy", npy_counting());
  member.bytes.back() ^= 1;
  const StoredTensor damaged = only_tensor(here.write("x.npz", zip_bytes({member})));
  CHECK(contains(refusal([&] { damaged.read(); }), "damaged"));
  CHECK(contains(refusal([&] { damaged.stream([](std::span<const std::byte>) {}); }), "damaged"));
}

TEST_CASE("memory that is not there is a shortage, not bad input") {
  const StoredTensor stored("dump.npz", {"q", Element::u8, {1}}, {},
                            {.at = [](uint64_t, std::span<std::byte>) { throw std::bad_alloc(); }});
  for (const Box& box : {Box{{0, 1}}, Box{}}) {
    try {
      box.empty() ? stored.read() : stored.read(box);
      FAIL("read without memory");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::resource);
      CHECK(contains(error.what(), "dump.npz: tensor 'q': not enough memory"));
    }
  }
}

TEST_CASE("of a file of 100 GB only the header and the box are read") {
  constexpr uint64_t head = 8192 * 128 * 2;
  constexpr uint64_t layer = 32 * head;
  constexpr uint64_t layers = 1500;
  std::string entries;
  for (uint64_t i = 0; i < layers; ++i) {
    if (i > 0) entries += ',';
    entries += entry("layers." + std::to_string(i) + ".k", "BF16", "[1,32,8192,128]", i * layer,
                     (i + 1) * layer);
  }
  const TemporaryFolder here;
  const std::string header = safetensors_bytes(object(entries), "");
  const auto path = here.write("model.safetensors", header);
  std::error_code too_large;  // a file of holes takes no room where the file system knows holes
  std::filesystem::resize_file(path, header.size() + layers * layer, too_large);
  if (too_large) {
    MESSAGE("not tried: " << too_large.message());
    return;
  }
  const uint64_t before = bytes_read();
  const TensorSource source = open_tensors(path);
  const uint64_t to_open = bytes_read() - before;
  CHECK(to_open < 2 * header.size());
  const Tensor one = source.stored("layers.700.k").read({{0, 1}, {5, 6}, {0, 8192}, {0, 128}});
  CHECK(one.bytes.size() == head);
  CHECK(bytes_read() - before < to_open + head + 4096);
}
