// A place in a JSON document that knows its path, so that every complaint can name it.
//
//   Field root(document, "");
//   root.at("sites").item(3).at("count").count();   // or: sites[3].count: expected ..., found ...
//
// Tested by tests/report/summary_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ulpscope::detail {

class Field {
 public:
  Field(const nlohmann::json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  Field at(std::string_view key) const;                   // required
  std::optional<Field> find(std::string_view key) const;  // absent and null are the same

  std::string text() const;
  bool flag() const;
  uint64_t count() const;
  int64_t integer() const;
  double number() const;  // non-finite numbers are strings
  std::vector<Field> items() const;
  std::vector<uint64_t> counts() const;
  std::vector<double> numbers() const;

  // Optional members of this object.
  std::string text_or_empty(std::string_view key) const;
  std::optional<uint64_t> count_if_given(std::string_view key) const;
  double number_if_given(std::string_view key) const;  // NaN where absent
  std::vector<Field> items_if_given(std::string_view key) const;
  std::vector<uint64_t> counts_if_given(std::string_view key) const;

  const nlohmann::json& value() const { return *value_; }
  [[noreturn]] void refuse(std::string_view complaint) const;

 private:
  [[noreturn]] void expected(std::string_view what) const;

  const nlohmann::json* value_;
  std::string path_;
};

// Every item of a list as a row.
template <class Row>
std::vector<Row> read_list(const std::vector<Field>& items, Row (*read)(const Field&)) {
  std::vector<Row> rows;
  rows.reserve(items.size());
  for (const Field& item : items) rows.push_back(read(item));
  return rows;
}

}  // namespace ulpscope::detail
