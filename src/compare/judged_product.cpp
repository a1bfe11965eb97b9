#include "ulpscope/compare/judged_product.hpp"

#include "ulpscope/attention/casts.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace ulpscope {

namespace {

// Cells of a heat map that a page can hold; a larger product has one row of them.
constexpr int64_t most_cells = 65'536;
constexpr int64_t row_tile = 128;

ErrorTally empty_tally(int64_t rows, int64_t columns) {
  const int64_t tiles = (rows + row_tile - 1) / row_tile;
  return {rows, columns, tiles > most_cells / columns ? rows : row_tile};
}

// A row of the exact product: in binary64, and rounded into the format of D.
struct ExactRow {
  std::vector<double> values;
  std::vector<uint64_t> codes;

  explicit ExactRow(size_t columns) : values(columns), codes(columns) {}

  void compute(const ExactProducts& exact, const Format& output, int64_t row) {
    for (size_t j = 0; j < values.size(); ++j) {
      const auto x = exact.at(row, static_cast<int64_t>(j));
      values[j] = bit_cast<double>(round_pack(fp64, x, nearest_even).bits);
      codes[j] = round_pack(output, x, nearest_even).bits;
    }
  }
};

double widened_value(const Format& f, uint64_t code) {
  return static_cast<double>(bit_cast<float>(detail::widened(f, code)));
}

// What one thread keeps.
struct Worker {
  ExactRow exact;
  std::vector<double> values;
  std::vector<ErrorTally> errors;
  std::vector<uint64_t> not_nearest;

  Worker(size_t plans, int64_t rows, int64_t columns)
      : exact(static_cast<size_t>(columns)),
        values(static_cast<size_t>(columns)),
        errors(plans, empty_tally(rows, columns)),
        not_nearest(plans) {}
};

struct Rows {
  int64_t first;
  int64_t count;
};

// Rows of A that are computed together, so that what they read of B stays in the caches.
constexpr int64_t rows_together = 16;

// Rows of B whose terms, six bytes each, fill most of a core's own cache.
int64_t columns_together(int64_t k) {
  constexpr int64_t terms = 131'072;
  return std::max(terms / k / FusedColumns::block_size, int64_t{1}) * FusedColumns::block_size;
}

// Rows of D by one plan, into their places.
void compute_rows(const GemmPlan& plan, const Operand& a, const Rows& rows, const Operand& b,
                  std::span<uint32_t> d) {
  const int64_t columns = b.rows();
  const int64_t together = columns_together(b.length());
  for (int64_t first = 0; first < columns; first += together) {
    const auto count = static_cast<size_t>(std::min(together, columns - first));
    for (int64_t row = rows.first; row < rows.first + rows.count; ++row) {
      const auto some = d.subspan(static_cast<size_t>(row * columns + first), count);
      product_row(plan, a, row, b, first, some);
      for (uint32_t& x : some) x = static_cast<uint32_t>(output_code(plan, x));
    }
  }
}

void judge_row(const Format& output, int64_t row, const uint32_t* d, float* errors, size_t plan,
               Worker& worker) {
  for (size_t j = 0; j < worker.values.size(); ++j) {
    worker.values[j] = widened_value(output, d[j]);
    const bool has_exact = !std::isnan(worker.exact.values[j]);
    worker.not_nearest[plan] += has_exact && d[j] != worker.exact.codes[j];
  }
  worker.errors[plan].add_row(output, 0, row, worker.values.data(), worker.exact.values.data(),
                              errors);
}

}  // namespace

JudgedProducts run_products(std::span<const GemmPlan> plans, const Operand& a, const Operand& b,
                            const ProductOptions& options) {
  const int64_t rows = a.rows();
  const int64_t columns = b.rows();
  const auto elements = static_cast<size_t>(rows * columns);
  JudgedProducts result;
  for (size_t p = 0; p < plans.size(); ++p) {
    result.of_plan.push_back({std::vector<uint32_t>(elements), std::vector<float>(elements),
                              empty_tally(rows, columns)});
  }
  const ExactProducts exact(a, b, plans[0].scales);
  tbb::enumerable_thread_specific<std::optional<Worker>> workers;
  std::atomic<int64_t> done = 0;
  std::atomic<bool> complete = true;
  const auto judge = [&](int64_t row, Worker& worker) {
    worker.exact.compute(exact, plans[0].output, row);
    const auto at = static_cast<size_t>(row * columns);
    for (size_t p = 0; p < plans.size(); ++p) {
      auto& of_plan = result.of_plan[p];
      judge_row(plans[p].output, row, &of_plan.d[at], &of_plan.d_ulp[at], p, worker);
    }
  };
  const auto run_rows = [&](int64_t first) {
    if (options.stop != nullptr && options.stop->load(std::memory_order_relaxed)) {
      complete = false;
      return;
    }
    const HostFpGuard guard;
    auto& worker = workers.local();
    if (!worker) worker.emplace(plans.size(), rows, columns);
    const Rows together{first, std::min(rows_together, rows - first)};
    for (size_t p = 0; p < plans.size(); ++p) {
      compute_rows(plans[p], a, together, b, result.of_plan[p].d);
    }
    for (int64_t row = first; row < first + together.count; ++row) {
      judge(row, *worker);
      const int64_t count = ++done;
      if (options.progress) options.progress(count);
    }
  };
  // More threads than cores only if asked, and then without a word from the library.
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(options.threads));
  tbb::task_arena arena(options.threads);
  arena.execute([&] { tbb::parallel_for(int64_t{0}, rows, rows_together, run_rows); });
  for (auto& worker : workers) {
    for (size_t p = 0; p < plans.size(); ++p) {
      result.of_plan[p].errors.merge(worker->errors[p]);
      result.of_plan[p].not_nearest += worker->not_nearest[p];
    }
  }
  for (auto& of_plan : result.of_plan) of_plan.errors.close_head();
  result.complete = complete;
  return result;
}

}  // namespace ulpscope
