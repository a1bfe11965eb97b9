#include "ulpscope/run/part_file.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <cstring>

#include <fmt/format.h>
#include <xxhash.h>

namespace ulpscope {

namespace {

constexpr const char* part_schema = "ulpscope.part/1";

using Metadata = std::map<std::string, std::string>;

Metadata metadata_of(const std::string& fingerprint, int64_t unit) {
  return {{"schema", part_schema}, {"fingerprint", fingerprint}, {"unit", std::to_string(unit)}};
}

// Of the metadata and of every tensor's name and bytes.
std::string checksum(const Metadata& metadata, const std::vector<Tensor>& tensors) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       XXH3_freeState);
  XXH3_128bits_reset(state.get());
  const auto add = [&](const auto& bytes) {
    XXH3_128bits_update(state.get(), bytes.data(), bytes.size());
  };
  for (const auto& [key, value] : metadata) add(fmt::format("{}={}\n", key, value));
  for (const Tensor& tensor : tensors) {
    add(tensor.info.name);
    add(tensor.bytes);
  }
  const auto hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Tensor totals_tensor(const RunTotals& totals) {
  WordWriter words;
  totals.write(words);
  const auto count = static_cast<int64_t>(words.words().size());
  Tensor tensor = make_tensor({"totals", Element::u64, {count}});
  std::memcpy(tensor.bytes.data(), words.words().data(), tensor.bytes.size());
  return tensor;
}

void require(const std::string& where, const std::string& what, const std::string& found,
             const std::string& expected) {
  if (found == expected) return;
  throw Error(ErrorKind::input,
              fmt::format("{}: {} is {}; expected {}", where, what, in_quotes(found), expected));
}

std::string described(const TensorInfo& info) {
  return fmt::format("{} {} {}", info.name, element_name(info.element), shape_text(info.shape));
}

// The tensors of one part, in the order of `expected`.
std::vector<Tensor> read_all(const TensorSource& source, const std::vector<TensorInfo>& expected) {
  std::vector<Tensor> tensors;
  for (const TensorInfo& info : expected) {
    tensors.push_back(source.read(info.name));
    require(source.path(), "a tensor", described(tensors.back().info), described(info));
  }
  return tensors;
}

}  // namespace

std::string part_name(int64_t unit) { return fmt::format("part-{:06}.safetensors", unit); }

void write_part(const std::filesystem::path& path, const std::string& fingerprint,
                const UnitResult& result) {
  std::vector<Tensor> tensors = result.outputs;
  tensors.insert(tensors.end(), result.errors.begin(), result.errors.end());
  tensors.push_back(totals_tensor(result.totals));
  Metadata metadata = metadata_of(fingerprint, result.unit);
  metadata["xxh3_128"] = checksum(metadata, tensors);
  write_safetensors(path, tensors, metadata);
}

UnitResult read_part(const std::filesystem::path& path, const Outline& outline,
                     const std::string& fingerprint, int64_t unit) {
  const TensorSource source = open_safetensors(path);
  const std::string& where = source.path();
  Metadata metadata = source.metadata();
  const std::string sum = metadata["xxh3_128"];
  metadata.erase("xxh3_128");
  for (const auto& [key, expected] : metadata_of(fingerprint, unit)) {
    require(where, key, metadata[key], expected);
  }
  std::vector<TensorInfo> expected = unit_outputs(outline);
  const size_t outputs = expected.size();
  for (auto& info : unit_errors(outline)) expected.push_back(std::move(info));
  std::vector<Tensor> tensors = read_all(source, expected);
  tensors.push_back(source.read("totals"));
  require(where, "xxh3_128", sum, checksum(metadata, tensors));

  UnitResult result{.unit = unit, .outputs = {}, .errors = {}, .totals = RunTotals(outline)};
  require(where, "totals", std::string(element_name(tensors.back().info.element)), "u64");
  WordReader words(ulpscope::words<uint64_t>(tensors.back()));
  result.totals.read(words);
  if (!words.is_complete()) {
    throw Error(ErrorKind::input, fmt::format("{}: totals has {} words; expected another number",
                                              where, tensors.back().bytes.size() / 8));
  }
  tensors.pop_back();
  const auto errors = tensors.begin() + static_cast<std::ptrdiff_t>(outputs);
  result.errors.assign(std::make_move_iterator(errors), std::make_move_iterator(tensors.end()));
  tensors.erase(errors, tensors.end());
  result.outputs = std::move(tensors);
  return result;
}

}  // namespace ulpscope
