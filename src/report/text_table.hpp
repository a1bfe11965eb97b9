// Tables for the terminal: names on the left, numbers on the right, at most 120 columns.
//
//   aligned({{"output", {"o"}}, {"format", {"bf16"}}, {"count", {"65,536"}}})
//
// Tested by tests/report/table_test.cpp.
#pragma once

#include "ulpscope/report/table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::detail {

inline constexpr std::size_t widest_line = 120;
inline constexpr std::size_t widest_name = 28;

std::string padded(const std::string& text, std::size_t width);
std::string right_aligned(const std::string& text, std::size_t width);

// Cells: a dash where there is nothing, an asterisk at a z that is called.
std::string count_text(std::optional<uint64_t> count);
std::string mean_text(double mean, double error);
std::string z_text(double z);

struct TextColumn {
  std::string_view head;
  std::vector<std::string> cells;
};

// The first two columns are names and give way where the table is too wide.
std::string aligned(const std::vector<TextColumn>& table);

// A cell to every column.
void add_row(std::vector<TextColumn>& table, const std::vector<std::string>& cells);

}  // namespace ulpscope::detail
