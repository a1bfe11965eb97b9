#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/input_file.hpp"
#include "ulpscope/tensor/safetensors.hpp"
#include "ulpscope/tensor/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

[[noreturn]] void fail(const InputFile& file, const std::string& what) {
  throw Error(ErrorKind::input, fmt::format("{}: {}", file.name(), what));
}

// The text of the header, its length checked before it is read.
std::string read_header(const InputFile& file, const ReadLimits& limits) {
  std::array<std::byte, 8> field = {};
  if (file.size() < field.size()) {
    fail(file, fmt::format("not a safetensors file: {} bytes, expected at least 8", file.size()));
  }
  file.read_at(0, field);
  uint64_t length = 0;
  std::memcpy(&length, field.data(), sizeof length);
  const uint64_t behind = file.size() - field.size();
  if (length > behind) {
    fail(file, fmt::format("not a safetensors file, or truncated: header of {} bytes promised, "
                           "{} found",
                           length, behind));
  }
  if (length > limits.safetensors_header) {
    fail(file, fmt::format("safetensors header of {} bytes, expected at most {}", length,
                           limits.safetensors_header));
  }
  std::string text(length, '\0');
  file.read_at(field.size(), std::as_writable_bytes(std::span(text)));
  return text;
}

// From 0 to the end of the file, each tensor beginning where the one before ended.
void check_cover(const std::vector<SafetensorsEntry>& entries, uint64_t data_size,
                 const InputFile& file) {
  uint64_t at = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != at) {
      fail(file, fmt::format("tensor {} begins at byte {} of the data, expected {}: {}",
                             in_quotes(entry.name), entry.begin, at,
                             entry.begin > at ? "a hole" : "an overlap"));
    }
    at = entry.end;
  }
  if (at != data_size) {
    fail(file,
         fmt::format("{}: tensors end at byte {} of the data, the file at {}",
                     at > data_size ? "truncated" : "bytes behind the last tensor", at, data_size));
  }
}

void check_size(const SafetensorsEntry& entry, Element element, const InputFile& file) {
  const auto promised = checked_bytes(element, entry.shape);
  if (promised == entry.end - entry.begin) return;
  fail(file, fmt::format("tensor {}: shape {} of {} takes {} bytes, found {}",
                         in_quotes(entry.name), shape_text(entry.shape), entry.dtype,
                         promised ? fmt::to_string(*promised) : "more than 2^63",
                         entry.end - entry.begin));
}

}  // namespace

TensorSource open_safetensors(const std::filesystem::path& path, const ReadLimits& limits) {
  const auto file = std::make_shared<const InputFile>(path, limits.access);
  const std::string text = read_header(*file, limits);
  const uint64_t data = sizeof(uint64_t) + text.size();
  SafetensorsHeader header = parse_safetensors_header(text, file->name(), limits);

  // The order in the file; empty tensors share an offset and go by name.
  std::ranges::sort(header.entries, {}, [](const SafetensorsEntry& entry) {
    return std::tie(entry.begin, entry.end, entry.name);
  });
  check_cover(header.entries, file->size() - data, *file);

  TensorSource::Contents contents;
  contents.metadata = std::move(header.metadata);
  std::vector<uint64_t> offsets;
  for (const SafetensorsEntry& entry : header.entries) {
    const auto element = element_from_safetensors(entry.dtype);
    if (!element) {
      const std::string reason = fmt::format("dtype {} is not read", in_quotes(entry.dtype));
      contents.left_out.push_back({entry.name, reason});
      continue;
    }
    check_size(entry, *element, *file);
    contents.tensors.push_back({entry.name, *element, entry.shape});
    offsets.push_back(data + entry.begin);
  }

  const auto open = [file, offsets, infos = contents.tensors](size_t i) {
    const auto at = [file, begin = offsets[i]](uint64_t offset, std::span<std::byte> into) {
      file->read_at(begin + offset, into);
    };
    return StoredTensor(file->name(), infos[i], {}, {.at = at});
  };
  return {file->name(), std::move(contents), open, limits};
}

}  // namespace ulpscope
