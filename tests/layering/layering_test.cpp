// The order of the rooms, held by reading every #include line of include/ulpscope and src.
//
// A room includes rooms to its left. The reference stands aside: it sees the row of a format and
// the names of the roundings, never a line of the core's arithmetic, so that it cannot repeat the
// core's mistakes; and only the rooms that compare with it see it.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> rooms_in_order{
    "base",      "format", "round",   "arith",    "scaling", "hardware", "tensor", "trace",
    "attention", "gemm",   "compare", "analysis", "report",  "run",      "tools"};

// What the reference may take from the core besides base: rows and enumerations.
const std::set<std::string> seen_by_reference{
    "ulpscope/format/format.hpp", "ulpscope/format/catalogue.hpp", "ulpscope/round/rounding.hpp",
    "ulpscope/round/stochastic.hpp", "ulpscope/round/names.hpp"};
const std::set<std::string> rooms_that_see_reference{"compare", "analysis"};

// Headers of the rooms that compile for the GPU (base to hardware), but that only the host reads:
const std::set<std::string> host_only{"ulpscope/base/error.hpp",
                                      "ulpscope/base/host_fp.hpp",
                                      "ulpscope/base/output_file.hpp",
                                      "ulpscope/base/words.hpp",
                                      "ulpscope/round/array.hpp",
                                      "ulpscope/arith/pair_table.hpp",
                                      "ulpscope/scaling/scaling_errors.hpp",
                                      "ulpscope/scaling/quantise.hpp",
                                      "ulpscope/hardware/binary32_rows.hpp",
                                      "ulpscope/hardware/fused_columns.hpp",
                                      "ulpscope/hardware/wide_columns.hpp"};
// the lists of names beside the rows,
const std::set<std::string> lists_of_names{
    "ulpscope/format/catalogue.hpp", "ulpscope/format/p3109.hpp", "ulpscope/round/presets.hpp",
    "ulpscope/round/names.hpp",      "ulpscope/round/text.hpp",   "ulpscope/scaling/schemes.hpp",
    "ulpscope/hardware/chip.hpp"};
// and what each kind may include from outside.
const std::set<std::string> device_clean{"cstdint", "type_traits"};
const std::set<std::string> for_names{"array", "optional", "string", "string_view"};
const std::string philox = "Random123/philox.h";

struct Include {
  std::string file;    // relative to the repository
  std::string room;    // of the file; empty for a header that stands above the rooms
  std::string target;  // as written between the quotes or brackets
};

// include/ulpscope/ROOM/... and src/ROOM/...
std::string room_of_file(const fs::path& relative) {
  auto part = relative.begin();
  if (*part++ == "include") ++part;
  return std::next(part) == relative.end() ? "" : part->string();
}

// ulpscope/ROOM/...; empty for anything else.
std::string room_of_target(const std::string& target) {
  constexpr std::string_view ours = "ulpscope/";
  if (!target.starts_with(ours)) return "";
  const auto slash = target.find('/', ours.size());
  return slash == std::string::npos ? "" : target.substr(ours.size(), slash - ours.size());
}

// The name between the quotes or brackets of an include line, or nothing.
std::string included_name(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return "";
  const auto word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return "";
  const auto open = line.find_first_of("\"<", word);
  const auto close = line.find_first_of("\">", open + 1);
  return close == std::string::npos ? "" : line.substr(open + 1, close - open - 1);
}

std::vector<Include> all_includes() {
  const fs::path root = ULPSCOPE_SOURCE_DIR;
  std::vector<Include> includes;
  for (const auto* folder : {"include/ulpscope", "src"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".hpp" && extension != ".cpp") continue;
      const fs::path relative = entry.path().lexically_relative(root);
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        const std::string target = included_name(line);
        if (!target.empty()) includes.push_back({relative, room_of_file(relative), target});
      }
    }
  }
  return includes;
}

size_t place(const std::string& room) {
  return static_cast<size_t>(std::find(rooms_in_order.begin(), rooms_in_order.end(), room) -
                             rooms_in_order.begin());
}

bool is_known(const std::string& room) {
  return place(room) < rooms_in_order.size() || room == "reference" || room == "interop";
}

