// Arrays through a scheme: codes and scales out of binary32 values, and values out of those.
//
//   const auto q = quantise(scheme_named("mxfp4"), values, {.columns = 4096});
//   const auto back = dequantise(scheme_named("mxfp4"), q);      // codes of binary32
//
// Blocks begin at the first value of a row (or of the tensor, for schemes along memory); the last
// block of a row is shorter where the length is no multiple. A tensor too large for one call goes
// through a Quantiser: the extent of the whole first, then piece by piece; pieces that end where a
// block ends give the same bytes as one call.
//
// An error that has no value on the decoded side (NaN) is the data's: nothing throws but the check
// of the scheme. Host only. Tested by tests/scaling/quantise_test.cpp, and against numpy with
// ml_dtypes by tests/scaling/golden_test.cpp.
#pragma once

#include "ulpscope/scaling/element.hpp"
#include "ulpscope/scaling/scaling_errors.hpp"

#include <span>
#include <vector>

namespace ulpscope {

// A quantised tensor as it would be stored, but for packing: one code an element.
struct Quantised {
  int64_t columns = 0;           // length of a row; blocks do not cross its end
  std::vector<uint32_t> codes;   // of the element format or codebook
  std::vector<uint32_t> scales;  // of the scheme's scale format, one a block
  uint32_t tensor_scale = Float32(1.0).bits();
  // Of the blocks' expansions, codes of binary32; empty in a scheme without.
  std::vector<uint32_t> exponents;
  std::vector<uint32_t> centres;

  friend bool operator==(const Quantised&, const Quantised&) = default;
};

struct QuantiseOptions {
  int64_t columns = 0;             // length of the last axis; 0: all is one row
  Mode mode = Mode::nearest_even;  // of the rounding to elements
};

// The range of some values: codes of binary32.
Extent extent_of(std::span<const uint32_t> values);

class Quantiser {
 public:
  // `all` is the extent of the whole tensor, which some schemes need before the first value.
  Quantiser(const ScalingScheme& scheme, const Extent& all, const QuantiseOptions& options);

  // The next values: whole rows, or in one row whole blocks.
  void add(std::span<const uint32_t> values);

  const Quantised& result() const { return result_; }
  const ScalingErrors& statistics() const { return statistics_; }

 private:
  void add_block(std::span<const uint32_t> values);

  ScalingScheme scheme_;
  Extent all_;
  Mode mode_;
  TensorScale tensor_;
  Quantised result_;
  ScalingErrors statistics_;
};

Quantised quantise(const ScalingScheme& scheme, std::span<const uint32_t> values,
                   const QuantiseOptions& options = {});

// Codes of binary32.
std::vector<uint32_t> dequantise(const ScalingScheme& scheme, const Quantised& quantised);

}  // namespace ulpscope
