// The one way in which ulpscope writes a file: whole or not at all.
//
// The bytes go to a temporary file in the same folder, are synced to the disk, and only then
// take the final name; the folder is synced last. Whoever opens the name meets the old file or
// the new one, never a half. On any failure the temporary file is removed, the old file is as it
// was, and an Error of kind `resource` carries the system's reason. (If only the last step fails,
// the folder's sync, the new file stands, whole, but may not survive a power cut.)
//
//   write_file_atomically("out/summary.json", text);
//   write_file_atomically("out/o.safetensors", {header, o.bytes, lse.bytes});   // never copied
//
// A name that already stands for a folder, FIFO or device is refused, so `--out /dev/null` run by
// root does not replace the device by a file. A symbolic link is replaced, not followed. A killed
// process can leave a `.ulpscope-PID-N.tmp` behind; no reader looks at it.
//
// Tested by tests/base/output_file_test.cpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>

#include <sys/types.h>

namespace ulpscope {

// The system calls that can fail, so that a test can make each of them fail at each turn.
struct OutputCalls {
  int (*open)(const char* path, int flags, mode_t mode);
  ssize_t (*write)(int descriptor, const void* bytes, size_t count);
  int (*fsync)(int descriptor);
  int (*close)(int descriptor);
  int (*rename)(const char* from, const char* to);
};

OutputCalls system_calls();

using Bytes = std::span<const std::byte>;

// Writes the pieces one after the other.
void write_file_atomically(const std::filesystem::path& path, std::span<const Bytes> pieces,
                           const OutputCalls& calls = system_calls());
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<Bytes> pieces);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace ulpscope
