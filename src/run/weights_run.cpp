#include "ulpscope/run/weights_run.hpp"

#include "ulpscope/base/compensated_sum.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/compare/sample_distance.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/checkpoint.hpp"
#include "ulpscope/run/summary_writer.hpp"

#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {

namespace {

using nlohmann::json;

struct Pair {
  const CheckpointTensor& a;
  const CheckpointTensor& b;
};

// Element by element.
struct Differences {
  uint64_t count = 0;
  uint64_t different = 0;
  uint64_t not_finite = 0;
  double largest = 0;
  uint64_t at = 0;  // flat index of the largest
  CompensatedSum sum{};

  void add(double a, double b) {
    const uint64_t index = count++;
    if (!std::isfinite(a) || !std::isfinite(b)) {
      ++not_finite;
      return;
    }
    const double difference = std::abs(a - b);
    if (!(difference > 0)) return;
    ++different;
    if (difference > largest) {
      largest = difference;
      at = index;
    }
    sum.add(difference);
  }
  void merge(const Differences& other) {
    count += other.count;
    different += other.different;
    not_finite += other.not_finite;
    largest = std::max(largest, other.largest);
    sum.add(other.sum);
  }
  double mean() const {
    return sum.value() / static_cast<double>(count - not_finite);  // NaN of none
  }
};

Differences differences_of(const Pair& pair) {
  Differences found;
  for_each_piece(pair.a, &pair.b, [&](Weights a, Weights b) {
    for (size_t i = 0; i < a.size(); ++i) found.add(a[i], b[i]);
  });
  return found;
}

double distance_of(const std::vector<Pair>& pairs, size_t most_sorted) {
  const auto walk = [&](const SampleVisitor& visit) {
    for (const Pair& pair : pairs) {
      for_each_piece(pair.a, &pair.b, [&](Weights a, Weights b) {
        for (size_t i = 0; i < a.size(); ++i) {
          if (!std::isfinite(a[i]) || !std::isfinite(b[i])) continue;
          visit(Side::a, a[i]);
          visit(Side::b, b[i]);
        }
      });
    }
  };
  return wasserstein_1(walk, most_sorted);
}

std::vector<int64_t> index_in(const std::vector<int64_t>& shape, uint64_t flat) {
  std::vector<int64_t> index(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<uint64_t>(shape[axis]);
    index[axis] = static_cast<int64_t>(flat % size);
    flat /= size;
  }
  return index;
}

json figures(const Differences& found, double distance) {
  return {{"count", found.count},
          {"different", found.different},
          {"not_finite", found.not_finite},
          {"largest", number_json(found.largest)},
          {"mean", number_json(found.mean())},
          {"wasserstein", number_json(distance)}};
}

void hold_shapes(const Checkpoint& a, const Checkpoint& b, const Pair& pair) {
  if (pair.a.info.shape == pair.b.info.shape) return;
  throw Error(ErrorKind::input,
              fmt::format("{} has shape {} in {} and {} in {}: expected one shape",
                          in_quotes(pair.a.info.name), shape_text(pair.a.info.shape), a.path,
                          shape_text(pair.b.info.shape), b.path));
}

std::vector<std::string> only_in(const Checkpoint& one, const Checkpoint& other) {
  std::vector<std::string> names;
  for (const auto& tensor : one.tensors) {
    if (other.find(tensor.info.name) == nullptr) names.push_back(tensor.info.name);
  }
  return names;
}

}  // namespace

json run_weights(const WeightsOptions& options) {
  const HostFpGuard guard;
  const Checkpoint a = open_checkpoint(options.a);
  const Checkpoint b = open_checkpoint(options.b);
  std::vector<Pair> pairs;
  for (const auto& tensor : a.tensors) {
    const CheckpointTensor* const partner = b.find(tensor.info.name);
    if (partner == nullptr) continue;
    pairs.push_back({tensor, *partner});
    hold_shapes(a, b, pairs.back());
  }
  if (pairs.empty()) {
    throw Error(ErrorKind::input,
                fmt::format("{} and {} have no tensor of one name", options.a, options.b));
  }

  Differences all;
  json tensors = json::array();
  for (const Pair& pair : pairs) {
    const Differences found = differences_of(pair);
    json row = figures(found, distance_of({pair}, options.most_sorted));
    row["name"] = pair.a.info.name;
    row["shape"] = pair.a.info.shape;
    row["formats"] = {format_name(pair.a.format), format_name(pair.b.format)};
    if (found.different > 0) row["largest_at"] = index_in(pair.a.info.shape, found.at);
    tensors.push_back(std::move(row));
    all.merge(found);
  }
  json result = summary_header("weights", options.command);
  result["schema"] = "ulpscope.weights/1";
  result["a"] = {{"path", a.path}, {"only_here", only_in(a, b)}, {"left_out", a.left_out}};
  result["b"] = {{"path", b.path}, {"only_here", only_in(b, a)}, {"left_out", b.left_out}};
  result["tensors"] = tensors;
  result["all"] = figures(all, distance_of(pairs, options.most_sorted));
  return result;
}

}  // namespace ulpscope
