#include "ulpscope/tensor/open.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/held.hpp"
#include "ulpscope/tensor/input_file.hpp"
#include "ulpscope/tensor/npy.hpp"
#include "ulpscope/tensor/npz.hpp"
#include "ulpscope/tensor/safetensors.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace ulpscope {
namespace {

using std::filesystem::path;

constexpr std::string_view what_is_read = ".npy, .npz, .safetensors and folders of .npy are read";
constexpr std::string_view use_torch =
    ".npy, .npz, .safetensors and folders of .npy are read: convert it in Python with "
    "safetensors.torch.save_file";
constexpr std::string_view use_numpy =
    ".npy, .npz, .safetensors and folders of .npy are read: convert it in Python with numpy.savez";

enum class Kind { npy, npz, safetensors, torch, hdf5, gguf, onnx, unknown };

struct Sign {
  std::string_view text;
  Kind kind;
};

constexpr std::array<Sign, 15> extensions{{
    {".npy", Kind::npy},
    {".npz", Kind::npz},
    {".safetensors", Kind::safetensors},
    {".pt", Kind::torch},
    {".pth", Kind::torch},
    {".ckpt", Kind::torch},
    {".pkl", Kind::torch},
    {".pickle", Kind::torch},
    {".h5", Kind::hdf5},
    {".hdf5", Kind::hdf5},
    {".keras", Kind::hdf5},
    {".gguf", Kind::gguf},
    {".onnx", Kind::onnx},
    {".pb", Kind::onnx},
    {".zip", Kind::npz},
}};

constexpr std::array<Sign, 6> beginnings{{
    {"\x93NUMPY", Kind::npy},
    {"PK\x03\x04", Kind::npz},
    {"PK\x05\x06", Kind::npz},
    {"\x89HDF", Kind::hdf5},
    {"GGUF", Kind::gguf},
    {"\x80\x02", Kind::torch},  // protocol 2 pickle, as torch.save wrote before it wrote zip
}};

Kind kind_of(const path& file_path) {
  const InputFile file(file_path);  // a missing file is missing, whatever its extension
  std::string extension = file_path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const auto& [text, kind] : extensions) {
    if (extension == text) return kind;
  }
  std::string start(std::min<uint64_t>(file.size(), 9), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(start)));
  for (const auto& [text, kind] : beginnings) {
    if (start.starts_with(text)) return kind;
  }
  return start.size() == 9 && start[8] == '{' ? Kind::safetensors : Kind::unknown;
}

[[noreturn]] void refuse(const path& file, std::string_view what, std::string_view remedy) {
  throw Error(ErrorKind::input, fmt::format("{}: {}; {}", file.string(), what, remedy));
}

std::vector<path> npy_files(const path& folder) {
  std::vector<path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const path& file = entry->path();
    if (file.extension() == ".npy" && !file.filename().string().starts_with('.')) {
      files.push_back(file);
    }
  }
  if (error) refuse(folder, "cannot read the folder", error.message());
  if (files.empty()) refuse(folder, "a folder without a .npy file", what_is_read);
  std::ranges::sort(files);  // a folder has no order of its own
  return files;
}

// Files are opened when their tensor is asked for: a folder may hold more than a process may keep
// open.
TensorSource open_folder(const path& folder, const ReadLimits& limits) {
  TensorSource::Contents contents;
  std::vector<path> files;
  for (const path& file : npy_files(folder)) {
    const TensorSource one = open_npy(file, limits);
    for (const auto& entry : one.left_out()) contents.left_out.push_back(entry);
    for (const TensorInfo& info : one.tensors()) {
      contents.tensors.push_back(info);
      files.push_back(file);
    }
  }
  const auto open = [files = std::move(files), infos = contents.tensors, limits](size_t i) {
    StoredTensor tensor = open_npy(files[i], limits).stored(infos[i].name);
    if (tensor.info() != infos[i]) refuse(files[i], "changed since it was listed", "start again");
    return tensor;
  };
  return {folder.string(), std::move(contents), open, limits};
}

}  // namespace

TensorSource open_tensors(const path& path, const ReadLimits& limits) {
  if (limits.held != nullptr) {
    const auto held = limits.held->files.find(path.string());
    if (held != limits.held->files.end()) return open_held(held->first, held->second, limits);
  }
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return open_folder(path, limits);
  switch (kind_of(path)) {
    case Kind::npy: return open_npy(path, limits);
    case Kind::npz: return open_npz(path, limits);
    case Kind::safetensors: return open_safetensors(path, limits);
    case Kind::torch: refuse(path, "a pickle file (PyTorch), which is never loaded", use_torch);
    case Kind::hdf5: refuse(path, "an HDF5 file", use_numpy);
    case Kind::gguf: refuse(path, "a GGUF file", use_numpy);
    case Kind::onnx: refuse(path, "an ONNX or protobuf file", use_numpy);
    case Kind::unknown: break;
  }
  refuse(path, "not a known tensor file", what_is_read);
}

}  // namespace ulpscope
