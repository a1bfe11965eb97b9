#include "ulpscope/run/one_tensor.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/round_pack.hpp"
#include "ulpscope/run/inputs.hpp"
#include "ulpscope/tensor/open.hpp"

#include <fmt/format.h>

namespace ulpscope {

namespace {

Format format_of(const std::string& where, const TensorInfo& info,
                 const std::optional<Format>& format) {
  const auto name = element_name(info.element);
  if (const auto named = names_a_format(info.element) ? find_format(name) : std::nullopt) {
    return *named;
  }
  const bool is_bits =
      info.element == Element::u8 || info.element == Element::u16 || info.element == Element::u32;
  if (!is_bits) {
    throw Error(ErrorKind::input,
                fmt::format("{} is {}; expected a floating-point format, or uint8, "
                            "uint16 or uint32 bits with --format",
                            where, name));
  }
  const auto bits = static_cast<int>(8 * element_bytes(info.element));
  if (!format || width(*format) != bits) {
    throw Error(
        ErrorKind::usage,
        fmt::format(
            "{} is {}, which says nothing of the format: expected --format with {} "
            "bits{}",
            where, name, bits,
            format ? fmt::format("; {} has {}", format_name(*format), width(*format)) : ""));
  }
  return *format;
}

}  // namespace

OneTensor load_one_tensor(const std::string& text, const std::optional<Format>& format,
                          const HeldTensors* held) {
  const auto [file, wanted] = split_file_and_tensor(text);
  const TensorSource source = open_tensors(file, {.held = held});
  std::string name = wanted;
  if (name.empty()) {
    if (source.tensors().size() != 1) {
      std::string there;
      for (const auto& info : source.tensors()) {
        there += fmt::format("{}{}", there.empty() ? "" : ", ", info.name);
      }
      throw Error(ErrorKind::usage, fmt::format("{} holds {} tensors ({}): expected FILE:TENSOR",
                                                file, source.tensors().size(), there));
    }
    name = source.tensors()[0].name;
  }
  const Tensor tensor = source.read(name);
  const std::string where = fmt::format("{}:{}", file, name);
  OneTensor result{.where = where,
                   .info = tensor.info,
                   .format = format_of(where, tensor.info, format),
                   .hash = hash_of(tensor),
                   .codes = std::vector<uint64_t>(element_count(tensor.info))};
  for (size_t i = 0; i < result.codes.size(); ++i) result.codes[i] = element_bits(tensor, i);
  return result;
}

std::vector<uint32_t> as_binary32(const OneTensor& tensor) {
  if (!is_subset(tensor.format, fp32)) {
    throw Error(ErrorKind::input,
                fmt::format("{} is {}: expected a format that binary32 holds, in which scales are "
                            "computed",
                            tensor.where, format_name(tensor.format)));
  }
  if (tensor.codes.empty()) {
    throw Error(ErrorKind::input, fmt::format("{} has no elements", tensor.where));
  }
  std::vector<uint32_t> values(tensor.codes.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const auto exact = decode<uint64_t>(tensor.format, tensor.codes[i]);
    values[i] = static_cast<uint32_t>(round_pack(fp32, exact, nearest_even).bits);
  }
  return values;
}

}  // namespace ulpscope
