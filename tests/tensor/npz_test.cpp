#include "ulpscope/tensor/npz.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "tensor/files.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

const std::string q_npy = npy_bytes(npy_dict("<u2", "False", "(3,)"), "qqwwee");
const std::string k_npy = npy_bytes(npy_dict("<f4", "False", "(1, 2)"), "kkkkllll");

size_t zeros_size(size_t matches) { return 1 + 258 * matches; }

std::string zeros_header(size_t matches) {
  const std::string shape = joined({"(", std::to_string(zeros_size(matches)), ",)"});
  return npy_bytes(npy_dict("|u1", "False", shape), "");
}

// A deflated member that holds a tensor of zero bytes.
ZipMember zeros(const std::string& name, size_t matches) {
  const std::string header = zeros_header(matches);
  return {name,
          deflated(header, matches),
          header.size() + zeros_size(matches),
          crc32(header + std::string(zeros_size(matches), '\0')),
          8,
          0};
}

std::string why(const TemporaryFolder& folder, const std::vector<ZipMember>& members,
                const ReadLimits& limits = {}) {
  const auto path = folder.write("x.npz", zip_bytes(members));
  return refusal([&] { open_npz(path, limits).read("q"); });
}

size_t open_descriptors() {
  using std::filesystem::directory_iterator;
  return static_cast<size_t>(
      std::distance(directory_iterator("/proc/self/fd"), directory_iterator()));
}

}  // namespace

TEST_CASE("members named *.npy are the tensors, in the order of the archive") {
  const TemporaryFolder folder;
  const auto path = folder.write(
      "x.npz",
      zip_bytes({stored("q.npy", q_npy), stored("notes.txt", "x"), stored("a/k.npy", k_npy)}));
  const TensorSource source = open_npz(path);
  REQUIRE(source.tensors().size() == 2);
  CHECK(source.tensors()[0] == TensorInfo{"q", Element::u16, {3}});
  CHECK(source.tensors()[1] == TensorInfo{"a/k", Element::fp32, {1, 2}});
  CHECK(text_of(source.read("a/k")) == "kkkkllll");
  CHECK(text_of(source.read("q")) == "qqwwee");
  CHECK(text_of(source.read("q")) == "qqwwee");
}

TEST_CASE("a dump recorded on a GPU with numpy's savez_compressed is read") {
  const TensorSource dump =
      open_npz(ULPSCOPE_DATA_DIR "/captures/h200_torch2.11_sdpa/bf_d32_n256_full.npz");
  CHECK(dump.left_out().empty());
  const Tensor q = dump.read("q");
  CHECK(q.info == TensorInfo{"q", Element::u16, {1, 2, 256, 32}});
  // The values are those that numpy 2.4 prints.
  CHECK(words<uint16_t>(q)[0] == 0x4041);
  CHECK(words<uint16_t>(q)[1] == 0xC139);
  CHECK(words<uint16_t>(q).back() == 0x4047);
  CHECK(words<uint32_t>(dump.read("fa_lse"))[3] == 0x4223B079);
  CHECK(dump.tensors().size() == 19);
  for (const TensorInfo& info : dump.tensors()) {
    CHECK(dump.read(info.name).bytes.size() == byte_count(info));
  }
}

TEST_CASE("an array of objects does not make the others unreadable") {
  const TemporaryFolder folder;
  const std::string object = npy_bytes(npy_dict("|O", "False", "(1,)"), "\x80\x04N.");
  const auto path =
      folder.write("x.npz", zip_bytes({stored("meta.npy", object), stored("q.npy", q_npy)}));
  const TensorSource source = open_npz(path);
  REQUIRE(source.left_out().size() == 1);
  CHECK(source.left_out()[0].name == "meta");
  CHECK(text_of(source.read("q")) == "qqwwee");
  CHECK(contains(refusal([&] { source.read("meta"); }), "x.npz: tensor 'meta': element type '|O'"));
}

