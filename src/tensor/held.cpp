#include "ulpscope/tensor/held.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ulpscope {

TensorSource open_held(const std::string& file, const std::vector<HeldTensor>& tensors,
                       const ReadLimits& limits) {
  TensorSource::Contents contents;
  for (const auto& [info, bytes] : tensors) {
    if (byte_count(info) != bytes.size()) {
      throw Error(ErrorKind::input, fmt::format("{}: {} of shape {} takes {} bytes, found {}", file,
                                                in_quotes(info.name), shape_text(info.shape),
                                                byte_count(info), bytes.size()));
    }
    contents.tensors.push_back(info);
  }
  const auto open = [file, tensors](size_t i) {
    const auto bytes = tensors[i].bytes;
    return StoredTensor(file, tensors[i].info, {},
                        {.at = [bytes](uint64_t offset, std::span<std::byte> into) {
                          std::ranges::copy(bytes.subspan(offset, into.size()), into.begin());
                        }});
  };
  return {file, std::move(contents), open, limits};
}

}  // namespace ulpscope
