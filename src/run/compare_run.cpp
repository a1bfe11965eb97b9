#include "ulpscope/run/compare_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/run/compare_summary.hpp"
#include "ulpscope/run/output_folder.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

// Two tensors of one shape, their codes as heads of rows of features.
struct Pair {
  OneTensor a;
  OneTensor b;
  std::optional<Layout> layout;
  std::vector<int64_t> axes;  // the shape in the order of the codes
  TensorGrid grid;
};

// As the layout says, or the last axis for features and the one before it for rows.
void arrange(Pair& pair, const std::optional<Layout>& layout) {
  pair.layout = layout;
  const auto& shape = pair.a.info.shape;
  if (layout) {
    const auto sizes = sizes_in(shape, *layout);
    if (!sizes) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} has shape {}: expected the axes of --layout {}", pair.a.where,
                              shape_text(shape), layout_name(*layout)));
    }
    for (OneTensor* side : {&pair.a, &pair.b}) {
      side->codes = from_layout(side->codes, *sizes, *layout);
    }
    pair.axes.assign(sizes->begin(), sizes->end());
  } else {
    pair.axes = shape;
  }
  pair.grid.columns = pair.axes.empty() ? 1 : pair.axes.back();
  pair.grid.rows = pair.axes.size() < 2 ? 1 : pair.axes[pair.axes.size() - 2];
  pair.grid.heads =
      static_cast<int64_t>(pair.a.codes.size()) / (pair.grid.rows * pair.grid.columns);
}

Pair load_pair(const CompareOptions& options, const std::optional<Layout>& layout) {
  Pair pair{.a = load_one_tensor(options.a, options.format, options.held),
            .b = load_one_tensor(options.b, options.format, options.held),
            .layout = {},
            .axes = {},
            .grid = {}};
  const auto& shape = pair.a.info.shape;
  if (shape != pair.b.info.shape) {
    throw Error(ErrorKind::input,
                fmt::format("{} has shape {}, {} has shape {}: expected equal shapes", pair.a.where,
                            shape_text(shape), pair.b.where, shape_text(pair.b.info.shape)));
  }
  if (pair.a.codes.empty()) {
    throw Error(ErrorKind::input, fmt::format("{} has no elements", pair.a.where));
  }
  arrange(pair, layout);
  return pair;
}

// The signed errors, of the whole and by groups.
struct Errors {
  ErrorTally whole;
  Breakdown groups;
};

Errors tally(const Pair& pair, int64_t row_tile) {
  const auto& [heads, rows, columns] = pair.grid;
  const auto& [a, b] = std::tie(pair.a, pair.b);
  Errors errors{ErrorTally(rows, columns, row_tile), Breakdown(a.format, pair.grid, row_tile)};
  std::vector<ComparedElement> elements(static_cast<size_t>(rows * columns));
  std::vector<double> x(static_cast<size_t>(columns));
  std::vector<double> y(x.size());
  size_t at = 0;
  for (int64_t h = 0; h < heads; ++h) {
    ErrorTally head(rows, columns, row_tile);
    auto element = elements.begin();
    for (int64_t row = 0; row < rows; ++row) {
      for (size_t c = 0; c < x.size(); ++c, ++at, ++element) {
        x[c] = double_value(a.format, a.codes[at]);
        y[c] = double_value(b.format, b.codes[at]);
        *element = {x[c], y[c], !have_same_bits({a.format, a.codes[at]}, {b.format, b.codes[at]})};
      }
      head.add_row(a.format, h, row, x.data(), y.data(), nullptr);
    }
    head.close_head();
    errors.whole.merge(head);
    errors.groups.add_head(h, elements);
  }
  return errors;
}

struct FitSides {
  const OneTensor& wide;
  const OneTensor& observed;
};

