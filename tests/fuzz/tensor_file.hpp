// A tensor file in memory, for the targets that feed the readers of the tensor room.
//
// The readers take a path and read with pread, so the input becomes an anonymous file that the
// kernel keeps in memory; its path is the one under /proc/self/fd. Limits are small: an honest
// file of this size stays far below them, and a reader that trusts a lying one is found out at
// once by the memory limit of tools/fuzz.
#pragma once

#include "ulpscope/tensor/source.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "fuzz/expect.hpp"
#include <sys/mman.h>
#include <unistd.h>

namespace ulpscope::fuzz {

inline constexpr ReadLimits small_limits{.safetensors_header = 1 << 16,
                                         .npy_header = 1 << 12,
                                         .rank = 8,
                                         .tensors = 64,
                                         .name_length = 64,
                                         .inflated = 1 << 20,
                                         .inflated_ratio = 100,
                                         .inflated_free = 1 << 14};

class MemoryFile {
 public:
  explicit MemoryFile(std::span<const uint8_t> bytes)
      : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(bytes.size());
    expect(descriptor_ >= 0 && ::write(descriptor_, bytes.data(), bytes.size()) == size,
           "a file in memory can be made");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

struct Contents {
  std::vector<Tensor> tensors;
  std::vector<TensorSource::LeftOut> left_out;
  std::map<std::string, std::string> metadata;
};

// All that a file holds, or nothing where the reader refuses it, as it may.
template <class Open>
std::optional<Contents> read_all(const std::filesystem::path& path, Open open) {
  try {
    const TensorSource source = open(path, small_limits);
    Contents contents{{}, source.left_out(), source.metadata()};
    for (const TensorInfo& info : source.tensors()) {
      contents.tensors.push_back(source.read(info.name));
      const Tensor& tensor = contents.tensors.back();
      expect(tensor.info == info, "the tensor read is the tensor listed");
      expect(tensor.bytes.size() == byte_count(info), "a tensor is as long as its shape says");
      expect(tensor.bytes.size() == element_count(info) * element_bytes(info.element),
             "elements have the size of their type");
    }
    return contents;
  } catch (const Error& error) {
    expect_refusal(error, ErrorKind::input, path.string() + ": ");
    return std::nullopt;
  }
}

}  // namespace ulpscope::fuzz
