#include "ulpscope/tensor/source.hpp"

#include "ulpscope/base/error.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ulpscope {
namespace {

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

void check_name(const std::string& path, const std::string& name, const ReadLimits& limits) {
  const auto fail = [&](std::string_view expected) {
    throw Error(ErrorKind::input, fmt::format("{}: tensor name {} of {} bytes, expected {}", path,
                                              in_quotes(name), name.size(), expected));
  };
  if (name.empty()) fail("at least one");
  if (name.size() > limits.name_length) fail(fmt::format("at most {}", limits.name_length));
  if (name.find('\0') != std::string::npos) fail("no zero byte in it");
  if (!is_utf8(name)) fail("UTF-8");
}

}  // namespace

TensorSource::TensorSource(std::string path, Contents contents, Open open, const ReadLimits& limits)
    : path_(std::move(path)), contents_(std::move(contents)), open_(std::move(open)) {
  const size_t count = tensors().size() + left_out().size();
  if (count > limits.tensors) {
    throw Error(ErrorKind::input,
                fmt::format("{}: {} tensors, expected at most {}", path_, count, limits.tensors));
  }
  std::set<std::string_view> names;
  const auto check = [&](const std::string& name) {
    check_name(path_, name, limits);
    if (!names.insert(name).second) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: two tensors named {}", path_, in_quotes(name)));
    }
  };
  for (const TensorInfo& info : tensors()) {
    check(info.name);
    if (info.shape.size() > limits.rank) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: tensor {} has {} dimensions, expected at most {}", path_,
                              in_quotes(info.name), info.shape.size(), limits.rank));
    }
  }
  for (const LeftOut& entry : left_out()) check(entry.name);
}

const TensorInfo* TensorSource::find(std::string_view name) const {
  for (const TensorInfo& info : tensors()) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

StoredTensor TensorSource::stored(std::string_view name) const {
  const TensorInfo* const info = find(name);
  if (info == nullptr) fail_missing(name);
  return open_(static_cast<size_t>(info - tensors().data()));
}

Tensor TensorSource::read(std::string_view name) const { return stored(name).read(); }

void TensorSource::fail_missing(std::string_view name) const {
  for (const LeftOut& entry : left_out()) {
    if (entry.name == name) {
      throw Error(ErrorKind::input,
                  fmt::format("{}: tensor {}: {}", path_, in_quotes(name), entry.reason));
    }
  }
  constexpr size_t most_shown = 20;
  std::string known;
  for (size_t i = 0; i < tensors().size() && i < most_shown; ++i) {
    known += (i == 0 ? "" : ", ") + in_quotes(tensors()[i].name);
  }
  if (tensors().size() > most_shown) known += ", ...";
  throw Error(ErrorKind::input, fmt::format("{}: no tensor {}; it has {}", path_, in_quotes(name),
                                            known.empty() ? "none" : known));
}

}  // namespace ulpscope
