#include "ulpscope/tensor/input_file.hpp"

#include <array>

#include "tensor/files.hpp"
#include <doctest/doctest.h>
#include <sys/stat.h>

using namespace ulpscope;
using namespace ulpscope::test;

TEST_CASE("a file is read at any offset, wholly or not at all") {
  const TemporaryFolder folder;
  const InputFile file(folder.write("x", "0123456789"));
  CHECK(file.size() == 10);
  std::array<std::byte, 3> three = {};
  file.read_at(7, three);
  CHECK(three[2] == std::byte{'9'});
  CHECK(contains(refusal([&] { file.read_at(8, three); }), "ends at byte 10, expected 1 more"));
}

TEST_CASE("a mapped file reads as any other") {
  const TemporaryFolder folder;
  const InputFile file(folder.write("x", "0123456789"), FileAccess::map);
  std::array<std::byte, 3> three = {};
  file.read_at(7, three);
  CHECK(three[2] == std::byte{'9'});
  CHECK(contains(refusal([&] { file.read_at(8, three); }), "ends at byte 10, expected 1 more"));
  const InputFile empty(folder.write("y", ""), FileAccess::map);
  CHECK(contains(refusal([&] { empty.read_at(0, three); }), "ends at byte 0"));
}

TEST_CASE("a file that shrinks while it is open is an error that names it") {
  const TemporaryFolder folder;
  const auto path = folder.write("x", std::string(1000, 'x'));
  const InputFile file(path);
  std::filesystem::resize_file(path, 10);
  std::array<std::byte, 100> bytes = {};
  CHECK(contains(refusal([&] { file.read_at(0, bytes); }), path.string() + ": ends at byte 10"));
}

TEST_CASE("a file that is replaced meanwhile is still the file that was opened") {
  const TemporaryFolder folder;
  const InputFile file(folder.write("x", "old"));
  std::filesystem::rename(folder.write("y", "new"), folder.path() / "x");
  std::array<std::byte, 3> bytes = {};
  file.read_at(0, bytes);
  CHECK(bytes[0] == std::byte{'o'});
}

TEST_CASE("only regular files are opened, and nothing is waited for") {
  const TemporaryFolder folder;
  const auto fifo = folder.path() / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(contains(refusal([&] { InputFile file(fifo); }), "is a FIFO, expected a regular file"));
  CHECK(contains(refusal([&] { InputFile file(folder.path()); }), "is a folder"));
  CHECK(contains(refusal([&] { InputFile file("/dev/zero"); }), "is a device"));
}

TEST_CASE("a missing file, a missing folder and a loop of links are input errors with a reason") {
  const TemporaryFolder folder;
  CHECK(contains(refusal([&] { InputFile file(folder.path() / "none"); }), "No such file"));
  CHECK(contains(refusal([&] { InputFile file(folder.path() / "no/ne"); }), "No such file"));
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  CHECK(contains(refusal([&] { InputFile file(folder.path() / "loop"); }), "symbolic links"));
}
