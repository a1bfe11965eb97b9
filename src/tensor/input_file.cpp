#include "ulpscope/tensor/input_file.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ulpscope {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "folder";
  if (S_ISFIFO(mode)) return "FIFO";
  if (S_ISSOCK(mode)) return "socket";
  return "device";
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path, FileAccess access)
    : name_(path.string()),
      // O_NONBLOCK: opening a FIFO returns at once; it means nothing for a regular file.
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  if (descriptor_ < 0) {
    throw Error(ErrorKind::input, fmt::format("{}: cannot open: {}", name_, reason(errno)));
  }
  struct stat status = {};
  if (::fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    if (access == FileAccess::map) map();
    return;
  }
  ::close(descriptor_);
  throw Error(ErrorKind::input,
              fmt::format("{}: is a {}, expected a regular file", name_, kind_of(status.st_mode)));
}

InputFile::~InputFile() {
  if (map_ != nullptr) ::munmap(const_cast<std::byte*>(map_), size_);
  ::close(descriptor_);
}

void InputFile::map() {
  if (size_ == 0) return;  // which no map takes, and there is nothing to read
  void* const start = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (start == MAP_FAILED) {
    const std::string why = reason(errno);
    ::close(descriptor_);
    throw Error(ErrorKind::resource, fmt::format("{}: cannot map {} bytes: {}", name_, size_, why));
  }
  map_ = static_cast<const std::byte*>(start);
}

void InputFile::read_at(uint64_t offset, std::span<std::byte> into) const {
  if (map_ != nullptr && offset <= size_ && into.size() <= size_ - offset) {
    std::memcpy(into.data(), map_ + offset, into.size());
    return;
  }
  // Linux moves at most 2 GiB - 4 KiB a call.
  constexpr size_t most = size_t{1} << 30;
  while (!into.empty()) {
    const ssize_t got =
        ::pread(descriptor_, into.data(), std::min(into.size(), most), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(ErrorKind::resource,
                  fmt::format("{}: cannot read at byte {}: {}", name_, offset, reason(errno)));
    }
    if (got == 0) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: ends at byte {}, expected {} more: truncated, or changed while "
                              "it was read (it had {} bytes)",
                              name_, offset, into.size(), size_));
    }
    offset += static_cast<uint64_t>(got);
    into = into.subspan(static_cast<size_t>(got));
  }
}

}  // namespace ulpscope