FitSides fit_sides(const Pair& pair) {
  const int a = width(pair.a.format);
  const int b = width(pair.b.format);
  if (a == b) {
    throw Error(ErrorKind::usage,
                fmt::format("--fit: {} is {}, {} is {}: expected one tensor in more bits than the "
                            "other",
                            pair.a.where, format_name(pair.a.format), pair.b.where,
                            format_name(pair.b.format)));
  }
  if (a > b) return {pair.a, pair.b};
  return {pair.b, pair.a};
}

nlohmann::json side_json(const std::string& letter, const OneTensor& side,
                         const std::optional<Layout>& layout) {
  return {{"tensor", letter},
          {"file", side.where},
          {"shape", side.info.shape},
          {"layout", layout ? layout_name(*layout) : "as stored"},
          {"format", format_name(side.format)},
          {"xxh3_128", side.hash}};
}

nlohmann::json inputs_of_summary(const Pair& pair, const CompareOptions& options) {
  nlohmann::json summary = summary_header("compare", options.command);
  summary["inputs"] = {side_json("A", pair.a, pair.layout), side_json("B", pair.b, pair.layout)};
  summary["formats"] = formats_json({pair.a.format, pair.b.format});
  summary["casts"] = nlohmann::json::array();
  summary["reference"] = {{"name", "B"}, {"description", pair.b.where}};
  summary["sites"] = nlohmann::json::array();
  return summary;
}

// Bits, signed errors and groups; the verdict is that of the bits.
BitCounts add_comparison(const Pair& pair, int64_t row_tile, nlohmann::json& summary) {
  const BitCounts counts = count_bits(pair.a, pair.b);
  const Errors errors = tally(pair, row_tile);
  const std::vector<int64_t> leading(pair.axes.begin(), pair.axes.end() - !pair.axes.empty());
  summary["verdict"] = bits_verdict(counts, errors.whole.statistics(), errors.groups);
  summary["outputs"] = nlohmann::json::array({output_json(
      "A - B", pair.a.format, pair.a.info.shape, {leading, pair.grid.rows}, errors.whole)});
  summary["comparison"] = comparison_json(pair.a, pair.b, counts, pair.axes);
  summary["breakdown"] = breakdown_json(errors.groups);
  return counts;
}

// The verdict is then that of the fit.
void add_fit(const FitSides& sides, nlohmann::json& summary) {
  const auto& [wide, observed] = sides;
  ModeFitTally tally(wide.format, observed.format);
  for (size_t i = 0; i < wide.codes.size(); ++i) tally.add(wide.codes[i], observed.codes[i]);
  const ModeFit fit = tally.fit();
  summary["verdict"] = fit_verdict(fit);
  summary["fit"] = fit_json(fit, wide, observed);
}

// None where nothing differs and no element is asked for.
void add_history(const HistoryOptions& options, const ProblemOperands& operands, const Pair& pair,
                 const BitCounts& counts, nlohmann::json& summary) {
  const auto index =
      options.element.empty() ? counts.first_different : element_place(options.element, pair.axes);
  if (index) summary["history"] = history_json(options, operands, {pair.a, pair.b}, *index);
}

}  // namespace

nlohmann::json run_compare(const CompareOptions& options) {
  const HostFpGuard guard;
  std::optional<OutputFolder> folder;
  if (!options.out.empty()) folder.emplace(options.out);
  std::optional<ProblemOperands> operands;
  if (options.history) operands = load_operands(*options.history);
  const Pair pair = load_pair(options, operands ? operands->q.layout : options.layout);
  std::optional<FitSides> sides;
  if (options.fit == Fit::on) sides.emplace(fit_sides(pair));

  nlohmann::json summary = inputs_of_summary(pair, options);
  const BitCounts counts = add_comparison(pair, options.row_tile, summary);
  if (sides) add_fit(*sides, summary);
  if (operands) add_history(*options.history, *operands, pair, counts, summary);
  if (folder) {
    write_file_atomically(folder->path() / "summary.json", summary.dump(1) + "\n");
    write_file_atomically(folder->path() / "report.html", html_report(summary));
    folder->commit();
  }
  return summary;
}

}  // namespace ulpscope
