#include "json_field.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/report/text.hpp"

#include <limits>

#include <fmt/format.h>

namespace ulpscope::detail {

void Field::refuse(std::string_view complaint) const {
  throw Error(
      ErrorKind::input,
      fmt::format("summary: {}: {}", path_.empty() ? "document" : visible(path_), complaint));
}

void Field::expected(std::string_view what) const {
  // Long values would bury the message; the path says where to look.
  const std::string found = value_->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  refuse(fmt::format("expected {}, found {}", what, shortened(visible(found), 60)));
}

Field Field::at(std::string_view key) const {
  const std::optional<Field> member = find(key);
  const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  if (!member) Field(*value_, path).refuse("required field is missing");
  return *member;
}

std::optional<Field> Field::find(std::string_view key) const {
  if (!value_->is_object()) expected("an object");
  const auto member = value_->find(key);
  if (member == value_->end() || member->is_null()) return std::nullopt;
  return Field(*member, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
}

std::string Field::text() const {
  if (!value_->is_string()) expected("a string");
  return value_->get<std::string>();
}

bool Field::flag() const {
  if (!value_->is_boolean()) expected("true or false");
  return value_->get<bool>();
}

uint64_t Field::count() const {
  const bool negative =
      value_->is_number_integer() && !value_->is_number_unsigned() && value_->get<int64_t>() < 0;
  if (!value_->is_number_integer() || negative) expected("a count (an integer, 0 or more)");
  return value_->get<uint64_t>();
}

int64_t Field::integer() const {
  constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool large = value_->is_number_unsigned() && value_->get<uint64_t>() > largest;
  if (!value_->is_number_integer() || large) expected("an integer");
  return value_->get<int64_t>();
}

double Field::number() const {
  if (value_->is_number()) return value_->get<double>();
  if (value_->is_string()) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto& text = value_->get_ref<const std::string&>();
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return infinity;
    if (text == "-Infinity") return -infinity;
  }
  expected("a number, \"NaN\", \"Infinity\" or \"-Infinity\"");
}

std::vector<Field> Field::items() const {
  if (!value_->is_array()) expected("a list");
  std::vector<Field> out;
  out.reserve(value_->size());
  for (const auto& item : *value_) out.emplace_back(item, fmt::format("{}[{}]", path_, out.size()));
  return out;
}

std::vector<uint64_t> Field::counts() const {
  std::vector<uint64_t> out;
  for (const Field& item : items()) out.push_back(item.count());
  return out;
}

std::vector<double> Field::numbers() const {
  std::vector<double> out;
  for (const Field& item : items()) out.push_back(item.number());
  return out;
}

std::string Field::text_or_empty(std::string_view key) const {
  const auto member = find(key);
  return member ? member->text() : std::string();
}

std::optional<uint64_t> Field::count_if_given(std::string_view key) const {
  const auto member = find(key);
  return member ? std::optional(member->count()) : std::nullopt;
}

double Field::number_if_given(std::string_view key) const {
  const auto member = find(key);
  return member ? member->number() : std::numeric_limits<double>::quiet_NaN();
}

std::vector<Field> Field::items_if_given(std::string_view key) const {
  const auto member = find(key);
  return member ? member->items() : std::vector<Field>();
}

std::vector<uint64_t> Field::counts_if_given(std::string_view key) const {
  const auto member = find(key);
  return member ? member->counts() : std::vector<uint64_t>();
}

}  // namespace ulpscope::detail
