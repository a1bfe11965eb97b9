#include "ulpscope/run/vectors.hpp"

#include "ulpscope/base/error.hpp"

#include <cstring>
#include <optional>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// Lines out of blocks. A line that does not fit a block is cut, and then no vector.
class Lines {
 public:
  explicit Lines(const VectorSource& source) : source_(source), buffer_(block_size) {}

  // The next line without its end, or nothing; valid until the next call.
  std::optional<std::string_view> next() {
    for (;;) {
      const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
      const size_t length = rest.find('\n', searched_);
      if (length != std::string_view::npos) return take(rest.substr(0, length), length + 1);
      searched_ = rest.size();
      if (rest.size() < buffer_.size() && refill()) continue;
      if (rest.empty()) return {};
      return take({buffer_.data() + begin_, rest.size()}, rest.size());
    }
  }

 private:
  static constexpr size_t block_size = size_t{1} << 20;

  // Moves what is left to the front and reads behind it; whether anything came.
  bool refill() {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const size_t size = source_.read(std::span(buffer_).subspan(end_));
    end_ += size;
    return size != 0;
  }
  std::string_view take(std::string_view line, size_t size) {
    begin_ += size;
    searched_ = 0;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  const VectorSource& source_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t searched_ = 0;  // of the rest, known to have no end of line
};

constexpr int flag_digits = 2;
constexpr uint8_t all_flags = testfloat_inexact | testfloat_underflow | testfloat_overflow |
                              testfloat_infinite | testfloat_invalid;
constexpr uint8_t no_digit = 0xFF;

constexpr std::array<uint8_t, 256> digit_values = [] {
  std::array<uint8_t, 256> values{};
  values.fill(no_digit);
  for (uint8_t i = 0; i < 10; ++i) values[static_cast<size_t>('0' + i)] = i;
  for (uint8_t i = 10; i < 16; ++i) {
    values[static_cast<size_t>('A' + i - 10)] = i;
    values[static_cast<size_t>('a' + i - 10)] = i;
  }
  return values;
}();

struct Vector {
  VectorOperands operands;
  VectorAnswer expected;
};

// Numbers of known lengths, one after the other; once something is wrong, it stays wrong.
class Fields {
 public:
  explicit Fields(std::string_view line) : line_(line) {}

  uint64_t number(int digits) {
    uint64_t value = 0;
    uint8_t seen = 0;  // all bits set by a character that is no digit, and by nothing else
    for (int i = 0; i < digits; ++i) {
      const uint8_t digit = digit_values[static_cast<uint8_t>(line_[at_++])];
      seen |= digit;
      value = (value << 4) | (digit & 0xF);
    }
    if (seen == no_digit) good_ = false;
    return value;
  }
  void space() {
    if (line_[at_++] != ' ') good_ = false;
  }
  bool good() const { return good_; }

 private:
  std::string_view line_;
  size_t at_ = 0;
  bool good_ = true;
};

size_t line_length(const VectorFunction& f) {
  return static_cast<size_t>(f.operands * (f.from.digits + 1) + f.to.digits + 1 + flag_digits);
}

std::optional<Vector> read_vector(const VectorFunction& f, size_t length, std::string_view line) {
  if (line.size() != length) return {};
  Vector v{};
  Fields fields(line);
  for (int i = 0; i < f.operands; ++i) {
    v.operands[static_cast<size_t>(i)] = fields.number(f.from.digits);
    fields.space();
  }
  v.expected.bits = fields.number(f.to.digits);
  fields.space();
  v.expected.flags = static_cast<uint8_t>(fields.number(flag_digits));
  const bool is_truth = f.to.kind != VectorKind::truth || v.expected.bits <= 1;
  if (!fields.good() || !is_truth || (v.expected.flags & ~all_flags) != 0) return {};
  return v;
}

// xxxx xxxx xxxx xx
std::string form_of(const VectorFunction& f) {
  const auto number = [](int digits) {
    return std::string(static_cast<size_t>(digits), 'x') + " ";
  };
  std::string form;
  for (int i = 0; i < f.operands; ++i) form += number(f.from.digits);
  return form + number(f.to.digits) + std::string(flag_digits, 'x');
}

[[noreturn]] void refuse(const VectorFunction& f, const std::string& where,
                         const std::string& found) {
  throw Error(ErrorKind::input,
              fmt::format("{}: found {}, expected hexadecimal digits '{}': operands, result{} and "
                          "flags up to {:X} of {}",
                          where, found, form_of(f), f.to.kind == VectorKind::truth ? " 0 or 1" : "",
                          all_flags, f.name));
}

std::string quoted(std::string_view line) {
  constexpr size_t most_shown = 80;
  return fmt::format("'{}'{}", line.substr(0, most_shown), line.size() > most_shown ? "..." : "");
}

// Whether IEEE 754 allows either value.
bool same_value(const VectorFunction& f, const Vector& v, const VectorAnswer& found) {
  if (found.bits == v.expected.bits) return true;
  switch (f.to.kind) {
    case VectorKind::truth: return false;
    case VectorKind::floating:
      return is_nan(f.to.format, found.bits) && is_nan(f.to.format, v.expected.bits);
    case VectorKind::integer: break;
  }
  if ((found.flags & testfloat_invalid) == 0) return false;
  VectorFunction other = f;
  for (const auto rule :
       {OutOfRange::saturate, OutOfRange::saturate_nan_zero, OutOfRange::indefinite}) {
    other.options.to_integer.out_of_range = rule;
    if (other.answer(other, v.operands).bits == v.expected.bits) return true;
  }
  return false;
}

void compare(const VectorFunction& f, const Vector& v, VectorTally& tally) {
  const VectorAnswer found = f.answer(f, v.operands);
  if (found == v.expected) return;
  const bool value = same_value(f, v, found);
  const bool flags = found.flags == v.expected.flags;
  if (value && flags) return;
  ++tally.mismatches;
  tally.wrong_values += value ? 0 : 1;
  tally.wrong_flags += flags ? 0 : 1;
  if (tally.first.size() < most_listed_mismatches) {
    tally.first.push_back({tally.lines, v.operands, found, v.expected});
  }
}

}  // namespace

VectorTally check_vectors(const VectorFunction& function, const VectorSource& source) {
  VectorTally tally;
  Lines lines(source);
  const size_t length = line_length(function);
  while (const auto line = lines.next()) {
    ++tally.lines;
    const auto vector = read_vector(function, length, *line);
    if (!vector) {
      refuse(function, fmt::format("{}, line {}", source.name, tally.lines), quoted(*line));
    }
    compare(function, *vector, tally);
  }
  if (tally.lines == 0) refuse(function, source.name, "no line");
  return tally;
}

std::string operands_text(const VectorFunction& function, const VectorOperands& operands) {
  std::string text;
  for (int i = 0; i < function.operands; ++i) {
    text += fmt::format("{}{:0{}X}", i == 0 ? "" : " ", operands[static_cast<size_t>(i)],
                        function.from.digits);
  }
  return text;
}

std::string answer_text(const VectorFunction& function, const VectorAnswer& answer) {
  return fmt::format("{:0{}X} {:02X}", answer.bits, function.to.digits, answer.flags);
}

}  // namespace ulpscope
