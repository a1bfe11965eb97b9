#include "ulpscope/run/manifest.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"

#include <charconv>
#include <fstream>

#include <fmt/format.h>

namespace ulpscope {

using nlohmann::json;

namespace {

constexpr const char* manifest_schema = "ulpscope.shard/1";

// The whole of a text as a number; 0 if it is none.
int64_t number_of(std::string_view text) {
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size() ? number : 0;
}

json parsed(const std::filesystem::path& folder) {
  std::ifstream file(folder / manifest_file);
  return json::parse(file, nullptr, false);
}

bool is_manifest(const json& manifest) {
  return manifest.is_object() && manifest.value("schema", json()) == manifest_schema;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  constexpr int64_t most = 1'000'000;
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view view(text);
  const Shard shard{.number = number_of(view.substr(0, slash)),
                    .count = slash < text.size() ? number_of(view.substr(slash + 1)) : 0};
  if (shard.number >= 1 && shard.number <= shard.count && shard.count <= most) return shard;
  throw Error(ErrorKind::usage,
              fmt::format("--shard {}: expected I/N, from 1/N to N/N, N up to {}", text, most));
}

std::string shard_name(const Shard& shard) {
  return fmt::format("{}/{}", shard.number, shard.count);
}

UnitRange units_of(const Shard& shard, int64_t units) {
  const auto cut = [&](int64_t i) {
    return static_cast<int64_t>(static_cast<int128>(units) * i / shard.count);
  };
  return {cut(shard.number - 1), cut(shard.number)};
}

bool has_manifest(const std::filesystem::path& folder) { return is_manifest(parsed(folder)); }

void write_manifest(const std::filesystem::path& folder, const Shard& shard,
                    const Outline& outline) {
  const json manifest{{"schema", manifest_schema},
                      {"shard", shard_name(shard)},
                      {"fingerprint", fingerprint_of(outline)},
                      {"outline", to_json(outline)}};
  write_file_atomically(folder / manifest_file, manifest.dump(1) + "\n");
}

Manifest read_manifest(const std::filesystem::path& folder) {
  const std::string where = (folder / manifest_file).string();
  const json manifest = parsed(folder);
  if (!is_manifest(manifest)) {
    throw Error(ErrorKind::input,
                fmt::format("{}: no manifest of a shard; expected a folder that ulpscope attention "
                            "--shard wrote",
                            where));
  }
  const auto text = [&](const char* key) {
    const auto found = manifest.find(key);
    return found != manifest.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const Outline outline = outline_from_json(manifest.value("outline", json::object()), where);
  const std::string fingerprint = fingerprint_of(outline);
  if (text("fingerprint") != fingerprint) {
    throw Error(ErrorKind::input, fmt::format("{}: fingerprint is {}; expected {} from its outline",
                                              where, in_quotes(text("fingerprint")), fingerprint));
  }
  return {parse_shard(text("shard")), outline, fingerprint};
}

}  // namespace ulpscope
