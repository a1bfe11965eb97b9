#include "ulpscope/tensor/safetensors_file.hpp"

#include "ulpscope/base/error.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "safetensors_text.hpp"
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ulpscope {

SafetensorsFile::SafetensorsFile(std::filesystem::path path, std::span<const TensorInfo> tensors,
                                 const std::map<std::string, std::string>& metadata)
    : path_(std::move(path)) {
  const std::string header = safetensors_header_text(tensors, metadata);
  const std::array<uint64_t, 1> length = {header.size()};
  uint64_t end = sizeof length + header.size();
  for (const TensorInfo& info : tensors) {
    offsets_.push_back(end);
    end += byte_count(info);
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("cannot create");
  try {
    int reserved = 0;
    do {
      reserved = ::fallocate(descriptor_, 0, 0, static_cast<off_t>(end));
    } while (reserved != 0 && errno == EINTR);
    // Some file systems cannot reserve; there a full disk shows when it is written.
    const bool cannot = reserved != 0 && (errno == EOPNOTSUPP || errno == ENOSYS);
    if (reserved != 0 && !cannot) fail("cannot reserve space");
    if (cannot && ::ftruncate(descriptor_, static_cast<off_t>(end)) != 0) fail("cannot extend");
    write_at(0, std::as_bytes(std::span(length)));
    write_at(sizeof length, std::as_bytes(std::span(header)));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SafetensorsFile::write(size_t tensor, uint64_t offset, Bytes bytes) const {
  write_at(offsets_[tensor] + offset, bytes);
}

void SafetensorsFile::finish() {
  while (::fsync(descriptor_) != 0) {
    if (errno != EINTR) fail("cannot sync");
  }
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) fail("cannot close");
}

void SafetensorsFile::write_at(uint64_t offset, Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written > 0) {
      bytes = bytes.subspan(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
      continue;
    }
    if (written == 0) errno = ENOSPC;
    if (errno != EINTR) fail("cannot write");
  }
}

void SafetensorsFile::fail(const char* what) const {
  const int error = errno;
  throw Error(ErrorKind::resource, fmt::format("{}: {}: {}", path_.string(), what,
                                               std::generic_category().message(error)));
}

}  // namespace ulpscope
