#include "ulpscope/base/output_file.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace ulpscope;
using test::read_back;
using test::TemporaryFolder;

namespace {

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// The script of the false system calls below: which call fails, counted over all of them, and how.
// Plain functions take no context, so it lives here.
struct Script {
  int call = 0;
  int failing = -1;
  int error = 0;
  size_t most = SIZE_MAX;  // bytes that one write takes
};
Script script;

bool fails() {
  if (script.call++ != script.failing) return false;
  errno = script.error;
  return true;
}

OutputCalls scripted_calls() {
  return {[](const char* path, int flags, mode_t mode) {
            return fails() ? -1 : ::open(path, flags, mode);
          },
          [](int descriptor, const void* bytes, size_t count) -> ssize_t {
            return fails() ? -1 : ::write(descriptor, bytes, std::min(count, script.most));
          },
          [](int descriptor) { return fails() ? -1 : ::fsync(descriptor); },
          [](int descriptor) {
            const bool failed = fails();
            const int error = errno;
            ::close(descriptor);  // Linux closes even where it reports an error
            errno = error;
            return failed ? -1 : 0;
          },
          [](const char* from, const char* to) { return fails() ? -1 : ::rename(from, to); }};
}

size_t open_descriptors() {
  using std::filesystem::directory_iterator;
  return static_cast<size_t>(
      std::distance(directory_iterator("/proc/self/fd"), directory_iterator()));
}

}  // namespace

TEST_CASE("the pieces are written one after the other, and nothing else is left in the folder") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x";
  write_file_atomically(path, {bytes_of("one"), bytes_of(""), bytes_of("two")});
  CHECK(read_back(path) == "onetwo");
  write_file_atomically(path, "new");
  CHECK(read_back(path) == "new");
  write_file_atomically(path, "");
  CHECK(read_back(path).empty());
  CHECK(folder.count() == 1);
}

TEST_CASE("a new file has the permissions that any other new file has") {
  const TemporaryFolder folder;
  const mode_t old = ::umask(027);
  write_file_atomically(folder.path() / "x", "x");
  ::umask(old);
  struct stat status = {};
  REQUIRE(::stat((folder.path() / "x").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("a name without a folder means the folder one is in") {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file_atomically("x", "here");
  std::filesystem::current_path(before);
  CHECK(read_back(folder.path() / "x") == "here");
}

TEST_CASE("a missing folder, and a name that is a folder, FIFO or device, are refused") {
  const TemporaryFolder folder;
  const auto why = [](const std::filesystem::path& path) -> std::string {
    try {
      write_file_atomically(path, "x");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::resource);
      return error.what();
    }
    return "(written)";
  };
  CHECK(why(folder.path() / "no/x").find("No such file or directory") != std::string::npos);
  CHECK(why(folder.path()).find("is a folder") != std::string::npos);
  CHECK(why("/dev/null").find("is a device") != std::string::npos);
  REQUIRE(::mkfifo((folder.path() / "fifo").c_str(), 0600) == 0);
  CHECK(why(folder.path() / "fifo").find("FIFO") != std::string::npos);
  CHECK(folder.count() == 1);
}

TEST_CASE("writes that take a byte at a time lose nothing") {
  const TemporaryFolder folder;
  script = {.most = 1};
  const std::vector<Bytes> pieces = {bytes_of("short "), bytes_of("writes")};
  write_file_atomically(folder.path() / "x", pieces, scripted_calls());
  CHECK(read_back(folder.path() / "x") == "short writes");
}

TEST_CASE("a signal during any call costs nothing") {
  const TemporaryFolder folder;
  const std::vector<Bytes> pieces = {bytes_of("short "), bytes_of("writes")};
  // open, two writes, fsync, close: rename and opening a folder are not interrupted.
  for (int call = 0; call < 5; ++call) {
    CAPTURE(call);
    script = {.failing = call, .error = EINTR};
    write_file_atomically(folder.path() / "x", pieces, scripted_calls());
    CHECK(read_back(folder.path() / "x") == "short writes");
    CHECK(folder.count() == 1);
  }
}

TEST_CASE("a failure at any call leaves the old file or the new one, whole, and no other") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x";
  const std::string old_text = "the old file";
  const std::string new_text = "the new file, longer than the old";
  const std::vector<Bytes> pieces = {bytes_of(new_text)};
  int failures = 0;
  for (int call = 0;; ++call) {
    CAPTURE(call);
    write_file_atomically(path, old_text);
    const size_t before = open_descriptors();
    script = {.failing = call, .error = EIO, .most = 10};
    bool failed = false;
    try {
      write_file_atomically(path, pieces, scripted_calls());
    } catch (const Error& error) {
      failed = true;
      ++failures;
      CHECK(error.kind() == ErrorKind::resource);
      CHECK(std::string(error.what()).find("Input/output error") != std::string::npos);
    }
    const std::string found = read_back(path);
    CHECK((found == old_text || found == new_text));
    if (!failed) CHECK(found == new_text);
    CHECK(folder.count() == 1);
    CHECK(open_descriptors() == before);
    if (script.call <= script.failing) break;  // the failing call was never reached
  }
  // open, four writes, fsync, close, rename; opening and syncing the folder.
  CHECK(failures == 10);
}

TEST_CASE("a full disk is reported as such") {
  const TemporaryFolder folder;
  script = {.failing = 2, .error = ENOSPC, .most = 2};
  const std::vector<Bytes> pieces = {bytes_of("data")};
  try {
    write_file_atomically(folder.path() / "x", pieces, scripted_calls());
    FAIL("written to a full disk");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("x: cannot write: No space left on device") !=
          std::string::npos);
  }
  CHECK(folder.count() == 0);
}

TEST_CASE("a disk that takes nothing and reports nothing is full, not waited for") {
  const TemporaryFolder folder;
  script = {.most = 0};
  const std::vector<Bytes> pieces = {bytes_of("data")};
  CHECK_THROWS_WITH_AS(write_file_atomically(folder.path() / "x", pieces, scripted_calls()),
                       doctest::Contains("No space left on device"), Error);
  CHECK(folder.count() == 0);
}
