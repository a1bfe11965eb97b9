#include "ulpscope/tensor/npy_header.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

// A cursor over the text: each function takes one piece of syntax or throws.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  bool accept(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}'", c));
  }

  void expect_end() {
    skip_blanks();
    if (at_ != text_.size()) fail("nothing more");
  }

  std::string string() {
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("a quote");
    const char quote = text_[at_++];
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\') fail("text without backslashes");
      ++at_;
    }
    if (at_ == text_.size()) fail("a closing quote");
    return std::string(text_.substr(begin, at_++ - begin));
  }

  // The type: a name, or for records a list or tuple, which is taken as it stands.
  std::string descr() {
    skip_blanks();
    if (at_ == text_.size() || (text_[at_] != '[' && text_[at_] != '(')) return string();
    const size_t begin = at_;
    size_t depth = 0;
    do {
      if (at_ == text_.size()) fail("a closing bracket");
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        string();
        continue;
      }
      if (c == '[' || c == '(') ++depth;
      if (c == ']' || c == ')') --depth;
      ++at_;
    } while (depth > 0);
    return std::string(text_.substr(begin, at_ - begin));
  }

  bool boolean() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    fail("True or False");
  }

  std::vector<int64_t> shape(size_t longest) {
    std::vector<int64_t> extents;
    expect('(');
    while (!accept(')')) {
      if (extents.size() == longest) fail(fmt::format("at most {} extents", longest));
      extents.push_back(extent());
      if (accept(',')) continue;
      if (extents.size() == 1) fail("',': (7) is a number in Python, (7,) a shape");
      expect(')');
      break;
    }
    return extents;
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw Error(
        ErrorKind::input,
        fmt::format("{}: .npy header, character {}: found {}, expected {}", where_, at_,
                    at_ < text_.size() ? in_quotes(text_.substr(at_, 12)) : "the end", expected));
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }

  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  int64_t extent() {
    skip_blanks();
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    int64_t value = 0;
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range) fail("an extent below 2^63");
    if (error != std::errc{} || *begin == '-') fail("an extent");
    at_ += static_cast<size_t>(stop - begin);
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return value;
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
};

}  // namespace

NpyHeader parse_npy_header(std::string_view text, const std::string& where,
                           const ReadLimits& limits) {
  HeaderText cursor(text, where);
  std::optional<std::string> descr;
  std::optional<AxisOrder> order;
  std::optional<std::vector<int64_t>> shape;
  cursor.expect('{');
  while (!cursor.accept('}')) {
    const std::string key = cursor.string();
    cursor.expect(':');
    if (key == "descr" && !descr) {
      descr = cursor.descr();
    } else if (key == "fortran_order" && !order) {
      order = cursor.boolean() ? AxisOrder::fortran : AxisOrder::c;
    } else if (key == "shape" && !shape) {
      shape = cursor.shape(limits.rank);
    } else {
      cursor.fail("the keys 'descr', 'fortran_order' and 'shape', each once");
    }
    if (!cursor.accept(',')) {
      cursor.expect('}');
      break;
    }
  }
  cursor.expect_end();
  if (!descr || !order || !shape) cursor.fail("the keys 'descr', 'fortran_order' and 'shape'");
  return {*descr, element_from_npy(*descr), *order, *std::move(shape)};
}

std::string unreadable_reason(const NpyHeader& header) {
  if (header.descr.find('O') != std::string::npos) {
    return fmt::format(
        "element type {} means pickled Python objects, which are never loaded; save it in Python "
        "as an array of numbers (numpy.save, safetensors.torch.save_file)",
        in_quotes(header.descr));
  }
  return fmt::format(
      "element type {} is not read; expected floats, integers or booleans (f1 f2 f4 f8 V1 V2 u1 "
      "u2 u4 u8 i1 i2 i4 i8 b1)",
      in_quotes(header.descr));
}

}  // namespace ulpscope
