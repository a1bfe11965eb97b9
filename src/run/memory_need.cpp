#include "ulpscope/run/memory_need.hpp"

namespace ulpscope {

namespace {

// Bytes for every element of Q, of K, and for every query row and key.
struct Bytes {
  uint64_t query_element;
  uint64_t key_element;
  uint64_t row_or_key;
};

// Codes, decoded operands, results, the reference and what is judged of them.
constexpr Bytes unit_bytes(Passes passes) {
  switch (passes) {
    case Passes::forward: return {12, 32, 200};
    case Passes::forward_and_backward: break;
  }
  return {125, 119, 1500};
}

// Aligned operands and logs of a thread in a unit.
constexpr Bytes thread_bytes{10, 16, 200};

// The program, its libraries, and what the allocator keeps.
constexpr uint64_t fixed_bytes = uint64_t{20} << 20;

}  // namespace

MemoryNeed memory_need(const UnitSizes& sizes) {
  const auto query_rows = static_cast<uint64_t>(sizes.group * sizes.rows);
  const auto keys = static_cast<uint64_t>(sizes.keys);
  const auto dim = static_cast<uint64_t>(sizes.dim);
  const auto of = [&](const Bytes& bytes) {
    return query_rows * dim * bytes.query_element + keys * dim * bytes.key_element +
           (query_rows + keys) * bytes.row_or_key;
  };
  return {.fixed = fixed_bytes,
          .per_unit = of(unit_bytes(sizes.passes)),
          .per_thread = of(thread_bytes)};
}

}  // namespace ulpscope
