#include "ulpscope/base/output_file.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ulpscope {
namespace {

using std::filesystem::path;

int open_file(const char* name, int flags, mode_t mode) { return ::open(name, flags, mode); }

[[noreturn]] void fail(const path& target, std::string_view what) {
  const int error = errno;
  throw Error(ErrorKind::resource, fmt::format("{}: {}: {}", target.string(), what,
                                               std::generic_category().message(error)));
}

// A file that is open under a name of its own, and gone with this object unless renamed.
class TemporaryFile {
 public:
  TemporaryFile(const path& target, const path& folder, const OutputCalls& calls)
      : target_(target), calls_(calls) {
    for (int number = 0; number < 1000; ++number) {
      name_ = folder / fmt::format(".ulpscope-{}-{}.tmp", ::getpid(), number);
      descriptor_ = calls_.open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) return;
      if (errno != EEXIST && errno != EINTR) break;
    }
    fail(target_, "cannot create a temporary file beside it");
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) calls_.close(descriptor_);
    if (!renamed_) ::unlink(name_.c_str());
  }

  void write(Bytes bytes) {
    // Linux moves at most 2 GiB - 4 KiB a call; less is asked for, so that a signal is not
    // kept waiting behind a slow disk.
    constexpr size_t most = size_t{64} << 20;
    while (!bytes.empty()) {
      const ssize_t written = calls_.write(descriptor_, bytes.data(), std::min(bytes.size(), most));
      if (written > 0) {
        bytes = bytes.subspan(static_cast<size_t>(written));
        continue;
      }
      if (written == 0) errno = ENOSPC;  // POSIX leaves it open; repeating could hang for ever
      if (errno != EINTR) fail(target_, "cannot write");
    }
  }

  void commit() {
    while (calls_.fsync(descriptor_) != 0) {
      if (errno != EINTR) fail(target_, "cannot sync");
    }
    // Network file systems report lost writes here. Linux has closed the descriptor even when it
    // says EINTR, so there is nothing to repeat.
    if (calls_.close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) {
      fail(target_, "cannot close");
    }
    if (calls_.rename(name_.c_str(), target_.c_str()) != 0) fail(target_, "cannot rename to it");
    renamed_ = true;
  }

 private:
  const path& target_;
  const OutputCalls& calls_;
  path name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

void refuse_special(const path& target) {
  struct stat status;
  if (::stat(target.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  throw Error(ErrorKind::resource,
              fmt::format("{}: is a {}, expected a file or nothing there", target.string(),
                          S_ISDIR(status.st_mode) ? "folder" : "device, FIFO or socket"));
}

// Makes the new name survive a power cut. Some file systems cannot sync a folder and say EINVAL.
void sync_folder(const path& target, const path& folder, const OutputCalls& calls) {
  const int descriptor = calls.open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (descriptor < 0) fail(target, "cannot open its folder");
  int error = 0;
  do {
    error = calls.fsync(descriptor) == 0 ? 0 : errno;
  } while (error == EINTR);
  calls.close(descriptor);
  errno = error;
  if (error != 0 && error != EINVAL) fail(target, "cannot sync its folder");
}

}  // namespace

OutputCalls system_calls() { return {open_file, ::write, ::fsync, ::close, std::rename}; }

void write_file_atomically(const path& target, std::span<const Bytes> pieces,
                           const OutputCalls& calls) {
  refuse_special(target);
  const path folder = target.has_parent_path() ? target.parent_path() : path(".");
  {
    TemporaryFile file(target, folder, calls);
    for (const Bytes piece : pieces) file.write(piece);
    file.commit();
  }
  sync_folder(target, folder, calls);
}

void write_file_atomically(const path& target, std::initializer_list<Bytes> pieces) {
  write_file_atomically(target, std::span<const Bytes>(pieces.begin(), pieces.size()));
}

void write_file_atomically(const path& target, std::string_view text) {
  write_file_atomically(target, {std::as_bytes(std::span(text))});
}

}  // namespace ulpscope
