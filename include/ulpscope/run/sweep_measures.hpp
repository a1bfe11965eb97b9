// What is measured at a grid point: a measure is a row, its figures are columns.
//
//   measure_named("attention").run(point, engine) -> {"count": 65536, "mean_ulp": -0.2149, ...}
//
//   attention  a kernel's O against exact attention of the unrounded inputs: mean error with its
//              clustered standard error, size, saturation, and with dO the share of delta
//   logits     the same, and what the kernel's scores hold in store (analysis/head_monitor.hpp)
//   sum        a sequential sum in a narrow format (analysis/stalling_sum.hpp)
//   p-cast     P beside a sink, cast to 8 bits (analysis/p_cast.hpp)
//
// delta_share is sum d / sum |d| over the rows, d = rowsum(dO * (O - exact O)): what the error of O
// does to delta, delta's own roundings left out; near +1 or -1 the error does not average out.
//
// Tested by tests/run/sweep_measures_test.cpp.
#pragma once

#include "ulpscope/run/sweep_engine.hpp"

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

enum class Drawn : uint8_t { no, yes };  // in the report's line plots

enum class FigureKind : uint8_t { count, number, z, name };

struct SweepColumn {
  std::string_view figure;  // its name in JSON and CSV
  std::string_view head;    // in tables; empty: not there
  std::string_view meaning;
  FigureKind kind = FigureKind::number;
  std::string_view error = {};  // the figure that is its standard error
  Drawn drawn = Drawn::no;
};

struct SweepMeasure {
  std::string_view name;
  std::string_view summary;
  std::span<const std::string_view> axes;  // that change it
  std::span<const SweepColumn> columns;
  // Nothing if it was stopped. Errors of kind usage: the point is impossible.
  std::optional<nlohmann::json> (*run)(const SweepPoint&, SweepEngine&);
};
std::span<const SweepMeasure> sweep_measures();
const SweepMeasure& measure_named(std::string_view name);

}  // namespace ulpscope
