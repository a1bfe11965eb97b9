// The HTML that every section is made of: tables whose columns explain themselves.
//
//   const std::array columns = {Column{"", "name", "", Align::left},
//                               Column{"ties", "all", "exactly half way", Align::right}};
//   HtmlTable table(columns);
//   table.row({escape(name), "17"});
//   out += std::move(table).finish() + legend(columns);
//
// Cells are HTML already; whoever makes them escapes. Tested by tests/report/page_test.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::detail {

enum class Align { left, centre, right };
enum class RowStyle { plain, called };

struct Column {
  std::string_view group;  // neighbours of one group share a head; "" has none
  std::string_view head;
  std::string_view help;  // the tooltip and the line in the legend
  Align align = Align::right;
};

class HtmlTable {
 public:
  explicit HtmlTable(std::span<const Column> columns);
  void row(const std::vector<std::string>& cells, RowStyle style = RowStyle::plain);
  std::string finish() &&;  // in a box that scrolls sideways

 private:
  std::span<const Column> columns_;
  std::string out_;
};

// What each column with a help text means.
std::string legend(std::span<const Column> columns);

std::string section(std::string_view title, std::string_view body);
std::string paragraph(std::string_view text);    // escapes
std::string code(std::string_view text);         // escapes
std::string long_cell(const std::string& html);  // may break anywhere
std::string figure(std::string_view svg, std::string_view caption);

std::string count_cell(std::optional<uint64_t> count);  // absent: dash, zero: muted
std::string share_cell(std::optional<uint64_t> part, uint64_t whole);
std::string mean_cell(double mean, double standard_error);
std::string real_cell(double value, int digits);
std::string z_cell(double z);  // bold where called

std::string shape_text(std::span<const uint64_t> shape);           // 1 x 2 x 512 x 64
std::string index_text(const std::vector<uint64_t>& index);        // [0, 1, 133, 5]
std::string fact(std::string_view name, const std::string& html);  // a line of a list of facts

}  // namespace ulpscope::detail
