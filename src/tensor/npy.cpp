#include "ulpscope/tensor/npy.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/input_file.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are kept little-endian");

constexpr std::string_view magic = "\x93NUMPY";

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::input, fmt::format("{}: {}", where, what));
}

uint64_t little_endian(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

// Reads magic, version and length; returns the length of the header that follows.
// `left` is what remains of the stream.
uint64_t read_preamble(const NextBytes& next, uint64_t& left, const std::string& where) {
  const auto take = [&](std::span<std::byte> into) {
    if (left < into.size()) fail(where, "truncated inside the first 12 bytes of a .npy file");
    next(into);
    left -= into.size();
  };
  std::array<std::byte, 8> start;
  take(start);
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    fail(where, "not a .npy file: it does not start with \\x93NUMPY");
  }
  const auto major = std::to_integer<int>(start[6]);
  const auto minor = std::to_integer<int>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    fail(where, fmt::format(".npy version {}.{}, expected 1.0, 2.0 or 3.0", major, minor));
  }
  std::array<std::byte, 4> length;
  const std::span<std::byte> field = std::span(length).first(major == 1 ? 2 : 4);
  take(field);
  return little_endian(field);
}

NextBytes stream_of(const InputFile& file, uint64_t offset) {
  return [&file, at = offset](std::span<std::byte> into) mutable {
    file.read_at(at, into);
    at += into.size();
  };
}

}  // namespace

NpyHeader read_npy_header(const NextBytes& next, uint64_t size, const std::string& where,
                          const ReadLimits& limits) {
  uint64_t left = size;
  const uint64_t length = read_preamble(next, left, where);
  if (length > limits.npy_header) {
    fail(where,
         fmt::format(".npy header of {} bytes, expected at most {}", length, limits.npy_header));
  }
  if (length > left) {
    fail(where, fmt::format("truncated: .npy header of {} bytes, {} left", length, left));
  }
  std::string text(length, '\0');
  next(std::as_writable_bytes(std::span(text)));
  left -= length;

  NpyHeader header = parse_npy_header(text, where, limits);
  if (!header.type) return header;
  const auto promised = checked_bytes(header.type->element, header.shape);
  if (!promised || *promised != left) {
    fail(where, fmt::format("{}: shape {} of '{}' takes {} bytes, found {}",
                            !promised || *promised > left ? "truncated" : "bytes behind the array",
                            shape_text(header.shape), header.descr,
                            promised ? fmt::to_string(*promised) : "more than 2^63", left));
  }
  return header;
}

StoredForm stored_form(const NpyHeader& header) {
  return {.order = header.order, .bytes = header.type.value().order};
}

TensorSource open_npy(const std::filesystem::path& path, const ReadLimits& limits) {
  const auto file = std::make_shared<const InputFile>(path, limits.access);
  const NpyHeader header = read_npy_header(stream_of(*file, 0), file->size(), file->name(), limits);
  const std::string name = path.stem().string();
  TensorSource::Contents contents;
  if (!header.type) {
    contents.left_out.push_back({name, unreadable_reason(header)});
    return {file->name(), std::move(contents), {}, limits};
  }
  const TensorInfo info = {name, header.type->element, header.shape};
  contents.tensors.push_back(info);
  const uint64_t data = file->size() - byte_count(info);
  const auto open = [=](size_t) {
    return StoredTensor(file->name(), info, stored_form(header),
                        {.at = [=](uint64_t offset, std::span<std::byte> into) {
                          file->read_at(data + offset, into);
                        }});
  };
  return {file->name(), std::move(contents), open, limits};
}

}  // namespace ulpscope
