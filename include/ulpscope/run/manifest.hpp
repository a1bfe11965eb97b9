// Which shard of which run a folder holds, and how a run is cut into shards.
//
//   parse_shard("2/5")                      the second of five
//   units_of({2, 5}, 32)                    [6, 12): neighbouring units, as even as can be
//   write_manifest("shard-2", {...});       shard-2/manifest.json
//   read_manifest("shard-2").outline
//
// More shards than units leave some empty, which is no error: an array job need not know.
// Tested by tests/run/shards_test.cpp.
#pragma once

#include "ulpscope/run/outline.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace ulpscope {

struct Shard {
  int64_t number = 1;  // from 1
  int64_t count = 1;

  friend bool operator==(const Shard&, const Shard&) = default;
};

// "i/n" with 1 <= i <= n; anything else is an Error of kind usage.
Shard parse_shard(const std::string& text);
std::string shard_name(const Shard& shard);

// What becomes of what an earlier run left behind.
enum class Earlier { replaced, resumed };

struct UnitRange {
  int64_t first;
  int64_t end;
};
UnitRange units_of(const Shard& shard, int64_t units);

struct Manifest {
  Shard shard;
  Outline outline;
  std::string fingerprint;
};

inline constexpr const char* manifest_file = "manifest.json";

// Whether a folder has a manifest of ours.
bool has_manifest(const std::filesystem::path& folder);

void write_manifest(const std::filesystem::path& folder, const Shard& shard,
                    const Outline& outline);

// Errors of kind input: none there, or not one of this version.
Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace ulpscope
