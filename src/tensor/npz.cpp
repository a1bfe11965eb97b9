#include "ulpscope/tensor/npz.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/tensor/input_file.hpp"
#include "ulpscope/tensor/npy.hpp"

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <zip.h>

namespace ulpscope {
namespace {

constexpr std::string_view suffix = ".npy";

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::input, fmt::format("{}: {}", where, what));
}

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct Close {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

struct Entry {
  std::string name;  // without .npy
  zip_uint64_t index;
  uint64_t size;  // once inflated
  bool stored;    // as it is, so that its bytes can be had at any place
};

Archive open_archive(const InputFile& file) {
  const int descriptor = ::dup(file.descriptor());
  int code = 0;
  Archive archive(zip_fdopen(descriptor, ZIP_CHECKCONS, &code));
  if (archive) return archive;
  if (descriptor >= 0) ::close(descriptor);
  if (code == ZIP_ER_EXISTS) fail(file.name(), "two members of one name");
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  fail(file.name(), fmt::format("not a sound zip archive of {} bytes: {}", file.size(), reason));
}

// One member, inflated as it is read.
class Member {
 public:
  Member(zip_t* archive, const Entry& entry, std::string where)
      : where_(std::move(where)), member_(zip_fopen_index(archive, entry.index, 0)) {
    if (!member_) fail(where_, fmt::format("cannot be opened: {}", zip_strerror(archive)));
  }

  void next(std::span<std::byte> into) {
    while (!into.empty()) {
      const size_t got = read(into);
      if (got == 0) fail(where_, fmt::format("truncated: {} more bytes expected", into.size()));
      into = into.subspan(got);
    }
  }

  // Of a stored member.
  void seek(uint64_t offset) {
    if (zip_fseek(member_.get(), static_cast<zip_int64_t>(offset), SEEK_SET) == 0) return;
    fail(where_,
         fmt::format("cannot be read at byte {}: {}", offset, zip_file_strerror(member_.get())));
  }

  // At the end libzip has checked size and CRC-32; it says so when asked for one byte more.
  void finish() {
    std::array<std::byte, 1> beyond;
    if (read(beyond) != 0) fail(where_, "inflates to more than its promised size");
  }

 private:
  size_t read(std::span<std::byte> into) {
    const zip_int64_t got = zip_fread(member_.get(), into.data(), into.size());
    if (got < 0) fail(where_, fmt::format("damaged: {}", zip_file_strerror(member_.get())));
    return static_cast<size_t>(got);
  }

  std::string where_;
  std::unique_ptr<zip_file_t, Close> member_;
};

std::string where_of(const std::string& path, const Entry& entry) {
  return fmt::format("{}: tensor {}", path, in_quotes(entry.name));
}

// The .npy members, each of a kind that can be read.
std::vector<Entry> list_entries(zip_t* archive, const std::string& path) {
  std::vector<Entry> entries;
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive, 0));
  for (zip_uint64_t i = 0; i < count; ++i) {
    zip_stat_t status;
    if (zip_stat_index(archive, i, 0, &status) != 0) {
      fail(path, fmt::format("zip member {} has no readable entry: {}", i, zip_strerror(archive)));
    }
    const std::string_view name = status.name;
    if (name.ends_with("/data.pkl") || name == "data.pkl") {
      fail(path,
           "a PyTorch file (pickle), which is never loaded; convert it in Python with "
           "safetensors.torch.save_file");
    }
    if (!name.ends_with(suffix)) continue;
    const Entry entry = {.name = std::string(name.substr(0, name.size() - suffix.size())),
                         .index = i,
                         .size = status.size,
                         .stored = status.comp_method == ZIP_CM_STORE};
    if (status.encryption_method != ZIP_EM_NONE) {
      fail(where_of(path, entry), "encrypted, expected a plain zip member");
    }
    if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE) {
      fail(where_of(path, entry), fmt::format("compression method {}, expected 0 (stored) or 8 "
                                              "(deflated)",
                                              status.comp_method));
    }
    entries.push_back(entry);
  }
  if (entries.empty()) fail(path, "a zip archive without a .npy member");
  return entries;
}

// Refuses a promise that the budget or the size of the file does not bear out.
void check_budget(const std::vector<Entry>& entries, const InputFile& file,
                  const ReadLimits& limits) {
  uint64_t total = 0;
  for (const Entry& entry : entries) {
    if (entry.size > limits.inflated - total) {
      fail(where_of(file.name(), entry),
           fmt::format("inflates to {} bytes after {} of others, expected at most {} in all",
                       entry.size, total, limits.inflated));
    }
    total += entry.size;
  }
  if (total > limits.inflated_free && total / limits.inflated_ratio > file.size()) {
    fail(file.name(), fmt::format("inflates from {} to {} bytes, expected at most {} times",
                                  file.size(), total, limits.inflated_ratio));
  }
}

// The bytes of the array in a member, which end where the member ends.
StoredBytes array_in(const std::shared_ptr<zip_t>& archive, const Entry& entry, uint64_t size,
                     const std::string& where) {
  const uint64_t header = entry.size - size;
  const auto open = [=] { return std::make_shared<Member>(archive.get(), entry, where); };
  StoredBytes bytes;
  bytes.from_start = [=]() -> NextBytes {
    const auto member = open();
    std::vector<std::byte> passed_over(header);  // read, not skipped: the CRC counts it
    member->next(passed_over);
    return [archive, member, left = size](std::span<std::byte> into) mutable {
      member->next(into);
      left -= into.size();
      if (left == 0) member->finish();
    };
  };
  if (entry.stored) {
    bytes.at = [=, member = std::shared_ptr<Member>()](uint64_t offset,
                                                       std::span<std::byte> into) mutable {
      if (!member) member = open();
      member->seek(header + offset);
      member->next(into);
    };
  }
  return bytes;
}

}  // namespace

TensorSource open_npz(const std::filesystem::path& path, const ReadLimits& limits) {
  const InputFile file(path);
  const std::shared_ptr<zip_t> archive = open_archive(file);
  const std::vector<Entry> entries = list_entries(archive.get(), file.name());
  check_budget(entries, file, limits);

  TensorSource::Contents contents;
  std::vector<std::function<StoredTensor()>> openers;
  for (const Entry& entry : entries) {
    const std::string where = where_of(file.name(), entry);
    Member member(archive.get(), entry, where);
    const NpyHeader header =
        read_npy_header(std::bind_front(&Member::next, &member), entry.size, where, limits);
    if (!header.type) {
      contents.left_out.push_back({entry.name, unreadable_reason(header)});
      continue;
    }
    const TensorInfo info = {entry.name, header.type->element, header.shape};
    contents.tensors.push_back(info);
    openers.push_back([=, path = file.name(), form = stored_form(header)] {
      return StoredTensor(path, info, form, array_in(archive, entry, byte_count(info), where));
    });
  }
  const auto open = [openers = std::move(openers)](size_t i) { return openers[i](); };
  return {file.name(), std::move(contents), open, limits};
}

}  // namespace ulpscope
