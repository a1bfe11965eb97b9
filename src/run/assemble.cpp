#include "ulpscope/run/assemble.hpp"

#include "ulpscope/run/attention_summary.hpp"

namespace ulpscope {

namespace {

std::vector<TensorInfo> whole(const Outline& outline, std::vector<TensorInfo> shares) {
  for (size_t i = 0; i < shares.size(); ++i) shares[i].shape = outline.tensors[i].shape();
  return shares;
}

}  // namespace

Assembly::Assembly(const Outline& outline, const std::filesystem::path& folder)
    : outline_(outline), folder_(folder), totals_(outline) {
  if (folder_.empty()) return;
  outputs_ = std::make_unique<SafetensorsFile>(
      folder_ / "outputs.safetensors", whole(outline, unit_outputs(outline)), outline.metadata);
  if (outline.log != LogLevel::full) return;
  errors_ = std::make_unique<SafetensorsFile>(
      folder_ / "errors.safetensors", whole(outline, unit_errors(outline)), outline.metadata);
}

void Assembly::add(const UnitResult& result) {
  for (size_t i = 0; outputs_ && i < outline_.tensors.size(); ++i) {
    write(*outputs_, i, result.unit, result.outputs[i]);
    if (errors_) write(*errors_, i, result.unit, result.errors[i]);
  }
  const std::lock_guard lock(mutex_);
  totals_.merge(result.totals);
}

void Assembly::write(const SafetensorsFile& file, size_t tensor, int64_t unit,
                     const Tensor& share) const {
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
    file.write(tensor, static_cast<uint64_t>(at * element),
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
