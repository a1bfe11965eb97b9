#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <array>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

#include "safetensors_text.hpp"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

[[noreturn]] void fail(std::string_view name, const std::string& what) {
  throw Error(ErrorKind::usage, fmt::format("cannot write tensor {}: {}", in_quotes(name), what));
}

void check_sizes(std::span<const Tensor> tensors) {
  for (const auto& [info, bytes] : tensors) {
    if (byte_count(info) != bytes.size()) {
      fail(info.name, fmt::format("shape {} of {} takes {} bytes, found {}", shape_text(info.shape),
                                  element_name(info.element), byte_count(info), bytes.size()));
    }
  }
}

// In quotes, with the escapes of JSON.
std::string json_text(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(ErrorKind::usage, fmt::format("{} is not UTF-8, which safetensors asks of every "
                                              "name and text",
                                              in_quotes(text)));
  }
}

}  // namespace

std::string safetensors_header_text(std::span<const TensorInfo> tensors,
                                    const std::map<std::string, std::string>& metadata) {
  std::set<std::string_view> names = {"", "__metadata__"};
  for (const auto& info : tensors) {
    if (!names.insert(info.name).second) fail(info.name, "the name is taken, or empty");
  }
  std::vector<std::string> pairs;
  for (const auto& [key, value] : metadata) {
    pairs.push_back(json_text(key) + ":" + json_text(value));
  }
  std::vector<std::string> entries;
  if (!pairs.empty()) {
    entries.push_back(fmt::format(R"("__metadata__":{{{}}})", fmt::join(pairs, ",")));
  }
  uint64_t at = 0;
  for (const auto& info : tensors) {
    const uint64_t size = byte_count(info);
    entries.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                                  json_text(info.name), safetensors_dtype(info.element),
                                  fmt::join(info.shape, ","), at, at + size));
    at += size;
  }
  std::string text = fmt::format("{{{}}}", fmt::join(entries, ","));
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  check_sizes(tensors);
  std::vector<TensorInfo> infos;
  for (const Tensor& tensor : tensors) infos.push_back(tensor.info);
  const std::string header = safetensors_header_text(infos, metadata);
  const std::array<uint64_t, 1> length = {header.size()};
  std::vector<Bytes> pieces = {std::as_bytes(std::span(length)), std::as_bytes(std::span(header))};
  for (const Tensor& tensor : tensors) pieces.push_back(tensor.bytes);
  write_file_atomically(path, pieces);
}

}  // namespace ulpscope
