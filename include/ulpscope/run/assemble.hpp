// From the results of units to the files of a run, one unit in memory at a time.
//
//   Assembly assembly(outline, folder.path());   // or no folder: the summary alone
//   assembly.add(result);                        // every unit once, in any order, from any thread
//   write_report(folder.path(), assembly.finish());
//
// Tensors go to their place in the files at once, whatever the layout; statistics are added up.
// Tested by tests/run/shards_test.cpp.
#pragma once

#include "ulpscope/run/run_tensors.hpp"
#include "ulpscope/run/unit_result.hpp"
#include "ulpscope/tensor/safetensors_file.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

namespace ulpscope {

class Assembly {
 public:
  // `folder` is where the files go; empty: nowhere. `kept`: where the same tensors go.
  Assembly(const Outline& outline, const std::filesystem::path& folder, RunTensors* kept = nullptr);

  void add(const UnitResult& result);
  // Writes what is left of the tensors and returns the summary.
  nlohmann::json finish();

 private:
  // Bytes of a tensor to a place in it.
  using Put = std::function<void(uint64_t at, std::span<const std::byte> bytes)>;
  void write(const Put& put, size_t tensor, int64_t unit, const Tensor& share) const;

  const Outline& outline_;
  std::filesystem::path folder_;
  std::unique_ptr<SafetensorsFile> outputs_;
  std::unique_ptr<SafetensorsFile> errors_;
  RunTensors* kept_;
  std::mutex mutex_;
  RunTotals totals_;
};

}  // namespace ulpscope