TEST_CASE("every flipped bit of the data is found by the CRC") {
  const TemporaryFolder folder;
  for (size_t bit = 8 * (q_npy.size() - 6); bit < 8 * q_npy.size(); ++bit) {
    CAPTURE(bit);
    ZipMember member = stored("q.npy", q_npy);
    member.bytes[bit / 8] = static_cast<char>(member.bytes[bit / 8] ^ (1 << bit % 8));
    CHECK(contains(why(folder, {member}), "CRC error"));
  }
}

TEST_CASE("every proper prefix of an archive is refused") {
  const TemporaryFolder folder;
  const std::string whole = zip_bytes({stored("q.npy", q_npy)});
  for (size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    const auto path = folder.write("x.npz", whole.substr(0, length));
    CHECK(contains(refusal([&] { open_npz(path); }), "not a sound zip archive"));
  }
}

TEST_CASE("a deflated member is inflated, and only as far as it promised") {
  const TemporaryFolder folder;
  const auto path = folder.write("x.npz", zip_bytes({zeros("q.npy", 1000)}));
  const Tensor tensor = open_npz(path).read("q");
  CHECK(tensor.bytes.size() == 258'001);
  CHECK(std::ranges::all_of(tensor.bytes, [](std::byte b) { return b == std::byte{0}; }));

  ZipMember more = zeros("q.npy", 1000);
  more.bytes = deflated(zeros_header(1000), 100'000);  // 25 MB behind a promise of 258 kB
  CHECK(contains(why(folder, {more}), "x.npz: tensor 'q': "));
  ZipMember less = zeros("q.npy", 1000);
  less.bytes = deflated(zeros_header(1000), 999);
  CHECK(contains(why(folder, {less}), "x.npz: tensor 'q': "));
}

TEST_CASE("a promise beyond the budget is refused before anything is inflated") {
  const TemporaryFolder folder;
  ReadLimits tight;
  tight.inflated = 1 << 20;
  CHECK(why(folder, {zeros("q.npy", 4000)}, tight) == "(accepted)");
  CHECK(contains(why(folder, {zeros("q.npy", 4100)}, tight), "expected at most 1048576 in all"));
  const std::vector<ZipMember> three = {zeros("q.npy", 2000), zeros("k.npy", 100),
                                        zeros("v.npy", 3000)};
  CHECK(contains(why(folder, three, tight), "tensor 'v': inflates to"));

  // By default 4 GiB over all members, whatever the archive says of itself.
  ZipMember huge = stored("q.npy", q_npy);
  huge.method = 8;
  huge.size = 0xC0000000;
  CHECK(contains(why(folder, {huge}), "expected at most 1000 times"));
  ZipMember huge_too = huge;
  huge_too.name = "k.npy";
  CHECK(contains(why(folder, {huge, huge_too}), "expected at most 4294967296 in all"));
}

TEST_CASE("the ratio to the file's size counts only above a size that does no harm") {
  const TemporaryFolder folder;
  ReadLimits limits;
  limits.inflated_ratio = 100;
  CHECK(why(folder, {zeros("q.npy", 10'000)}, limits) == "(accepted)");  // 2.6 MB, 157 to 1
  limits.inflated_free = 1 << 20;
  CHECK(contains(why(folder, {zeros("q.npy", 10'000)}, limits), "expected at most 100 times"));
  limits.inflated_ratio = 200;
  CHECK(why(folder, {zeros("q.npy", 10'000)}, limits) == "(accepted)");
}

TEST_CASE("encrypted members and other methods are refused by name") {
  const TemporaryFolder folder;
  ZipMember encrypted = stored("q.npy", q_npy);
  encrypted.flags = 1;
  CHECK(contains(why(folder, {encrypted}), "x.npz: tensor 'q': encrypted"));
  for (const int method : {1, 9, 12, 14, 93}) {
    CAPTURE(method);
    ZipMember other = stored("q.npy", q_npy);
    other.method = static_cast<uint16_t>(method);
    CHECK(contains(why(folder, {other}), "x.npz: tensor 'q': compression method"));
  }
}

TEST_CASE("two members of one name, an empty name and a name too long are refused") {
  const TemporaryFolder folder;
  CHECK(contains(why(folder, {stored("q.npy", q_npy), stored("q.npy", k_npy)}),
                 "x.npz: two members of one name"));
  CHECK(contains(why(folder, {stored(".npy", q_npy)}), "of 0 bytes, expected at least one"));
  CHECK(contains(why(folder, {stored(std::string(1025, 'n') + ".npy", q_npy)}),
                 "of 1025 bytes, expected at most 1024"));
  CHECK(contains(
      why(folder, {stored("q.npy", q_npy), stored(std::string(1024, 'n') + ".npy", q_npy)}),
      "(accepted)"));
}

TEST_CASE("an archive without arrays and a PyTorch archive are refused, each for its reason") {
  const TemporaryFolder folder;
  CHECK(contains(why(folder, {stored("q.txt", "x")}), "a zip archive without a .npy member"));
  CHECK(contains(why(folder, {stored("archive/data.pkl", "\x80\x02.")}), "save_file"));
  CHECK(contains(why(folder, {}), "x.npz: "));
  CHECK(contains(why(folder, {stored("q.npy", "\x80\x04 not an array at all")}), "does not start"));
}

TEST_CASE("no byte of an archive, set to anything, gives other data or anything but an Error") {
  const TemporaryFolder folder;
  const std::string good = zip_bytes({stored("q.npy", q_npy)});
  for (size_t at = 0; at < good.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x08, 0x20, 0x7F, 0x80, 0xFF}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(value);
      const auto path = folder.write("x.npz", bytes);
      try {
        const TensorSource source = open_npz(path);
        if (source.find("q") != nullptr && text_of(source.read("q")) != "qqwwee") {
          FAIL("other data at byte " << at << " set to " << value);
        }
      } catch (const Error&) {
      }
    }
  }
}

TEST_CASE("refused or read, an archive leaves no file descriptor open") {
  const TemporaryFolder folder;
  const size_t before = open_descriptors();
  why(folder, {stored("q.npy", q_npy)});
  why(folder, {stored("q.txt", "x")});
  why(folder, {stored("q.npy", q_npy), stored("q.npy", q_npy)});
  const auto torn = folder.write("torn.npz", zip_bytes({stored("q.npy", q_npy)}).substr(5));
  CHECK(contains(refusal([&] { open_npz(torn); }), "not a sound zip archive"));
  CHECK(open_descriptors() == before);
}

TEST_CASE("what write_npz writes is read back, and is the same bytes each time") {
  const TemporaryFolder here;
  Tensor codes = make_tensor({"codes", Element::u8, {2, 3}});
  for (size_t i = 0; i < 6; ++i) words<uint8_t>(codes)[i] = static_cast<uint8_t>(40 + i);
  Tensor scale = make_tensor({"scale", Element::fp32, {}});
  words<uint32_t>(scale)[0] = 0x3F80'0000;
  Tensor none = make_tensor({"none", Element::bf16, {0, 4}});
  const std::vector<Tensor> tensors{codes, scale, none};
  write_npz(here.path() / "a.npz", tensors);
  write_npz(here.path() / "b.npz", tensors);
  CHECK(read_back(here.path() / "a.npz") == read_back(here.path() / "b.npz"));
  const auto source = open_npz(here.path() / "a.npz");
  REQUIRE(source.tensors().size() == 3);
  for (const auto& tensor : tensors) {
    const Tensor back = source.read(tensor.info.name);
    CHECK(back.info == tensor.info);
    CHECK(back.bytes == tensor.bytes);
  }
}

TEST_CASE("write_npz refuses names twice and empty, and folders that are not there") {
  const TemporaryFolder here;
  const std::vector<Tensor> twice{make_tensor({"x", Element::u8, {1}}),
                                  make_tensor({"x", Element::u8, {1}})};
  CHECK_THROWS_AS(write_npz(here.path() / "a.npz", twice), Error);
  const std::vector<Tensor> nameless{make_tensor({"", Element::u8, {1}})};
  CHECK_THROWS_AS(write_npz(here.path() / "a.npz", nameless), Error);
  CHECK_FALSE(std::filesystem::exists(here.path() / "a.npz"));
  CHECK_THROWS_AS(write_npz(here.path() / "absent" / "a.npz", {}), Error);
}
