// The sum of a row of P, as the lanes that hold a score row add it.
//
// Lane t of n holds the columns c with (c / 2) mod n = t, or other groups than pairs, and adds them
// in ascending order; a butterfly joins the lanes. Kernels differ in what runs on from tile to tile
// (lanes or their sum), in where the old sum is brought down to the new maximum, and in the order
// of the butterfly:
//
//   4 lanes, far_first: (0 + 2) + (1 + 3)    near_first: (0 + 1) + (2 + 3)
//
// The 0 of a hidden key changes no sum: only a lane's first column is taken whatever it is.
// Tested through the pass: tests/attention/forward_test.cpp, recipes_test.cpp and tests/captured.
#pragma once

#include "ulpscope/attention/softmax.hpp"

#include <span>

namespace ulpscope {

using LaneSums = std::array<uint32_t, most_lanes>;
inline constexpr int most_tile_lanes = 128;  // of sums that no lane carries on

// The lanes joined by a butterfly. All lanes end with the same sum.
template <class Sink>
ULPSCOPE_STEP uint32_t joined_lanes(const Machine<Sink>& machine, int64_t row, Site site,
                                    Butterfly join, uint32_t* lanes, int count) {
  const auto exchange = [&](int distance) {
    machine.at(site, [&](auto step) {
      for (int t = 0; t < count; ++t) {
        if ((t & distance) != 0) continue;
        lanes[t] = lanes[t + distance] = step(
            row, 0, add(step.operand(lanes[t]), step.operand(lanes[t + distance]), step.mode()));
      }
    });
  };
  switch (join) {
    case Butterfly::far_first: {
      // Lanes above the distance would only repeat the sums below it.
      for (int distance = count / 2; distance >= 1; distance /= 2) {
        count = 2 * distance;
        exchange(distance);
      }
      break;
    }
    case Butterfly::near_first: {
      for (int distance = 1; distance < count; distance *= 2) exchange(distance);
      break;
    }
  }
  return lanes[0];
}

namespace detail {

// How the first column of a lane meets the lane's old sum.
enum class FirstAddition { taken, added, fused };

// Where a row's records are taken at once, all lanes go through its columns together.
template <class Step>
inline constexpr bool sums_lanes_at_once =
    Step::by_row&& Step::is_plain&& Step::flush == Flush::none;

// The columns [from, to) added to their lanes, but the first one of each, which has met its lane.
template <class Step>
ULPSCOPE_HD void add_lanes(const Step& step, int64_t row, const KeySpan& keys, const uint32_t* p,
                           int64_t from, int64_t to, int64_t width, std::span<uint32_t> sums) {
  std::array<uint32_t, RecordRow::room> before;
  std::array<uint32_t, RecordRow::room> after;
  RecordRow records;
  const uint32_t* const x = p + from;
  // The columns [begin, end), counted from `from`.
  const auto add_columns = [&](int64_t begin, int64_t end) {
    in_blocks(std::max<int64_t>(end - begin, 0), [&](int64_t offset, int64_t length) {
      const int64_t first = begin + offset;
      const auto count = static_cast<size_t>(length);
      const Row32 added(x + first, count);
      const auto old = std::span(before).first(count);
      const auto left = std::span(after).first(count);
      sum_lanes(sums, x, {width, first, first + length}, old.data(), left.data());
      records.resize(count);
      if (!record_sums(old, added, left, records)) {
        close(step, {row, keys.first + from + first, length}, records, left, [&](size_t i) {
          return add(step.operand(old[i]), step.operand(added[i]), step.mode());
        });
      }
      step.report_row(row, keys.first + from + first, left.data(), records);
    });
  };
  const int64_t begin = std::max<int64_t>(keys.begin - from, 0);
  const int64_t end = std::min(to, keys.end) - from;
  const int64_t all_lanes = width * static_cast<int64_t>(sums.size());
  for (int64_t group = 0; group < all_lanes; group += width) {
    add_columns(std::max(group + 1, begin), std::min(group + width, end));
  }
  add_columns(std::max(all_lanes, begin), end);
}

// The columns [from, to) of the tile added to their lanes.
template <class Sink>
ULPSCOPE_STEP void add_columns(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                               const uint32_t* p, int64_t from, int64_t to,
                               FirstAddition first_addition, uint32_t factor,
                               std::span<uint32_t> sums) {
  const int64_t lanes = machine.plan().recipe->row_sum.lanes;
  const int64_t width = machine.plan().recipe->row_sum.columns;
  machine.at(Site::row_sum, [&](auto step) {
    const auto r = step.operand(factor);
    for (int64_t t = 0; t < lanes; ++t) {
      uint32_t& sum = sums[static_cast<size_t>(t)];
      const int64_t start = from + width * t;
      if (start >= to) continue;
      // A lane that begins behind the last key is entered there.
      const int64_t real = keys.hidden + keys.end - keys.begin;
      const int64_t column = keys.first + std::min(start, real - 1);
      switch (first_addition) {
        case FirstAddition::taken: sum = p[start]; break;
        case FirstAddition::added:
          sum = step(row, column, add(step.operand(sum), step.operand(p[start]), step.mode()));
          break;
        case FirstAddition::fused:
          sum = step(row, column, fma(step.operand(sum), r, step.operand(p[start]), step.mode()));
          break;
      }
      if constexpr (sums_lanes_at_once<decltype(step)>) continue;
      if constexpr (decltype(step)::by_host && decltype(step)::flush == Flush::none) {
        // The lane's first column is taken; of its group the others are left.
        const int64_t rest = std::max(start + 1, keys.begin);
        const int64_t end = std::min(to, keys.end);
        sum = sum_columns(sum, p, {start, width, width * lanes, rest, end});
        continue;
      }
      for (int64_t group = start; group < to; group += width * lanes) {
        const int64_t first = std::max(group == start ? start + 1 : group, keys.begin);
        const int64_t end = std::min({group + width, to, keys.end});
        for (int64_t c = first; c < end; ++c) {
          sum = step(row, keys.first + c, add(step.operand(sum), step.operand(p[c]), step.mode()));
        }
      }
    }
    if constexpr (sums_lanes_at_once<decltype(step)>) {
      add_lanes(step, row, keys, p, from, to, width, sums.first(static_cast<size_t>(lanes)));
    }
  });
}

// old r + addend, rounded once.
template <class Sink>
ULPSCOPE_STEP uint32_t carried(const Machine<Sink>& machine, int64_t row, uint32_t old,
                               uint32_t factor, uint32_t addend) {
  constexpr Site site = Site::row_sum;
  return machine.one(site, row,
                     fma(machine.operand(site, old), machine.operand(site, factor),
                         machine.operand(site, addend), machine.mode(site)));
}

// A tile's sum, not below the least.
template <class Sink>
ULPSCOPE_HD uint32_t lifted(const Machine<Sink>& machine, uint32_t sum) {
  const uint32_t least = machine.plan().maximum.tile_least;
  return least == 0 ? sum : fmaximum(sum, least);
}

// The tile's lanes, neighbours in order, then joined; not below the least.
template <class Sink>
ULPSCOPE_STEP uint32_t sum_of_tile(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                                   const uint32_t* p) {
  constexpr Site site = Site::row_sum;
  const RowSum& order = machine.plan().recipe->row_sum;
  std::array<uint32_t, most_tile_lanes> lanes{};
  add_columns(machine, row, keys, p, 0, keys.count, FirstAddition::taken, one32, lanes);
  const int count = order.lanes / order.neighbours;
  machine.at(site, [&](auto step) {
    for (int t = 0; t < count; ++t) {
      uint32_t sum = lanes[static_cast<size_t>(t * order.neighbours)];
      for (int n = 1; n < order.neighbours; ++n) {
        const uint32_t next = lanes[static_cast<size_t>(t * order.neighbours + n)];
        sum = step(row, 0, add(step.operand(sum), step.operand(next), step.mode()));
      }
      lanes[static_cast<size_t>(t)] = sum;
    }
  });
  const uint32_t sum = joined_lanes(machine, row, site, order.join, lanes.data(), count);
  return lifted(machine, sum);
}

}  // namespace detail

// Adds a tile's P to the sums carried in `state`; `rescaled` says whether r counts.
template <class Sink>
ULPSCOPE_HD void add_to_row_sum(const Machine<Sink>& machine, int64_t row, const KeySpan& keys,
                                const uint32_t* p, uint32_t factor, bool rescaled,
                                RowState& state) {
  using detail::FirstAddition;
  const RowSum& order = machine.plan().recipe->row_sum;
  uint32_t& l = state.lane_sums[0];
  LaneSums tile{};
  switch (order.carry) {
    case Carry::first_addition:
      detail::add_columns(machine, row, keys, p, 0, keys.count,
                          state.fresh ? FirstAddition::taken : FirstAddition::fused, factor,
                          state.lane_sums);
      break;
    case Carry::lane_sums:
      detail::add_columns(machine, row, keys, p, 0, keys.count, FirstAddition::taken, factor, tile);
      for (size_t t = 0; t < static_cast<size_t>(order.lanes); ++t) {
        uint32_t& lane = state.lane_sums[t];
        lane = state.fresh ? tile[t] : detail::carried(machine, row, lane, factor, tile[t]);
      }
      break;
    case Carry::tile_sum: {
      detail::add_columns(machine, row, keys, p, 0, keys.count, FirstAddition::taken, factor, tile);
      const uint32_t sum = detail::lifted(
          machine, joined_lanes(machine, row, Site::row_sum, order.join, tile.data(), order.lanes));
      l = state.fresh ? sum : detail::carried(machine, row, l, factor, sum);
      break;
    }
    case Carry::group_sums: {
      constexpr Site site = Site::row_sum;
      constexpr int64_t group = 32;
      if (rescaled) {
        l = machine.one(site, row,
                        multiply(machine.operand(site, l), machine.operand(site, factor)));
      }
      for (int64_t from = 0; from < keys.count; from += group) {
        tile = {};
        detail::add_columns(machine, row, keys, p, from, std::min(from + group, keys.count),
                            FirstAddition::added, factor, tile);
        const uint32_t sum = joined_lanes(machine, row, site, order.join, tile.data(), order.lanes);
        l = machine.one(
            site, row,
            add(machine.operand(site, l), machine.operand(site, sum), machine.mode(site)));
      }
      break;
    }
    case Carry::separate: {
      constexpr Site site = Site::row_sum;
      const uint32_t sum = detail::sum_of_tile(machine, row, keys, p);
      const uint32_t old =
          machine.one(site, row, multiply(machine.operand(site, l), machine.operand(site, factor)));
      l = machine.one(
          site, row,
          add(machine.operand(site, old), machine.operand(site, sum), machine.mode(site)));
      break;
    }
  }
}

// l rounded to the format that it has in memory.
template <class Sink>
ULPSCOPE_HD uint32_t kept_row_sum(const Machine<Sink>& machine, int64_t row, uint32_t sum) {
  return machine.one(Site::row_sum_keep, row, machine.operand(Site::row_sum_keep, sum));
}

// l of the row.
template <class Sink>
ULPSCOPE_HD uint32_t row_sum_of(const Machine<Sink>& machine, int64_t row, RowState state) {
  const RowSum& order = machine.plan().recipe->row_sum;
  switch (order.carry) {
    case Carry::first_addition:
    case Carry::lane_sums:
      return joined_lanes(machine, row, Site::row_sum, order.join, state.lane_sums.data(),
                          order.lanes);
    case Carry::tile_sum:
    case Carry::group_sums:
    case Carry::separate: break;
  }
  return state.lane_sums[0];
}

}  // namespace ulpscope
