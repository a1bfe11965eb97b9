#include "ulpscope/run/inputs.hpp"

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/format/subset.hpp"
#include "ulpscope/round/names.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>

namespace ulpscope {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
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
  TensorSource source = open_tensors(where.file, {.access = options.access, .held = options.held});
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
    const size_t expected = axes_of(*options.layout).size();
    if (expected != rank) {
      throw Error(ErrorKind::input, fmt::format("{}; --layout {} expects {} axes", where(),
                                                layout_name(*options.layout), expected));
    }
    return *options.layout;
  }
  const auto metadata = tensor.source.metadata().find("layout");
  if (metadata != tensor.source.metadata().end()) {
    const Layout layout = layout_named(metadata->second);
    if (axes_of(layout).size() == rank) return layout;
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

std::string hash_text(const XXH128_hash_t& hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

// Of all bytes of a tensor that stays in its file.
std::string hash_of(const StoredTensor& stored) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  if (state == nullptr || XXH3_128bits_reset(state.get()) != XXH_OK) throw std::bad_alloc();
  stored.stream([&](std::span<const std::byte> piece) {
    XXH3_128bits_update(state.get(), piece.data(), piece.size());
  });
  return hash_text(XXH3_128bits_digest(state.get()));
}

uint64_t kept_of(const StoredTensor& stored) {
  return stored.in_pieces() ? 0 : byte_count(stored.info());
}

// Of a tensor that cannot be read in pieces, the whole is read once and kept.
void make_pieces(StoredTensor& stored, const std::string& file) {
  if (!stored.in_pieces()) stored = in_memory(file, stored.read());
}

}  // namespace

std::string hash_of(const Tensor& tensor) {
  return hash_text(XXH3_128bits(tensor.bytes.data(), tensor.bytes.size()));
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
    const auto source = open_tensors(split_file_and_tensor(file).file, {.held = options.held});
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

OpenRegisters open_registers(const InputOptions& options, const std::string& role) {
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
  return {located.source.stored(located.info.name),
          {.file = located.source.path(),
           .tensor = located.info.name,
           .shape = located.info.shape,
           .format = *format,
           .values = {},
           .hash = {}}};
}

OpenRegisters::OpenRegisters(StoredTensor stored, RegisterTensor header)
    : stored_(std::move(stored)), header_(std::move(header)) {}

RegisterTensor OpenRegisters::understood(const Tensor& tensor) const {
  RegisterTensor result = header_;
  result.shape = tensor.info.shape;
  result.values.resize(element_count(tensor.info));
  for (size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] = detail::widened(header_.format, element_bits(tensor, i));
  }
  result.hash = hash_of(tensor);
  return result;
}

RegisterTensor OpenRegisters::read() const { return understood(stored_.read()); }

RegisterTensor OpenRegisters::read(const Box& box) {
  make_pieces(stored_, header_.file);
  return understood(stored_.read(box));
}

std::string OpenRegisters::hash() const { return hash_of(stored_); }

uint64_t OpenRegisters::bytes_to_keep() const { return kept_of(stored_); }

OpenOperand open_operand(const InputOptions& options, const std::string& role) {
  const Located located = found(options, role);
  const Layout layout = layout_of(options, located);
  const Meaning meaning = meaning_of(options, located);
  return {located.source.stored(located.info.name),
          {.role = role,
           .file = located.source.path(),
           .tensor = located.info.name,
           .shape = located.info.shape,
           .layout = layout,
           .sizes = sizes_in(located.info.shape, layout).value(),
           .format = meaning.working,
           .codes = {},
           .hash = {},
           .note = meaning.note},
          meaning.format,
          options.cast.value_or(nearest_even)};
}

OpenOperand::OpenOperand(StoredTensor stored, Operand16 header, Format in_file,
                         const Rounding& cast)
    : stored_(std::move(stored)), header_(std::move(header)), in_file_(in_file), cast_(cast) {}

void OpenOperand::add_step(RowStep step) {
  header_.note += (header_.note.empty() ? "" : "; ") + step.note;
  step_ = std::move(step);
}

std::vector<uint16_t> OpenOperand::stepped(const Tensor& tensor, const Sizes& sizes) const {
  std::vector<uint16_t> codes;
  codes.reserve(element_count(tensor.info));
  std::vector<double> numbers(static_cast<size_t>(sizes[3]));
  int64_t row = 0;
  for (const size_t first : row_offsets(sizes, header_.layout)) {
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto in_file = decode<uint128>(in_file_, element_bits(tensor, first + i));
      const auto bits = static_cast<uint64_t>(round_pack(step_->from, in_file, cast_).bits);
      numbers[i] = double_value(step_->from, bits);
    }
    step_->apply(row++ % sizes[2], numbers);
    for (const double x : numbers) {
      const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
      codes.push_back(static_cast<uint16_t>(round_pack(header_.format, exact, cast_).bits));
    }
  }
  return codes;
}

Operand16 OpenOperand::understood(const Tensor& tensor, const Sizes& sizes) const {
  Operand16 result = header_;
  result.shape = tensor.info.shape;
  result.sizes = sizes;
  if (step_) {
    result.codes = stepped(tensor, sizes);
    result.hash = hash_of(tensor);
    return result;
  }
  result.codes.resize(element_count(tensor.info));
  const bool same = in_file_ == header_.format;
  const auto dim = static_cast<size_t>(sizes[3]);
  auto code = result.codes.begin();
  for (const size_t row : row_offsets(sizes, header_.layout)) {
    for (size_t i = row; i < row + dim; ++i) {
      const uint64_t bits = element_bits(tensor, i);
      *code++ = static_cast<uint16_t>(
          same ? bits : round_pack(header_.format, decode<uint128>(in_file_, bits), cast_).bits);
    }
  }
  result.hash = hash_of(tensor);
  return result;
}

Operand16 OpenOperand::read() const { return understood(stored_.read(), header_.sizes); }

Operand16 OpenOperand::read(const HeadRange& heads) {
  make_pieces(stored_, header_.file);
  const Sizes& sizes = header_.sizes;
  const std::array<AxisRange, 4> ranges{AxisRange{heads.batch, heads.batch + 1},
                                        {heads.first, heads.end},
                                        {0, sizes[2]},
                                        {0, sizes[3]}};
  Box box;
  for (const size_t axis : axes_of(header_.layout)) box.push_back(ranges[axis]);
  return understood(stored_.read(box), {1, heads.end - heads.first, sizes[2], sizes[3]});
}

std::string OpenOperand::hash() const { return hash_of(stored_); }

uint64_t OpenOperand::bytes_to_keep() const { return kept_of(stored_); }

}  // namespace ulpscope
