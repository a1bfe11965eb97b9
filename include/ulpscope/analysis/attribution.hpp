// Which rounding causes an error: every site that rounds in a problem is made exact alone, and left
// as the kernel has it with all others exact.
//
//   attribute({plan, &backward, dout}, {.threads = 4}).tensors[0].cause->site   Site::output_store
//
// Of O, delta and the gradients, each in ulps of the format that the kernel stores (delta in those
// of O), against one reference:
//
//   removed = 1 - left / kernel's      where the site is exact and all others are the kernel's
//   brought = alone / kernel's         where the site is the kernel's and all others are exact
//
// of the mean error (the bias) and of the mean square. Heads may err in opposite directions: a
// tensor is looked at where its bias is largest, as a whole or in a head (`subject`).
//
// The cause of a bias is the site that removes more than half of it. Where a kernel rounds the same
// number twice none does; then it is the first site that brings half of it alone, and all that
// round behind it are made exact with it. Nothing is called biased below |z| = 5 (trace/bias.hpp).
//
// Limits: the maximum's choice, masks and the order of sums are no sites; two sites may remove each
// other's bias. Time: two runs a site. Tested by tests/analysis/attribution_test.cpp.
#pragma once

#include "ulpscope/attention/schedule.hpp"
#include "ulpscope/trace/bias.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ulpscope {

enum class Attributed : uint8_t { o, delta, dq, dk, dv };
inline constexpr std::array<std::string_view, 5> attributed_names{"o", "delta", "dq", "dk", "dv"};
constexpr std::string_view name_of(Attributed tensor) {
  return attributed_names[static_cast<size_t>(tensor)];
}

struct ErrorFigures {
  Bias bias;   // signed by value
  double rms;  // ulp
};

// A tensor as a whole, then head after head.
using HeadFigures = std::vector<ErrorFigures>;

struct SiteEffect {
  Site site;
  HeadFigures left;   // this site exact
  HeadFigures alone;  // all others exact
};

struct Cause {
  Site site;
  std::vector<Site> exact_at;  // the site, or it and all behind it
  ErrorFigures left;           // with these exact
  ErrorFigures alone;          // all but the site exact
};

struct TensorAttribution {
  Attributed tensor;
  HeadFigures kernel;
  HeadFigures exact;              // every site exact
  std::vector<SiteEffect> sites;  // the largest share first
  size_t subject = 0;             // in HeadFigures
  std::optional<Cause> cause = {};

  bool biased() const { return is_biased(kernel[subject].bias); }
  double bias_removed(const SiteEffect& effect) const;
  double bias_brought(const SiteEffect& effect) const;
  double error_removed(const SiteEffect& effect) const;
  double error_brought(const SiteEffect& effect) const;
};

struct AttributionProblem {
  const Plan& plan;
  const BackwardPlan* backward = nullptr;  // null: forward pass only
  std::span<const uint16_t> dout = {};
};

struct AttributionOptions {
  int threads = 1;
  std::function<void(int64_t done, int64_t all)> progress = {};  // runs
  const std::atomic<bool>* stop = nullptr;
};

struct Attribution {
  std::vector<TensorAttribution> tensors;
  bool complete = true;
};

Attribution attribute(const AttributionProblem& problem, const AttributionOptions& options);

}  // namespace ulpscope
