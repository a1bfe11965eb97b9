#include "ulpscope/run/sample_run.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <filesystem>
#include <map>

#include <fmt/format.h>

namespace ulpscope {

namespace {

Element element_of(const Format& format) {
  const auto element = element_from_name(format_name(format));
  if (element && names_a_format(*element) && element_bytes(*element) <= 2) return *element;
  throw Error(ErrorKind::usage,
              fmt::format("--format {}: expected bf16, fp16, e4m3fn or e5m2, which a file can name",
                          format_name(format)));
}

Tensor tensor_of(const char* name, Element element, std::vector<int64_t> shape,
                 const std::vector<uint16_t>& codes) {
  Tensor tensor = make_tensor({name, element, std::move(shape)});
  if (element_bytes(element) == 2) {
    std::copy(codes.begin(), codes.end(), words<uint16_t>(tensor).begin());
  } else {
    std::transform(codes.begin(), codes.end(), words<uint8_t>(tensor).begin(),
                   [](uint16_t code) { return static_cast<uint8_t>(code); });
  }
  return tensor;
}

std::map<std::string, std::string> metadata_of(const Law& law) {
  std::map<std::string, std::string> metadata{
      {"layout", "hsd"},
      {"law", std::string(law_table[static_cast<size_t>(law.kind)].name)},
      {"seed", std::to_string(law.seed)}};
  switch (law.kind) {
    case LawKind::ties:
      metadata["ties"] = fmt::format("maxima {}, gap {}, level {} +- {}, sink {}", law.maxima,
                                     law.gap, law.level, law.level_spread, law.sink);
      break;
    case LawKind::outliers: metadata["outlier"] = fmt::format("{}", law.outlier); break;
    case LawKind::normal:
    case LawKind::uniform: break;
  }
  return metadata;
}

}  // namespace

void write_sample(const SampleOptions& options, const std::string& path) {
  if (std::filesystem::path(path).extension() != ".safetensors") {
    throw Error(ErrorKind::usage,
                fmt::format("--out {}: expected a name that ends in .safetensors", path));
  }
  const LawShape& shape = options.shape;
  const Element element = element_of(shape.format);
  const LawTensors drawn = draw(options.law, shape);
  const std::vector<int64_t> queries{shape.heads, shape.rows, shape.dim};
  const std::vector<int64_t> keys{shape.heads, shape.keys, shape.dim};
  const std::vector<Tensor> tensors{
      tensor_of("q", element, queries, drawn.q), tensor_of("k", element, keys, drawn.k),
      tensor_of("v", element, keys, drawn.v), tensor_of("do", element, queries, drawn.dout)};
  write_safetensors(path, tensors, metadata_of(options.law));
}

}  // namespace ulpscope
