#include "ulpscope/base/error.hpp"
#include "ulpscope/base/output_file.hpp"
#include "ulpscope/tensor/npz.hpp"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <zip.h>

namespace ulpscope {
namespace {

// Magic, version 1.0, length of the header, the header, padded to 64 bytes as numpy does.
std::string npy_preamble(const TensorInfo& info) {
  constexpr size_t fixed = 10;
  constexpr size_t step = 64;
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                   npy_descr(info.element), shape_text(info.shape));
  const size_t whole = (fixed + header.size() + 1 + step - 1) / step * step;
  header.resize(whole - fixed - 1, ' ');
  header += '\n';
  std::string text = "\x93NUMPY";
  text += '\1';
  text += '\0';
  text += static_cast<char>(header.size() & 0xFF);
  text += static_cast<char>(header.size() >> 8);
  return text + header;
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& reason) {
  throw Error(ErrorKind::resource, fmt::format("{}: cannot be written: {}", path.string(), reason));
}

void check_names(std::span<const Tensor> tensors) {
  std::set<std::string_view> names = {""};
  for (const auto& tensor : tensors) {
    if (!names.insert(tensor.info.name).second) {
      throw Error(ErrorKind::usage, fmt::format("cannot write tensor {}: the name is taken, or "
                                                "empty",
                                                in_quotes(tensor.info.name)));
    }
  }
}

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct Free {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};

// One stored member from memory that outlives the archive.
void add_member(const std::filesystem::path& path, zip_t* archive, const std::string& name,
                std::span<const std::byte> bytes) {
  zip_source_t* const source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
  const zip_int64_t index =
      source == nullptr ? -1 : zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    fail(path, zip_strerror(archive));
  }
  constexpr zip_uint16_t first_of_1980 = 1 << 5 | 1;  // year, month and day of MS-DOS
  const auto at = static_cast<zip_uint64_t>(index);
  if (zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(archive, at, 0, first_of_1980, 0) != 0) {
    fail(path, zip_strerror(archive));
  }
}

}  // namespace

void write_npz(const std::filesystem::path& path, std::span<const Tensor> tensors) {
  check_names(tensors);
  const std::unique_ptr<zip_source_t, Free> buffer(
      zip_source_buffer_create(nullptr, 0, 0, nullptr));
  if (!buffer) fail(path, "out of memory");
  zip_source_keep(buffer.get());  // the archive's own reference
  std::unique_ptr<zip_t, Discard> archive(
      zip_open_from_source(buffer.get(), ZIP_CREATE | ZIP_TRUNCATE, nullptr));
  if (!archive) {
    zip_source_free(buffer.get());
    fail(path, "no archive can be made in memory");
  }
  std::vector<std::vector<std::byte>> members;
  members.reserve(tensors.size());
  for (const auto& [info, bytes] : tensors) {
    const std::string preamble = npy_preamble(info);
    const auto head = std::as_bytes(std::span(preamble));
    auto& member = members.emplace_back(head.begin(), head.end());
    member.insert(member.end(), bytes.begin(), bytes.end());
    add_member(path, archive.get(), info.name + ".npy", member);
  }
  if (zip_close(archive.get()) != 0) fail(path, zip_strerror(archive.get()));
  archive.release();

  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_source_open(buffer.get()) != 0 || zip_source_stat(buffer.get(), &status) != 0) {
    fail(path, "the archive in memory cannot be read back");
  }
  std::vector<std::byte> whole(status.size);
  const zip_int64_t got = zip_source_read(buffer.get(), whole.data(), whole.size());
  zip_source_close(buffer.get());
  if (got < 0 || static_cast<size_t>(got) != whole.size()) {
    fail(path, "the archive in memory cannot be read back");
  }
  write_file_atomically(path, {Bytes(whole)});
}

}  // namespace ulpscope
