#include "engine_pairs.hpp"

#include "ulpscope/base/host_fp.hpp"

#include "decoded_head.hpp"
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

EnginePair compared(const OutputSizes& sizes, const std::vector<EngineOutput>& outputs, size_t a,
                    size_t b) {
  const HostFpGuard guard;
  const EngineOutput& x = outputs[a];
  const EngineOutput& y = outputs[b];
  const bool one_format = x.format == y.format;
  EnginePair pair{.a = a, .b = b, .different_bits = 0, .difference = {}};
  ErrorTally tally(sizes.rows, sizes.columns, sizes.rows);
  const auto columns = static_cast<size_t>(sizes.columns);
  std::vector<double> values(columns);
  std::vector<double> references(columns);
  size_t at = 0;
  for (int64_t outer = 0; outer < sizes.outer; ++outer) {
    for (int64_t row = 0; row < sizes.rows; ++row) {
      for (size_t c = 0; c < columns; ++c, ++at) {
        const uint32_t from_x = detail::widened(x.format, x.codes[at]);
        const uint32_t from_y = detail::widened(y.format, y.codes[at]);
        pair.different_bits += one_format ? x.codes[at] != y.codes[at] : from_x != from_y;
        values[c] = to_double(from_x);
        references[c] = to_double(from_y);
      }
      tally.add_row(x.format, outer, row, values.data(), references.data(), nullptr);
    }
    tally.close_head();
  }
  pair.difference = tally.statistics();
  return pair;
}

}  // namespace

void compare_pairs(EngineResults& results, const Problem& problem, int threads) {
  struct Task {
    EngineTensorResult* tensor;
    size_t pair;
  };
  std::vector<Task> tasks;
  for (auto& tensor : results.tensors) {
    for (size_t b = 1; b < tensor.outputs.size(); ++b) {
      for (size_t a = 0; a < b; ++a) {
        tasks.push_back({&tensor, tensor.pairs.size()});
        tensor.pairs.push_back({.a = a, .b = b, .different_bits = 0, .difference = {}});
      }
    }
  }
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(threads));
  tbb::task_arena arena(threads);
  arena.execute([&] {
    tbb::parallel_for(size_t{0}, tasks.size(), [&](size_t i) {
      EngineTensorResult& tensor = *tasks[i].tensor;
      EnginePair& pair = tensor.pairs[tasks[i].pair];
      pair = compared(sizes_of(tensor.tensor, problem), tensor.outputs, pair.a, pair.b);
    });
  });
}

}  // namespace ulpscope
