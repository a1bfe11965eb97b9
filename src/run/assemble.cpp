#include "ulpscope/run/assemble.hpp"

#include "ulpscope/run/attention_summary.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

std::vector<TensorInfo> whole(const Outline& outline, std::vector<TensorInfo> shares) {
  for (size_t i = 0; i < shares.size(); ++i) shares[i].shape = outline.tensors[i].shape();
  return shares;
}

std::vector<Tensor> zeros(const std::vector<TensorInfo>& infos) {
  std::vector<Tensor> tensors;
  for (const auto& info : infos) tensors.push_back(make_tensor(info));
  return tensors;
}

}  // namespace

Assembly::Assembly(const Outline& outline, const std::filesystem::path& folder, RunTensors* kept)
    : outline_(outline), folder_(folder), kept_(kept), totals_(outline) {
  if (kept_ != nullptr) {
    kept_->outputs = zeros(whole(outline, unit_outputs(outline)));
    if (outline.log == LogLevel::full) kept_->errors = zeros(whole(outline, unit_errors(outline)));
    kept_->metadata = outline.metadata;
  }
  if (folder_.empty()) return;
  outputs_ = std::make_unique<SafetensorsFile>(
      folder_ / "outputs.safetensors", whole(outline, unit_outputs(outline)), outline.metadata);
  if (outline.log != LogLevel::full) return;
  errors_ = std::make_unique<SafetensorsFile>(
      folder_ / "errors.safetensors", whole(outline, unit_errors(outline)), outline.metadata);
}

void Assembly::add(const UnitResult& result) {
  const auto to_file = [&](SafetensorsFile* file, size_t i, const Tensor& share) {
    if (file == nullptr) return;
    write([&](uint64_t at, Bytes bytes) { file->write(i, at, bytes); }, i, result.unit, share);
  };
  // Units have places of their own: no lock is needed.
  const auto to_memory = [&](std::vector<Tensor>& tensors, size_t i, const Tensor& share) {
    const auto put = [&](uint64_t at, Bytes bytes) {
      std::ranges::copy(bytes, tensors[i].bytes.begin() + static_cast<ptrdiff_t>(at));
    };
    write(put, i, result.unit, share);
  };
  for (size_t i = 0; i < outline_.tensors.size(); ++i) {
    to_file(outputs_.get(), i, result.outputs[i]);
    if (kept_ != nullptr) to_memory(kept_->outputs, i, result.outputs[i]);
    if (outline_.log != LogLevel::full) continue;
    to_file(errors_.get(), i, result.errors[i]);
    if (kept_ != nullptr) to_memory(kept_->errors, i, result.errors[i]);
  }
  const std::lock_guard lock(mutex_);
  totals_.merge(result.totals);
}

void Assembly::write(const Put& put, size_t tensor, int64_t unit, const Tensor& share) const {
  const OutlineTensor& t = outline_.tensors[tensor];
  const int64_t heads = t.sizes[1];
  const int64_t rows = t.sizes[2];
  const auto element = static_cast<int64_t>(element_bytes(share.info.element));
  const int64_t row_bytes = t.columns() * element;
  const auto stride = strides({t.sizes[0], heads, rows, t.columns()}, t.layout);
  // Where the rows of a head lie one behind the other, they are written at once.
  const int64_t together = stride[2] == t.columns() ? rows : 1;
  const int64_t shared = t.sizes[0] * heads / outline_.units;
  const Bytes bytes = share.bytes;
  for (int64_t i = 0; i < shared * rows; i += together) {
    const int64_t head = unit * shared + i / rows;
    const int64_t at = head / heads * stride[0] + head % heads * stride[1] + i % rows * stride[2];
    put(static_cast<uint64_t>(at * element),
        bytes.subspan(static_cast<size_t>(i * row_bytes),
                      static_cast<size_t>(together * row_bytes)));
  }
}

nlohmann::json Assembly::finish() {
  if (outputs_) outputs_->finish();
  if (errors_) errors_->finish();
  return attention_summary(outline_, totals_);
}

}  // namespace ulpscope
