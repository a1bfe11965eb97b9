#include "ulpscope/analysis/law.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"
#include "ulpscope/round/array.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "number_stream.hpp"

namespace ulpscope {

namespace {

// Which tensor a number is of.
enum class Part : uint32_t { q, k, v, dout, levels };

// Of one tensor by their flat index.
struct Stream : NumberStream {
  Stream(uint64_t seed, Part part) : NumberStream(seed, static_cast<uint32_t>(part)) {}
};

// One tensor's numbers, rounded; value(head, row, column, flat index).
template <class Value>
std::vector<uint16_t> tensor_of(const LawShape& shape, int64_t rows, const Value& value) {
  std::vector<double> numbers(static_cast<size_t>(shape.heads * rows * shape.dim));
  size_t flat = 0;
  for (int64_t h = 0; h < shape.heads; ++h) {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t d = 0; d < shape.dim; ++d) {
        numbers[flat] = value(h, r, d, static_cast<uint64_t>(flat));
        ++flat;
      }
    }
  }
  std::vector<uint16_t> codes(numbers.size());
  round_array(std::span<const double>(numbers), shape.format, nearest_even, std::span(codes));
  return codes;
}

void check(const Law& law, const LawShape& shape) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, what); };
  for (const int64_t size : {shape.heads, shape.rows, shape.keys, shape.dim}) {
    if (size < 1) refuse("a law of size " + std::to_string(size) + ": expected 1 or more");
  }
  if (width(shape.format) > 16)
    refuse("a law's numbers are rounded to a format of 16 bits or fewer");
  if (law.kind != LawKind::ties) return;
  if (law.maxima < 1 || law.maxima > shape.keys) {
    refuse("ties with " + std::to_string(law.maxima) + " equal maxima: expected 1 to " +
           std::to_string(shape.keys) + ", the number of keys");
  }
  if (shape.dim < 2) refuse("ties need a head size of 2 or more");
}

LawTensors draw_alike(const Law& law, const LawShape& shape, auto&& number) {
  const auto tensor = [&](Part part, int64_t rows) {
    return tensor_of(
        shape, rows,
        [&, stream = Stream(law.seed, part)](int64_t, int64_t row, int64_t, uint64_t flat) {
          return number(stream, part, row, flat);
        });
  };
  return {tensor(Part::q, shape.rows), tensor(Part::k, shape.keys), tensor(Part::v, shape.keys),
          tensor(Part::dout, shape.rows)};
}

// Rows, keys and values of the law of ties.
class Ties {
 public:
  Ties(const Law& law, const LawShape& shape)
      : law_(law),
        shape_(shape),
        root_(std::sqrt(static_cast<double>(shape.dim))),
        groups_(std::min<int64_t>(64, shape.keys / law.maxima)) {}

  double query(int64_t head, int64_t row, int64_t d) const {
    const auto index = static_cast<uint64_t>(head * shape_.rows + row);
    if (d == 0) {
      return law_.level + law_.level_spread * (2 * levels_.uniform(index) - 1) - law_.gap;
    }
    const int64_t seen = std::clamp<int64_t>((row + 1) / law_.maxima, 1, groups_);
    const auto group = static_cast<int64_t>(chosen_.uniform(index) * static_cast<double>(seen));
    return law_.gap * root_ / static_cast<double>(shape_.dim - 1) * sign(head, group, d);
  }
  double key(int64_t head, int64_t row, int64_t d) const {
    if (d == 0) return root_;
    return sign(head, is_alike(row) ? row / law_.maxima : row, d);
  }
  double value(int64_t row, uint64_t flat) const {
    return (is_alike(row) ? law_.sink : 1.0) * -(1 + v_.uniform(flat));
  }
  double gradient(uint64_t flat) const { return -(1 + dout_.uniform(flat)); }

 private:
  bool is_alike(int64_t key) const { return key < groups_ * law_.maxima; }
  // Of a group, or of a key by itself: the numbers of the two do not meet.
  double sign(int64_t head, int64_t of, int64_t d) const {
    const auto index = static_cast<uint64_t>((head * shape_.keys + of) * shape_.dim + d);
    return k_.uniform(index) < 0.5 ? -1.0 : 1.0;
  }

  const Law& law_;
  const LawShape& shape_;
  double root_;
  int64_t groups_;
  Stream levels_{law_.seed, Part::levels};
  Stream chosen_{law_.seed, Part::q};
  Stream k_{law_.seed, Part::k};
  Stream v_{law_.seed, Part::v};
  Stream dout_{law_.seed, Part::dout};
};

LawTensors draw_ties(const Law& law, const LawShape& shape) {
  const Ties ties(law, shape);
  return {
      tensor_of(shape, shape.rows,
                [&](int64_t h, int64_t r, int64_t d, uint64_t) { return ties.query(h, r, d); }),
      tensor_of(shape, shape.keys,
                [&](int64_t h, int64_t r, int64_t d, uint64_t) { return ties.key(h, r, d); }),
      tensor_of(shape, shape.keys,
                [&](int64_t, int64_t r, int64_t, uint64_t flat) { return ties.value(r, flat); }),
      tensor_of(shape, shape.rows,
                [&](int64_t, int64_t, int64_t, uint64_t flat) { return ties.gradient(flat); })};
}

}  // namespace

LawKind law_named(std::string_view name) {
  std::string known;
  for (const auto& row : law_table) {
    if (row.name == name) return row.kind;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorKind::usage, "unknown law '" + std::string(name) + "': expected " + known);
}

LawTensors draw(const Law& law, const LawShape& shape) {
  const HostFpGuard guard;
  check(law, shape);
  switch (law.kind) {
    case LawKind::ties: return draw_ties(law, shape);
    case LawKind::uniform:
      return draw_alike(law, shape, [](const Stream& stream, Part, int64_t, uint64_t flat) {
        return stream.uniform(flat);
      });
    case LawKind::outliers:
      return draw_alike(law, shape,
                        [&](const Stream& stream, Part part, int64_t row, uint64_t flat) {
                          const bool scaled = (part == Part::q || part == Part::k) && row % 16 == 0;
                          return (scaled ? law.outlier : 1.0) * stream.normal(flat);
                        });
    case LawKind::normal: break;
  }
  return draw_alike(law, shape, [](const Stream& stream, Part, int64_t, uint64_t flat) {
    return stream.normal(flat);
  });
}

}  // namespace ulpscope
