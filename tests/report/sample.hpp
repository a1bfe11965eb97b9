// What the report tests draw: a small summary made here, and the large sample beside this file.
//
// sample_summary.json has the shape of a whole flash-attention forward (20 sites, output o) with
// numbers of believable size. They are invented, drawn from a random generator; no kernel gave
// them.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace ulpscope::testing {

using nlohmann::json;

inline json sample_summary() {
  std::ifstream file(ULPSCOPE_SOURCE_DIR "/tests/report/sample_summary.json");
  REQUIRE(file.good());
  return json::parse(file);
}

// Ten elements: one below -1, three in (-1, 0), one exact, four in (0, 1), one skipped.
inline json small_statistics(const std::string& name) {
  const json edges = {"-Infinity", -2, -1, 0, 1, 2, "Infinity"};
  const json counts = {0, 1, 3, 4, 0, 0};
  return {{"name", name},
          {"format", "bf16"},
          {"mode", "rne"},
          {"count", 10},
          {"skipped", 1},
          {"mean_ulp", -0.25},
          {"stderr_ulp", 0.0125},
          {"z", -20.0},
          {"ties", 2},
          {"histogram", {{"edges", edges}, {"counts", counts}, {"zero", 1}}}};
}

inline json small_summary() {
  return {{"schema", "ulpscope.summary/1"},
          {"tool", {{"name", "ulpscope"}, {"version", "0.1.0"}}},
          {"kind", "attention"},
          {"command", "ulpscope attention q.npz --out run"},
          {"verdict", {{"status", "biased"}, {"text", "o is too small."}}},
          {"kernel", {{"name", "fa2-torch"}, {"chip", "h200"}}},
          {"problem", {{"batch", 1}, {"heads", 1}, {"seq_q", 5}, {"seq_k", 5}, {"head_dim", 2}}},
          {"sites", json::array({small_statistics("output_store")})},
          {"outputs", json::array({small_statistics("o")})}};
}

inline json compare_summary() {
  json out = small_summary();
  for (const char* key : {"kernel", "problem", "sites", "outputs"}) out.erase(key);
  out["kind"] = "compare";
  out["verdict"] = {{"status", "different"}, {"text", "12 elements differ."}};
  out["comparison"] = {
      {"a", "run/outputs.safetensors:o"},
      {"b", "h200.npz:o"},
      {"elements", 100},
      {"different_bits", 12},
      {"different_values", 11},
      {"max_ulp", 7},
      {"nan_mismatch", 1},
      {"inf_mismatch", 0},
      {"ulp_buckets", {{"0", 88}, {"1", 9}, {"2", 1}, {"3-10", 1}, {"11-100", 0}, {">100", 0}}}};
  return out;
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// The first thing wrong with the nesting of tags, or "". Knows void elements and "/>", and refuses
// a bare "<" or ">" in text; style sheets are skipped, as browsers do.
inline std::string tag_complaint(std::string_view html) {
  constexpr std::string_view void_elements = " meta br hr img link input ";
  std::vector<std::string> open;
  std::size_t at = 0;
  while (at < html.size()) {
    const std::size_t begin = html.find('<', at);
    if (html.substr(at, begin - at).find('>') != std::string_view::npos) return "a bare >";
    if (begin == std::string_view::npos) break;
    const std::size_t end = html.find('>', begin);
    if (end == std::string_view::npos) return "a tag without end";
    const std::string_view tag = html.substr(begin + 1, end - begin - 1);
    if (tag.find('<') != std::string_view::npos) return "a bare <: " + std::string(tag);
    const std::string name(tag.substr(0, tag.find_first_of(" /\n", 1)));
    at = end + 1;
    if (name == "!DOCTYPE" || tag.back() == '/' || contains(void_elements, " " + name + " ")) {
      continue;
    }
    if (name.front() == '/') {
      if (open.empty() || open.back() != name.substr(1)) return "unexpected <" + name + ">";
      open.pop_back();
      continue;
    }
    if (name == "style") {
      at = html.find("</style>", at);
      if (at == std::string_view::npos) return "style without end";
    }
    open.push_back(name);
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

}  // namespace ulpscope::testing
