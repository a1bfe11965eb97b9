#include "ulpscope/scaling/quantise.hpp"

#include "ulpscope/scaling/schemes.hpp"

#include <algorithm>
#include <limits>

namespace ulpscope {

namespace {

// Lengths that never end stand for "all of it".
int64_t or_all(int64_t length) {
  return length == 0 ? std::numeric_limits<int64_t>::max() : length;
}

// Calls body(first, count) for every block of `count` values in rows of `columns`.
template <class Body>
void for_each_block(int64_t count, int64_t columns, int64_t block, Body&& body) {
  for (int64_t row = 0; row < count;) {
    const int64_t row_end = row + std::min(or_all(columns), count - row);
    for (int64_t first = row; first < row_end;) {
      const int64_t length = std::min(or_all(block), row_end - first);
      body(first, length);
      first += length;
    }
    row = row_end;
  }
}

}  // namespace

Extent extent_of(std::span<const uint32_t> values) {
  Extent extent;
  for (const uint32_t value : values) extent.add(Float32::from_bits(value));
  return extent;
}

Quantiser::Quantiser(const ScalingScheme& scheme, const Extent& all, const QuantiseOptions& options)
    : scheme_(scheme), all_(all), mode_(options.mode) {
  check_scheme(scheme);
  tensor_ = tensor_scale(scheme, all);
  const bool one_row = scheme.along == Along::memory || scheme.block == 0;
  result_.columns = one_row ? 0 : options.columns;
  result_.tensor_scale = tensor_.decode.bits();
}

void Quantiser::add(std::span<const uint32_t> values) {
  for_each_block(
      static_cast<int64_t>(values.size()), result_.columns, scheme_.block,
      [&](int64_t first, int64_t length) {
        add_block(values.subspan(static_cast<size_t>(first), static_cast<size_t>(length)));
      });
}

void Quantiser::add_block(std::span<const uint32_t> values) {
  const bool whole = scheme_.block == 0;
  const BlockScale block = block_scale(scheme_, tensor_, whole ? all_ : extent_of(values));
  if (!whole || result_.scales.empty()) {
    result_.scales.push_back(block.code);
    if (scheme_.expansion != Expansion::none) {
      result_.exponents.push_back(block.exponent.bits());
      result_.centres.push_back(block.centre.bits());
    }
  }
  const ElementScale scale = element_scale(scheme_, tensor_, block);
  for (const uint32_t value : values) {
    const Float32 x = Float32::from_bits(value);
    const Encoded encoded = encode(scheme_, scale, x, mode_);
    result_.codes.push_back(encoded.code);
    statistics_.saturated += encoded.saturated;
    statistics_.add(x, decode_element(scheme_, scale, encoded.code));
  }
}

Quantised quantise(const ScalingScheme& scheme, std::span<const uint32_t> values,
                   const QuantiseOptions& options) {
  Quantiser quantiser(scheme, extent_of(values), options);
  quantiser.add(values);
  return quantiser.result();
}

std::vector<uint32_t> dequantise(const ScalingScheme& scheme, const Quantised& q) {
  std::vector<uint32_t> values;
  values.reserve(q.codes.size());
  const TensorScale tensor{.decode = Float32::from_bits(q.tensor_scale)};
  size_t at = 0;
  const auto decode_block = [&](int64_t first, int64_t length) {
    BlockScale block{q.scales[at]};
    if (scheme.expansion != Expansion::none) {
      block.exponent = Float32::from_bits(q.exponents[at]);
      block.centre = Float32::from_bits(q.centres[at]);
    }
    ++at;
    const ElementScale scale = element_scale(scheme, tensor, block);
    for (int64_t i = first; i < first + length; ++i) {
      values.push_back(decode_element(scheme, scale, q.codes[static_cast<size_t>(i)]).bits());
    }
  };
  for_each_block(static_cast<int64_t>(q.codes.size()), q.columns, scheme.block, decode_block);
  return values;
}

}  // namespace ulpscope
