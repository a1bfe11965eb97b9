#include "ulpscope/run/checkpoint.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/round/value.hpp"
#include "ulpscope/tensor/open.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

namespace ulpscope {

namespace {

namespace fs = std::filesystem;

// The files of a checkpoint, in the order of their names.
std::vector<fs::path> files_of(const std::string& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  if (files.empty()) {
    throw Error(ErrorKind::input, fmt::format("{}: the folder holds no .safetensors file", path));
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool comes_before(const CheckpointTensor& a, const CheckpointTensor& b) {
  return a.info.name < b.info.name;
}

void hold_names_once(const Checkpoint& checkpoint) {
  const auto twice =
      std::adjacent_find(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                         [](const auto& a, const auto& b) { return a.info.name == b.info.name; });
  if (twice == checkpoint.tensors.end()) return;
  throw Error(ErrorKind::input, fmt::format("{} is in {} and in {}: expected every name once",
                                            in_quotes(twice->info.name), twice->source->path(),
                                            std::next(twice)->source->path()));
}

// A tensor's numbers, a piece at a time.
class Pieces {
 public:
  explicit Pieces(const CheckpointTensor& tensor)
      : stored_(tensor.source->stored(tensor.info.name)), format_(tensor.format) {
    if (width(format_) > 16) return;
    table_.resize(size_t{1} << width(format_));
    for (size_t code = 0; code < table_.size(); ++code) {
      table_[code] = double_value(format_, static_cast<uint64_t>(code));
    }
  }

  // Elements [first, first + count) of the first axis; of a scalar, itself.
  Weights rows(int64_t first, int64_t count) {
    const auto& shape = stored_.info().shape;
    if (shape.empty() || !stored_.in_pieces()) {
      if (whole_.bytes.empty()) whole_ = stored_.read();
      const size_t a_row = shape.empty() ? 1 : element_count(whole_.info) / rows_of(shape);
      return decoded(whole_, static_cast<size_t>(first) * a_row,
                     static_cast<size_t>(count) * a_row);
    }
    Box box{{first, first + count}};
    for (size_t axis = 1; axis < shape.size(); ++axis) box.push_back({0, shape[axis]});
    const Tensor piece = stored_.read(box);
    return decoded(piece, 0, element_count(piece.info));
  }

 private:
  static size_t rows_of(const std::vector<int64_t>& shape) {
    return std::max<size_t>(1, static_cast<size_t>(shape[0]));
  }

  double number(uint64_t code) const {
    if (!table_.empty()) return table_[code];
    if (format_ == fp32) return double{bit_cast<float>(static_cast<uint32_t>(code))};
    return double_value(format_, code);
  }

  Weights decoded(const Tensor& tensor, size_t first, size_t count) {
    numbers_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      numbers_[i] = number(element_bits(tensor, first + i));
    }
    return numbers_;
  }

  StoredTensor stored_;
  Format format_;
  std::vector<double> table_;  // by code; empty for wide formats
  Tensor whole_;               // of a file that cannot be read in pieces
  std::vector<double> numbers_;
};

}  // namespace

const CheckpointTensor* Checkpoint::find(std::string_view name) const {
  const auto at = std::lower_bound(
      tensors.begin(), tensors.end(), name,
      [](const CheckpointTensor& tensor, std::string_view n) { return tensor.info.name < n; });
  return at != tensors.end() && at->info.name == name ? &*at : nullptr;
}

Checkpoint open_checkpoint(const std::string& path) {
  Checkpoint checkpoint{.path = path, .tensors = {}, .left_out = {}};
  for (const auto& file : files_of(path)) {
    const auto source = std::make_shared<const TensorSource>(open_tensors(file));
    for (const auto& info : source->tensors()) {
      const auto format =
          names_a_format(info.element) ? find_format(element_name(info.element)) : std::nullopt;
      if (format) {
        checkpoint.tensors.push_back({source, info, *format});
      } else {
        checkpoint.left_out.push_back(info.name);
      }
    }
    for (const auto& entry : source->left_out()) checkpoint.left_out.push_back(entry.name);
  }
  std::sort(checkpoint.tensors.begin(), checkpoint.tensors.end(), comes_before);
  hold_names_once(checkpoint);
  return checkpoint;
}

void for_each_piece(const CheckpointTensor& a, const CheckpointTensor* b,
                    const std::function<void(Weights a, Weights b)>& body) {
  Pieces of_a(a);
  std::optional<Pieces> of_b;
  if (b != nullptr) of_b.emplace(*b);
  const auto& shape = a.info.shape;
  const int64_t rows = shape.empty() ? 1 : shape[0];
  const auto elements = static_cast<int64_t>(element_count(a.info));
  if (elements == 0) return;
  constexpr int64_t elements_a_piece = int64_t{1} << 20;
  const int64_t step = std::max<int64_t>(1, elements_a_piece / (elements / rows));
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    body(of_a.rows(first, count), of_b ? of_b->rows(first, count) : Weights{});
  }
}

}  // namespace ulpscope