bool may_include(const Include& include) {
  const std::string to = room_of_target(include.target);
  if (include.room == to) return true;
  if (to == "interop") return false;
  if (include.room == "reference") {
    return to == "base" || seen_by_reference.contains(include.target);
  }
  if (to == "reference") return rooms_that_see_reference.contains(include.room);
  if (include.room == "interop") return place(to) <= place("arith");
  return place(to) < place(include.room);
}

bool compiles_for_the_device(const Include& include) {
  return include.file.starts_with("include/") && place(include.room) <= place("hardware") &&
         !host_only.contains(include.file.substr(std::string_view("include/").size()));
}

bool is_allowed_in_device_code(const Include& include) {
  if (device_clean.contains(include.target)) return true;
  if (include.target == philox) return include.room == "round";
  const auto name = include.file.substr(std::string_view("include/").size());
  return lists_of_names.contains(name) && for_names.contains(include.target);
}

bool is_ours(const std::string& target) { return target.starts_with("ulpscope/"); }

}  // namespace

TEST_CASE("the include lines are found") {
  CHECK(included_name("#include \"ulpscope/base/bits.hpp\"") == "ulpscope/base/bits.hpp");
  CHECK(included_name("  # include <cstdint>  // why") == "cstdint");
  CHECK(included_name("// #include <cmath>").empty());
  CHECK(room_of_file("include/ulpscope/base/bits.hpp") == "base");
  CHECK(room_of_file("include/ulpscope/hardware/profiles/sm90.hpp") == "hardware");
  CHECK(room_of_file("include/ulpscope/gpu.hpp").empty());
  CHECK(room_of_file("src/report/svg.cpp") == "report");
  CHECK(room_of_target("ulpscope/arith/soft.hpp") == "arith");
  CHECK(room_of_target("cstdint").empty());
  const auto includes = all_includes();
  const auto from_soft = std::count_if(includes.begin(), includes.end(), [](const Include& x) {
    return x.file == "include/ulpscope/arith/soft.hpp" && x.target == "type_traits";
  });
  CHECK(from_soft == 1);
}

TEST_CASE("the rule of the rooms allows and forbids as the design says") {
  const auto allowed = [](const char* room, const char* target) {
    return may_include({"", room, target});
  };
  CHECK(allowed("round", "ulpscope/format/exact.hpp"));
  CHECK_FALSE(allowed("format", "ulpscope/round/rounding.hpp"));
  CHECK_FALSE(allowed("run", "ulpscope/tools/x.hpp"));
  CHECK(allowed("reference", "ulpscope/round/rounding.hpp"));
  CHECK_FALSE(allowed("reference", "ulpscope/round/round_pack.hpp"));
  CHECK_FALSE(allowed("reference", "ulpscope/format/exact.hpp"));
  CHECK(allowed("compare", "ulpscope/reference/arithmetic.hpp"));
  CHECK_FALSE(allowed("attention", "ulpscope/reference/arithmetic.hpp"));
  CHECK(allowed("interop", "ulpscope/arith/soft.hpp"));
  CHECK_FALSE(allowed("interop", "ulpscope/hardware/mufu.hpp"));
  CHECK_FALSE(allowed("report", "ulpscope/interop/fmt.hpp"));
}

TEST_CASE("a room includes only rooms to its left") {
  for (const auto& include : all_includes()) {
    if (include.room.empty() || room_of_target(include.target).empty()) continue;
    CHECK_MESSAGE(is_known(include.room), include.file, " stands in no room of the design");
    CHECK_MESSAGE(may_include(include), include.file, " includes ", include.target);
  }
}

TEST_CASE("headers that compile for the GPU include next to nothing from outside") {
  for (const auto& include : all_includes()) {
    if (!compiles_for_the_device(include) || is_ours(include.target)) continue;
    CHECK_MESSAGE(is_allowed_in_device_code(include), include.file, " includes ", include.target);
  }
}

TEST_CASE("Boost stays in the reference, fmt and Eigen out of headers") {
  for (const auto& include : all_includes()) {
    const bool header = include.file.ends_with(".hpp") && include.room != "interop";
    if (include.target.starts_with("boost/")) {
      CHECK_MESSAGE(include.file.starts_with("src/reference/"), include.file);
    }
    if (include.target.starts_with("fmt/") || include.target.starts_with("Eigen/")) {
      CHECK_MESSAGE(!header, include.file, " includes ", include.target);
    }
  }
}
