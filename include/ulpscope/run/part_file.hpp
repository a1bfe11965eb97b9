// A unit's result on disk: one .safetensors file that says of which run it is a part.
//
//   part-000012.safetensors   its share of every output and error, heads first; `totals`, the words
//                             of its statistics (base/words.hpp); metadata: schema, unit,
//                             fingerprint of the run, XXH3 of all of these
//
// It is written aside, synced and renamed (base/output_file.hpp). What was torn by a power cut, or
// belongs to another run, does not pass the checks: an Error of kind input that says what was
// found and expected. Tested by tests/run/part_file_test.cpp.
#pragma once

#include "ulpscope/run/unit_result.hpp"

#include <filesystem>
#include <string>

namespace ulpscope {

std::string part_name(int64_t unit);

void write_part(const std::filesystem::path& path, const std::string& fingerprint,
                const UnitResult& result);

UnitResult read_part(const std::filesystem::path& path, const Outline& outline,
                     const std::string& fingerprint, int64_t unit);

}  // namespace ulpscope
