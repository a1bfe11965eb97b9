#include "ulpscope/tensor/stored_tensor.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <fmt/format.h>

namespace ulpscope {
namespace {

void swap_bytes(std::span<std::byte> bytes, size_t element_size) {
  for (size_t at = 0; at < bytes.size(); at += element_size) {
    std::ranges::reverse(bytes.subspan(at, element_size));
  }
}

// Column-major to row-major: walks the result in order, and keeps the place in the source.
std::vector<std::byte> transposed(std::span<const std::byte> source, std::span<const int64_t> shape,
                                  size_t element_size) {
  std::vector<std::byte> result(source.size());
  std::vector<size_t> stride(shape.size());
  size_t step = element_size;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    stride[axis] = step;
    step *= static_cast<size_t>(shape[axis]);
  }
  std::vector<int64_t> index(shape.size(), 0);
  size_t from = 0;
  for (size_t to = 0; to < result.size(); to += element_size) {
    std::memcpy(&result[to], &source[from], element_size);
    for (size_t axis = shape.size(); axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < shape[axis]) break;
      from -= stride[axis] * static_cast<size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
  return result;
}

// Calls take(offset, piece of `into`) for every run of a box: bytes that are neighbours in the
// tensor. The axes behind the last one that the box cuts are whole, and part of every run.
template <class Take>
void for_each_run(const TensorInfo& info, const Box& box, std::span<std::byte> into, Take&& take) {
  if (into.empty()) return;
  const auto extent = [&](size_t axis) { return static_cast<uint64_t>(info.shape[axis]); };
  const auto first = [&](size_t axis) { return static_cast<uint64_t>(box[axis].first); };
  const auto count = [&](size_t axis) {
    return static_cast<uint64_t>(box[axis].end - box[axis].first);
  };
  uint64_t run = element_bytes(info.element);
  size_t outer = info.shape.size();  // axes in front of the run's own
  while (outer > 0 && count(outer - 1) == extent(outer - 1)) run *= extent(--outer);
  uint64_t step = run;
  uint64_t offset = 0;
  if (outer > 0) {
    --outer;
    offset = first(outer) * step;
    run = count(outer) * step;
    step *= extent(outer);
  }
  std::vector<uint64_t> stride(outer);
  for (size_t axis = outer; axis-- > 0; step *= extent(axis)) {
    stride[axis] = step;
    offset += first(axis) * step;
  }
  std::vector<uint64_t> index(outer, 0);
  for (size_t done = 0; done < into.size(); done += run) {
    take(offset, into.subspan(done, run));
    for (size_t axis = outer; axis-- > 0;) {
      offset += stride[axis];
      if (++index[axis] < count(axis)) break;
      offset -= stride[axis] * count(axis);
      index[axis] = 0;
    }
  }
}

std::vector<int64_t> shape_of(const Box& box) {
  std::vector<int64_t> shape;
  for (const AxisRange& range : box) shape.push_back(range.end - range.first);
  return shape;
}

}  // namespace

StoredTensor::StoredTensor(std::string file, TensorInfo info, StoredForm form, StoredBytes bytes)
    : file_(std::move(file)), info_(std::move(info)), form_(form), bytes_(std::move(bytes)) {}

bool StoredTensor::in_pieces() const {
  return bytes_.at != nullptr && (form_.order == AxisOrder::c || info_.shape.size() < 2);
}

NextBytes StoredTensor::from_start() const {
  if (bytes_.from_start) return bytes_.from_start();
  return [&at = bytes_.at, offset = uint64_t{0}](std::span<std::byte> into) mutable {
    at(offset, into);
    offset += into.size();
  };
}

Tensor StoredTensor::read_whole() const {
  Tensor tensor = make_tensor(info_);
  from_start()(tensor.bytes);
  const size_t size = element_bytes(info_.element);
  if (form_.bytes == std::endian::big) swap_bytes(tensor.bytes, size);
  if (form_.order == AxisOrder::fortran && info_.shape.size() > 1) {
    tensor.bytes = transposed(tensor.bytes, info_.shape, size);
  }
  return tensor;
}

Tensor StoredTensor::read_box(const Box& box) const {
  if (!in_pieces()) return in_memory(file_, read_whole()).read(box);
  Tensor tensor = make_tensor({info_.name, info_.element, shape_of(box)});
  for_each_run(info_, box, tensor.bytes, bytes_.at);
  if (form_.bytes == std::endian::big) swap_bytes(tensor.bytes, element_bytes(info_.element));
  return tensor;
}

Tensor StoredTensor::read() const {
  try {
    return read_whole();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::resource,
                fmt::format("{}: tensor {}: not enough memory for its {} bytes", file_,
                            in_quotes(info_.name), byte_count(info_)));
  }
}

Tensor StoredTensor::read(const Box& box) const {
  bool inside = box.size() == info_.shape.size();
  for (size_t axis = 0; inside && axis < box.size(); ++axis) {
    const auto [first, end] = box[axis];
    inside = 0 <= first && first <= end && end <= info_.shape[axis];
  }
  if (!inside) {
    throw Error(ErrorKind::input,
                fmt::format("{}: tensor {} of shape {}: a box outside of it", file_,
                            in_quotes(info_.name), shape_text(info_.shape)));
  }
  try {
    return read_box(box);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::resource,
                fmt::format("{}: tensor {}: not enough memory for {} of it", file_,
                            in_quotes(info_.name), shape_text(shape_of(box))));
  }
}

void StoredTensor::stream(const std::function<void(std::span<const std::byte>)>& take) const {
  if (form_.order == AxisOrder::fortran && info_.shape.size() > 1) {
    take(read().bytes);
    return;
  }
  constexpr uint64_t largest = uint64_t{1} << 20;  // whole elements
  std::vector<std::byte> piece;
  const NextBytes next = from_start();
  for (uint64_t left = byte_count(info_); left > 0; left -= piece.size()) {
    piece.resize(std::min(left, largest));
    next(piece);
    if (form_.bytes == std::endian::big) swap_bytes(piece, element_bytes(info_.element));
    take(piece);
  }
}

StoredTensor in_memory(std::string file, Tensor tensor) {
  const auto kept = std::make_shared<const Tensor>(std::move(tensor));
  const auto at = [kept](uint64_t offset, std::span<std::byte> into) {
    std::ranges::copy(std::span(kept->bytes).subspan(offset, into.size()), into.begin());
  };
  return {std::move(file), kept->info, {}, {.at = at}};
}

}  // namespace ulpscope
