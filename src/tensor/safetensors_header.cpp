#include "ulpscope/tensor/safetensors_header.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/tensor.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

using nlohmann::json;

// What encloses the next piece of syntax.
enum class Place { nothing, header, tensor, shape, data_offsets, metadata };

// The parser calls one function a piece of syntax; each takes it to its place or throws.
class HeaderBuilder {
 public:
  HeaderBuilder(const std::string& where, const ReadLimits& limits)
      : where_(where), limits_(limits) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t) {
    switch (place_) {
      case Place::nothing: place_ = Place::header; return true;
      case Place::header: {
        const bool metadata = key_ == "__metadata__";
        place_ = metadata ? Place::metadata : Place::tensor;
        if (!metadata) header_.entries.emplace_back().name = key_;
        return true;
      }
      case Place::tensor:
      case Place::shape:
      case Place::data_offsets:
      case Place::metadata: fail("an object");
    }
    return false;
  }

  bool end_object() {
    if (place_ == Place::tensor && keys_.size() != 3) fail("a tensor without all of its keys");
    place_ = place_ == Place::header ? Place::nothing : Place::header;
    keys_.clear();
    return true;
  }

  bool start_array(size_t) {
    if (place_ != Place::tensor || key_ == "dtype") fail("a list");
    place_ = key_ == "shape" ? Place::shape : Place::data_offsets;
    numbers_.clear();
    return true;
  }

  bool end_array() {
    if (place_ == Place::shape) {
      entry().shape.assign(numbers_.begin(), numbers_.end());
    } else {
      if (numbers_.size() != 2 || numbers_[0] > numbers_[1]) fail("no begin <= end");
      entry().begin = static_cast<uint64_t>(numbers_[0]);
      entry().end = static_cast<uint64_t>(numbers_[1]);
    }
    place_ = Place::tensor;
    return true;
  }

  bool key(std::string& text) {
    key_ = text;
    std::set<std::string>& keys = place_ == Place::header ? names_ : keys_;
    if (!keys.insert(text).second) fail("a key twice");
    if (keys.size() > limits_.tensors + 1) fail(fmt::format("more than {} keys", limits_.tensors));
    if (place_ == Place::tensor && text != "dtype" && text != "shape" && text != "data_offsets") {
      fail("a key that is none of dtype, shape, data_offsets");
    }
    return true;
  }

  bool string(std::string& text) {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, text);
    } else if (place_ == Place::tensor && key_ == "dtype") {
      entry().dtype = text;
    } else {
      fail("a text");
    }
    return true;
  }

  bool number_unsigned(uint64_t value) {
    if (place_ != Place::shape && place_ != Place::data_offsets) fail("a number");
    if (value > static_cast<uint64_t>(INT64_MAX)) fail("a number of 2^63 or more");
    const size_t most = place_ == Place::shape ? limits_.rank : 2;
    if (numbers_.size() == most) fail(fmt::format("more than {} numbers", most));
    numbers_.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool number_integer(int64_t) { fail("a negative number"); }
  bool number_float(double, const std::string&) { fail("a number that is no integer"); }
  bool boolean(bool) { fail("true or false"); }
  bool null() { fail("null"); }
  bool binary(json::binary_t&) { fail("binary data"); }

  bool parse_error(size_t, const std::string&, const json::exception& error) {
    throw Error(ErrorKind::input,
                fmt::format("{}: safetensors header: {}", where_, in_quotes(error.what())));
  }

 private:
  [[noreturn]] void fail(std::string_view found) const {
    const bool inside = place_ != Place::nothing && place_ != Place::header;
    throw Error(ErrorKind::input,
                fmt::format("{}: safetensors header: found {} at key {}{}; expected tensors as "
                            "{{dtype, shape, data_offsets}} and texts in __metadata__",
                            where_, found, in_quotes(key_), inside ? of_tensor() : ""));
  }

  std::string of_tensor() const {
    if (place_ == Place::metadata) return " of __metadata__";
    return fmt::format(" of tensor {}", in_quotes(header_.entries.back().name));
  }

  SafetensorsEntry& entry() { return header_.entries.back(); }

  const std::string& where_;
  const ReadLimits& limits_;
  SafetensorsHeader header_;
  Place place_ = Place::nothing;
  std::string key_;
  std::set<std::string> names_;  // keys of the header
  std::set<std::string> keys_;   // keys of the object inside it
  std::vector<int64_t> numbers_;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where,
                                           const ReadLimits& limits) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::input, fmt::format("{}: safetensors header: {}", where, what));
  };
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) fail("empty, expected a JSON object");
  if (text[start] != '{') {
    fail(fmt::format("found {}, expected '{{'", in_quotes(text.substr(start, 12))));
  }
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    fail(fmt::format("zero byte at {}, expected JSON", zero));
  }
  HeaderBuilder builder(where, limits);
  json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace ulpscope
