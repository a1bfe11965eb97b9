#include "ulpscope/run/memory_limit.hpp"

#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

#include <fmt/format.h>

namespace ulpscope {

namespace {

constexpr std::string_view letters = "KMGT";  // 2^10, 2^20, ...

}  // namespace

uint64_t bytes_of(const std::string& text) {
  const auto fail = [&] {
    throw Error(ErrorKind::usage, fmt::format("'{}' is no size: expected bytes as a whole number, "
                                              "perhaps with K, M, G or T behind it, such as 500M",
                                              text));
  };
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) fail();
  if (stop == end) return number;
  const size_t letter = letters.find(*stop);
  if (letter == letters.npos || stop + 1 != end) fail();
  const size_t shift = 10 * (letter + 1);
  if (number > std::numeric_limits<uint64_t>::max() >> shift) fail();
  return number << shift;
}

std::string size_text(uint64_t bytes) {
  size_t shift = 0;
  while (shift < 10 * letters.size() && bytes >> shift >= 1024) shift += 10;
  if (shift == 0) return fmt::format("{} bytes", bytes);
  const uint64_t one = uint64_t{1} << shift;
  const uint64_t whole = bytes / one;
  const uint64_t tenths = (bytes % one * 10 + one - 1) / one;  // 10: a whole one more
  return fmt::format("{}.{}{}", whole + tenths / 10, tenths % 10, letters[shift / 10 - 1]);
}

uint64_t total(const MemoryNeed& need, const Room& room) {
  const auto threads = static_cast<uint64_t>(room.threads);
  return need.fixed +
         static_cast<uint64_t>(room.units) * (need.per_unit + threads * need.per_thread);
}

Room room_within(uint64_t limit, const MemoryNeed& need, const Room& wanted) {
  Room room = wanted;
  while (room.units > 1 && total(need, room) > limit) --room.units;
  while (room.threads > 1 && total(need, room) > limit) --room.threads;
  if (total(need, room) <= limit) return room;
  throw Error(
      ErrorKind::resource,
      fmt::format("--mem-limit {}: {} are needed, {} of them for one K/V head and the query "
                  "heads that share it, even with one thread; expected a higher limit",
                  size_text(limit), size_text(total(need, room)), size_text(need.per_unit)));
}

}  // namespace ulpscope
