#include "ulpscope/tensor/tensor.hpp"

#include "ulpscope/base/error.hpp"

#include <limits>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

// The product of the extents and `factor`; nullopt where it does not fit.
std::optional<uint64_t> checked_product(std::span<const int64_t> shape, uint64_t factor) {
  constexpr uint64_t most = std::numeric_limits<int64_t>::max();
  uint64_t product = factor;
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
      continue;
    }
    if (product > most / static_cast<uint64_t>(extent)) return std::nullopt;
    product *= static_cast<uint64_t>(extent);
  }
  return empty ? 0 : product;
}

uint64_t product_or_throw(const TensorInfo& info, uint64_t factor) {
  if (const auto product = checked_product(info.shape, factor)) return *product;
  throw Error(
      ErrorKind::input,
      fmt::format("tensor {}: shape {} of {} is negative or beyond 2^63 - 1 bytes",
                  in_quotes(info.name), shape_text(info.shape), element_name(info.element)));
}

// C1 control characters are two bytes in UTF-8, C2 80 to C2 9F, and some terminals obey them.
bool is_control(std::string_view text, size_t i) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto c1 = [&](size_t at) {
    return at + 1 < text.size() && byte(at) == 0xC2 && byte(at + 1) >= 0x80 && byte(at + 1) < 0xA0;
  };
  return byte(i) < 0x20 || byte(i) == 0x7F || c1(i) || (i > 0 && c1(i - 1));
}

// The first bytes of a UTF-8 text, not cut inside a character.
std::string_view beginning(std::string_view text, size_t longest) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0) == 0x80) --longest;
  return text.substr(0, longest);
}

}  // namespace

std::optional<uint64_t> checked_bytes(Element element, std::span<const int64_t> shape) {
  return checked_product(shape, element_bytes(element));
}

uint64_t element_count(const TensorInfo& info) { return product_or_throw(info, 1); }

uint64_t byte_count(const TensorInfo& info) {
  return product_or_throw(info, element_bytes(info.element));
}

Tensor make_tensor(TensorInfo info) {
  const uint64_t size = byte_count(info);
  return {std::move(info), std::vector<std::byte>(size)};
}

std::string shape_text(std::span<const int64_t> shape) {
  if (shape.size() == 1) return fmt::format("({},)", shape[0]);
  return fmt::format("({})", fmt::join(shape, ", "));
}

std::string in_quotes(std::string_view name) {
  const std::string_view shown = beginning(name, 120);
  std::string text = "'";
  for (size_t i = 0; i < shown.size(); ++i) {
    if (is_control(shown, i)) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(shown[i]));
    } else {
      text += shown[i];
    }
  }
  text += shown.size() < name.size() ? "...'" : "'";
  return text;
}

uint64_t element_bits(const Tensor& tensor, size_t i) {
  const size_t size = element_bytes(tensor.info.element);
  uint64_t bits = 0;
  for (size_t b = size; b-- > 0;) {
    bits = bits << 8 | std::to_integer<uint64_t>(tensor.bytes[i * size + b]);
  }
  return bits;
}

}  // namespace ulpscope
