#include "ulpscope/run/inputs.hpp"

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>
#include <xxhash.h>

namespace ulpscope {

namespace {

// Axes by letter, slowest first; missing ones have size 1.
struct LayoutRow {
  Layout layout;
  std::string_view letters;
};
constexpr std::array layouts{
    LayoutRow{Layout::sd, "sd"},     LayoutRow{Layout::hsd, "hsd"},
    LayoutRow{Layout::shd, "shd"},   LayoutRow{Layout::bhsd, "bhsd"},
    LayoutRow{Layout::bshd, "bshd"}, LayoutRow{Layout::sbhd, "sbhd"},
};
constexpr std::string_view axes = "bhsd";

std::string_view letters(Layout layout) { return layouts[static_cast<size_t>(layout)].letters; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

// Strides of the axes b, h, s, d in a layout.
std::array<int64_t, 4> strides(const std::array<int64_t, 4>& sizes, Layout layout) {
  std::array<int64_t, 4> result{};
  int64_t stride = 1;
  const auto order = letters(layout);
  for (auto letter = order.rbegin(); letter != order.rend(); ++letter) {
    const auto axis = axes.find(*letter);
    result[axis] = stride;
    stride *= sizes[axis];
  }
  return result;
}

// Calls body(index in bhsd order, index in the layout) for every element.
template <class Body>
void for_each_element(const std::array<int64_t, 4>& sizes, Layout layout, Body&& body) {
  const auto stride = strides(sizes, layout);
  size_t flat = 0;
  for (int64_t b = 0; b < sizes[0]; ++b) {
    for (int64_t h = 0; h < sizes[1]; ++h) {
      for (int64_t s = 0; s < sizes[2]; ++s) {
        for (int64_t d = 0; d < sizes[3]; ++d) {
          body(flat++,
               static_cast<size_t>(b * stride[0] + h * stride[1] + s * stride[2] + d * stride[3]));
        }
      }
    }
  }
}

struct Located {
  TensorSource source;
  TensorInfo info;
};

// The tensor of a role, by --map or --q, or by its own name in any case.
std::optional<Located> locate(const InputOptions& options, const std::string& role) {
  const auto file = options.files.find(role);
  FileAndTensor where{options.input, ""};
  if (file != options.files.end()) where = split_file_and_tensor(file->second);
  if (where.file.empty()) return std::nullopt;
  const auto mapped = options.names.find(role);
  if (mapped != options.names.end()) where.tensor = mapped->second;
  TensorSource source = open_tensors(where.file);
  const auto found = [&]() -> const TensorInfo* {
    if (!where.tensor.empty()) return source.find(where.tensor);
    if (file != options.files.end() && source.tensors().size() == 1) return &source.tensors()[0];
    const TensorInfo* match = nullptr;
    for (const auto& info : source.tensors()) {
      if (lower(info.name) != role) continue;
      if (match != nullptr) {
        throw Error(
            ErrorKind::input,
            fmt::format("{}: both {} and {} could be {}: choose with --map {}=NAME", where.file,
                        in_quotes(match->name), in_quotes(info.name), role, role));
      }
      match = &info;
    }
    return match;
  }();
  if (found == nullptr) {
    if (where.tensor.empty()) return std::nullopt;
    source.read(where.tensor);  // throws, naming what is there
    return std::nullopt;
  }
  TensorInfo info = *found;
  return Located{std::move(source), std::move(info)};
}

Layout layout_of(const InputOptions& options, const Located& tensor) {
  const auto rank = tensor.info.shape.size();
  const auto where = [&] {
    return fmt::format("{}: {} has shape {}", tensor.source.path(), in_quotes(tensor.info.name),
                       shape_text(tensor.info.shape));
  };
  if (options.layout) {
    if (letters(*options.layout).size() != rank) {
      throw Error(ErrorKind::input,
                  fmt::format("{}; --layout {} expects {} axes", where(),
                              layout_name(*options.layout), letters(*options.layout).size()));
    }
    return *options.layout;
  }
  const auto metadata = tensor.source.metadata().find("layout");
  if (metadata != tensor.source.metadata().end()) {
    const Layout layout = layout_named(metadata->second);
    if (letters(layout).size() == rank) return layout;
  }
  if (rank == 2) return Layout::sd;
  if (rank == 3) return Layout::hsd;
  if (rank == 4) {
    throw Error(ErrorKind::usage,
                fmt::format("{}; the order of four axes is never guessed: expected "
                            "--layout bhsd, bshd or sbhd",
                            where()));
  }
  throw Error(ErrorKind::input,
              fmt::format("{}; expected (seq, dim), (head, seq, dim) or four axes", where()));
}

struct Meaning {
  Format format;   // of the codes in the file
  Format working;  // of the codes after loading
  std::string note;
};

bool is_bits(Element element) { return element == Element::u8 || element == Element::u16; }

// What the caller says of bits; `where` names the tensor.
Format format_of_bits(const InputOptions& options, Element element, const std::string& where) {
  if (!options.format) {
    throw Error(ErrorKind::usage, fmt::format("{}, which says nothing of the format: expected "
                                              "--format (bf16, fp16, ...)",
                                              where));
  }
  const int bits = element == Element::u8 ? 8 : 16;
  if (width(*options.format) != bits) {
    throw Error(ErrorKind::usage,
                fmt::format("{}, {} bits an element; --format {} has {}", where, bits,
                            format_name(*options.format), width(*options.format)));
  }
  return *options.format;
}

Meaning meaning_of(const InputOptions& options, const Located& tensor) {
  const Element element = tensor.info.element;
  const auto name = element_name(element);
  const auto where =
      fmt::format("{}: {} is {}", tensor.source.path(), in_quotes(tensor.info.name), name);
  if (is_bits(element)) {
    const Format format = format_of_bits(options, element, where);
    return {format, format, ""};
  }
  const auto in_file = names_a_format(element) ? find_format(name) : std::nullopt;
  if (!in_file) {
    throw Error(ErrorKind::input,
                fmt::format("{}; expected bf16, fp16, e4m3fn, e5m2, fp32, fp64, or "
                            "uint8 or uint16 bits with --format",
                            where));
  }
  const Format working = options.format.value_or(*in_file);
  if (working == *in_file && width(working) <= 16) return {*in_file, working, ""};
  if (!options.cast || !options.format) {
    throw Error(
        ErrorKind::usage,
        fmt::format("{}; the pass works on codes of at most 16 bits{}: expected --format {} "
                    "--cast rne to round it once, or a dump in that format",
                    where,
                    options.format ? fmt::format(", --format says {}", format_name(working)) : "",
                    options.format ? format_name(working) : "bf16"));
  }
  if (width(working) > 16) {
    throw Error(ErrorKind::usage, fmt::format("--format {}: the pass works on codes of at most 16 "
                                              "bits",
                                              format_name(working)));
  }
  return {*in_file, working,
          fmt::format("rounded from {} to {} by {}", name, format_name(working),
                      rounding_name(*options.cast))};
}

}  // namespace

Layout layout_named(const std::string& name) {
  std::string known;
  for (const auto& row : layouts) {
    if (row.letters == name) return row.layout;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.letters);
  }
  throw Error(ErrorKind::usage,
              fmt::format("unknown layout '{}': expected one of {}", name, known));
}

std::string layout_name(Layout layout) { return std::string(letters(layout)); }

std::string hash_of(const Tensor& tensor) {
  const auto hash = XXH3_128bits(tensor.bytes.data(), tensor.bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

FileAndTensor split_file_and_tensor(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

bool has_operand(const InputOptions& options, const std::string& role) {
  return locate(options, role).has_value();
}

namespace {

Located found(const InputOptions& options, const std::string& role) {
  auto located = locate(options, role);
  if (located) return std::move(*located);
  const auto& file = options.files.contains(role) ? options.files.at(role) : options.input;
  std::string there;
  if (!file.empty()) {
    const auto source = open_tensors(split_file_and_tensor(file).file);
    for (const auto& info : source.tensors()) {
      there += fmt::format("{}{}", there.empty() ? "" : ", ", in_quotes(info.name));
    }
  }
  const std::string expected = options.files.contains(role)
                                   ? "a tensor of that name, or FILE:TENSOR"
                                   : fmt::format("q, k and v (--map {}=NAME names another)", role);
  throw Error(ErrorKind::input, fmt::format("{}: no tensor '{}': found {}; expected {}",
                                            file.empty() ? "input" : file, role,
                                            there.empty() ? "none" : there, expected));
}

}  // namespace

RegisterTensor load_registers(const InputOptions& options, const std::string& role) {
  const Located located = found(options, role);
  const Element element = located.info.element;
  const auto where = fmt::format("{}: {} is {}", located.source.path(),
                                 in_quotes(located.info.name), element_name(element));
  const auto format = is_bits(element)          ? format_of_bits(options, element, where)
                      : names_a_format(element) ? find_format(element_name(element))
                                                : std::nullopt;
  if (!format || !is_subset(*format, fp32)) {
    throw Error(
        ErrorKind::input,
        fmt::format("{}; expected fp32, bf16, fp16 or another format that binary32 holds", where));
  }
  const Tensor tensor = located.source.read(located.info.name);
  RegisterTensor result{.file = located.source.path(),
                        .tensor = tensor.info.name,
                        .shape = tensor.info.shape,
                        .format = *format,
                        .values = std::vector<uint32_t>(element_count(tensor.info)),
                        .hash = hash_of(tensor)};
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = detail::widened(*format, element_bits(tensor, i));
  }
  return result;
}

Operand16 load_operand(const InputOptions& options, const std::string& role) {
  const Located located = found(options, role);
  const Layout layout = layout_of(options, located);
  const Meaning meaning = meaning_of(options, located);
  const Tensor tensor = located.source.read(located.info.name);
  Operand16 operand{.role = role,
                    .file = located.source.path(),
                    .tensor = tensor.info.name,
                    .shape = tensor.info.shape,
                    .layout = layout,
                    .sizes = {1, 1, 1, 1},
                    .format = meaning.working,
                    .codes = {},
                    .hash = hash_of(tensor),
                    .note = meaning.note};
  for (size_t i = 0; i < tensor.info.shape.size(); ++i) {
    operand.sizes[axes.find(letters(layout)[i])] = tensor.info.shape[i];
  }
  operand.codes.resize(element_count(tensor.info));
  const bool same = meaning.format == meaning.working;
  const Rounding rounding = options.cast.value_or(nearest_even);
  for_each_element(operand.sizes, layout, [&](size_t to, size_t from) {
    const uint64_t bits = element_bits(tensor, from);
    operand.codes[to] = static_cast<uint16_t>(
        same ? bits
             : round_pack(meaning.working, decode<uint128>(meaning.format, bits), rounding).bits);
  });
  return operand;
}

template <class T>
std::vector<T> in_layout(const std::vector<T>& values, const std::array<int64_t, 4>& sizes,
                         Layout layout) {
  std::vector<T> result(values.size());
  for_each_element(sizes, layout, [&](size_t from, size_t to) { result[to] = values[from]; });
  return result;
}
template std::vector<uint32_t> in_layout(const std::vector<uint32_t>&,
                                         const std::array<int64_t, 4>&, Layout);
template std::vector<float> in_layout(const std::vector<float>&, const std::array<int64_t, 4>&,
                                      Layout);

template <class T>
std::vector<T> from_layout(const std::vector<T>& values, const std::array<int64_t, 4>& sizes,
                           Layout layout) {
  std::vector<T> result(values.size());
  for_each_element(sizes, layout, [&](size_t to, size_t from) { result[to] = values[from]; });
  return result;
}
template std::vector<uint64_t> from_layout(const std::vector<uint64_t>&,
                                           const std::array<int64_t, 4>&, Layout);

std::optional<std::array<int64_t, 4>> sizes_in(const std::vector<int64_t>& shape, Layout layout) {
  const auto order = letters(layout);
  if (shape.size() != order.size() && shape.size() + 1 != order.size()) return std::nullopt;
  std::array<int64_t, 4> sizes{1, 1, 1, 1};
  for (size_t i = 0; i < shape.size(); ++i) sizes[axes.find(order[i])] = shape[i];
  return sizes;
}

std::vector<int64_t> shape_in_layout(std::array<int64_t, 4> sizes, Layout layout) {
  std::vector<int64_t> shape;
  for (const char letter : letters(layout)) {
    const int64_t size = sizes[axes.find(letter)];
    if (letter != 'd' || size > 0) shape.push_back(size);
  }
  return shape;
}

}  // namespace ulpscope
