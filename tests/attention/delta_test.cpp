// delta in every order that a kernel takes, against formulas of the specifications written out over
// Soft<fp32>: it is a sum of few terms, so each order can be spelled as an expression.
#include "ulpscope/attention/delta.hpp"

#include "ulpscope/attention/recipes/backward.hpp"

#include <cmath>
#include <string>

#include "attention/problems.hpp"
#include <doctest/doctest.h>

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

using Register = Soft<fp32>;
using Lanes = std::vector<Register>;

constexpr std::array all_sums{DeltaSum::second_product_first, DeltaSum::fused, DeltaSum::products,
                              DeltaSum::pairs_of_products};
constexpr std::array both_joins{Butterfly::far_first, Butterfly::near_first};

struct Row {
  Lanes dout, o;  // padded with zeros
};

Row random_row(Random& random, const Format& f, int64_t dim, int spread) {
  const auto registers = [&] {
    Lanes row;
    for (const uint16_t code : random_codes(random, f, dim, 1.0, spread)) {
      row.push_back(Register::from_bits(detail::widened(f, code)));
    }
    return row;
  };
  return {registers(), registers()};
}

// ---- What the specifications say --------------------------------------------------------------

// The columns of lane t, in its order: `columns` of them in each page.
Row columns_of(const Row& row, const DeltaLayout& layout, int t) {
  const auto dim = static_cast<int64_t>(row.o.size());
  Row mine;
  for (int64_t page = 0; page * layout.lanes * layout.columns < dim; ++page) {
    for (int64_t c = 0; c < layout.columns; ++c) {
      const int64_t d = (page * layout.lanes + t) * layout.columns + c;
      mine.dout.push_back(d < dim ? row.dout[static_cast<size_t>(d)] : Register{});
      mine.o.push_back(d < dim ? row.o[static_cast<size_t>(d)] : Register{});
    }
  }
  return mine;
}

Register lane_sum(const Row& lane, DeltaSum order) {
  const auto& x = lane.dout;
  const auto& y = lane.o;
  Register a{};
  switch (order) {
    case DeltaSum::second_product_first:
      a = fma(x[0], y[0], x[1] * y[1]);
      for (size_t n = 2; n < x.size(); ++n) a = fma(x[n], y[n], a);
      return a;
    case DeltaSum::fused:
      for (size_t n = 0; n < x.size(); ++n) a = fma(x[n], y[n], a);
      return a;
    case DeltaSum::products:
      a = x[0] * y[0];
      for (size_t n = 1; n < x.size(); ++n) a += x[n] * y[n];
      return a;
    case DeltaSum::pairs_of_products:
      a = x[0] * y[0] + x[1] * y[1];
      for (size_t n = 2; n < x.size(); n += 2) a += x[n] * y[n] + x[n + 1] * y[n + 1];
      return a;
  }
  return a;
}

Register join_far(const Lanes& a, size_t first, size_t count) {
  const auto at = [&](size_t t) { return a[first + t]; };
  if (count == 2) return at(0) + at(1);
  if (count == 4) return (at(0) + at(2)) + (at(1) + at(3));
  if (count == 8) return ((at(0) + at(4)) + (at(2) + at(6))) + ((at(1) + at(5)) + (at(3) + at(7)));
  Lanes half;
  for (size_t t = 0; t < count / 2; ++t) half.push_back(at(t) + at(t + count / 2));
  return join_far(half, 0, half.size());
}
Register join_near(const Lanes& a, size_t first, size_t count) {
  if (count == 1) return a[first];
  return join_near(a, first, count / 2) + join_near(a, first + count / 2, count / 2);
}
Register join(const Lanes& a, Butterfly order) {
  const auto warp = [&](size_t first) {
    const size_t count = std::min<size_t>(a.size(), 32);
    return order == Butterfly::far_first ? join_far(a, first, count) : join_near(a, first, count);
  };
  Register sum = warp(0);
  for (size_t first = 32; first < a.size(); first += 32) sum += warp(first);
  return sum;
}

Register delta_of(const Row& row, const DeltaLayout& layout, DeltaSum sum, Butterfly order) {
  Lanes lanes;
  for (int t = 0; t < layout.lanes; ++t) lanes.push_back(lane_sum(columns_of(row, layout, t), sum));
  return join(lanes, order);
}

// ---- What the pass computes -------------------------------------------------------------------

template <class Sink>
uint32_t simulated(Sink& sink, const DeltaLayout& layout, DeltaSum sum, Butterfly order,
                   const Row& row) {
  const auto owned = random_problem(1, {.rows = 1, .keys = 1, .dim = 1});
  const Plan plan = plan_of(owned);
  const Machine<Sink> machine(plan, sink);
  std::vector<uint32_t> dout;
  std::vector<uint32_t> o;
  for (const Register x : row.dout) dout.push_back(x.bits());
  for (const Register y : row.o) o.push_back(y.bits());
  return delta_of_row(machine, {.layouts = {}, .tuned = {}, .sum = sum, .join = order}, layout, 0,
                      static_cast<int64_t>(o.size()), dout.data(), o.data());
}
uint32_t simulated(const DeltaLayout& layout, DeltaSum sum, Butterfly order, const Row& row) {
  NullSink sink;
  return simulated(sink, layout, sum, order, row);
}

// Every layout that a kernel has, and two warps.
std::vector<DeltaLayout> all_layouts() {
  std::vector<DeltaLayout> layouts{{.largest_dim = 128, .lanes = 64, .columns = 2},
                                   {.largest_dim = 512, .lanes = 128, .columns = 4}};
  for (const BackwardRules* rules :
       {&fa2_backward, &memeff_backward, &cudnn_backward, &flex_backward}) {
    const auto own = rules->delta.layouts;
    layouts.insert(layouts.end(), own.begin(), own.end());
  }
  return layouts;
}

}  // namespace

TEST_CASE("delta is summed in every order as the specifications write it") {
  Random random(1);
  for (const DeltaLayout& layout : all_layouts()) {
    CAPTURE(layout.lanes);
    CAPTURE(layout.columns);
    const int64_t page = int64_t{layout.lanes} * layout.columns;
    for (const int64_t dim : {int64_t{1}, page - 3, page, page + 5, 2 * page + layout.columns}) {
      CAPTURE(dim);
      const Row row = random_row(random, dim % 2 == 0 ? bf16 : fp16, dim, 3);
      for (const DeltaSum sum : all_sums) {
        for (const Butterfly order : both_joins) {
          CHECK(simulated(layout, sum, order, row) == delta_of(row, layout, sum, order).bits());
        }
      }
    }
  }
}

TEST_CASE("eight lanes join as ((a0+a4)+(a2+a6))+((a1+a5)+(a3+a7)), or neighbours first") {
  // Lane t holds one product; 2^24 swallows a 1 that is added to it alone.
  const auto lanes = [](std::array<double, 8> values) {
    Row row;
    for (const double x : values) {
      row.dout.push_back(Register(x));
      row.o.push_back(Register(1.0));
    }
    return row;
  };
  constexpr DeltaLayout layout{.largest_dim = 8, .lanes = 8, .columns = 1};
  const auto far = [&](const Row& row) {
    return simulated(layout, DeltaSum::products, Butterfly::far_first, row);
  };
  const auto near = [&](const Row& row) {
    return simulated(layout, DeltaSum::products, Butterfly::near_first, row);
  };
  const Row four_apart = lanes({0x1p24, 1, 0, 0, 0, 1, 0, 0});
  CHECK(far(four_apart) == Register(0x1p24 + 2).bits());  // a1 + a5 = 2 in time
  CHECK(near(four_apart) == Register(0x1p24).bits());     // each 1 lost alone
  const Row neighbours = lanes({0x1p24, 0, 0, 0, 1, 1, 0, 0});
  CHECK(far(neighbours) == Register(0x1p24).bits());
  CHECK(near(neighbours) == Register(0x1p24 + 2).bits());
}

TEST_CASE("each order leaves its mark") {
  Random random(2);
  constexpr DeltaLayout layout{.largest_dim = 128, .lanes = 8, .columns = 8};
  int joins_differ = 0;
  int pairs_differ = 0;
  int layouts_differ = 0;
  constexpr DeltaLayout other{.largest_dim = 128, .lanes = 16, .columns = 8};
  for (int turn = 0; turn < 100; ++turn) {
    const Row row = random_row(random, bf16, 128, 3);
    const uint32_t far = simulated(layout, DeltaSum::fused, Butterfly::far_first, row);
    joins_differ += far != simulated(layout, DeltaSum::fused, Butterfly::near_first, row);
    pairs_differ +=
        far != simulated(layout, DeltaSum::pairs_of_products, Butterfly::far_first, row);
    layouts_differ += far != simulated(other, DeltaSum::fused, Butterfly::far_first, row);
  }
  CHECK(joins_differ > 10);
  CHECK(pairs_differ > 10);
  CHECK(layouts_differ > 10);
}

TEST_CASE("products below binary32's smallest numbers tell a fused sum from a rounded product") {
  // 2^-75 squared is half the smallest number, (1 + 2^-7) 2^-75 squared a little more than half.
  const auto tiny = Register((1 + 0x1p-7) * 0x1p-75);
  constexpr DeltaLayout layout{.largest_dim = 4, .lanes = 2, .columns = 2};
  const auto at = [&](DeltaSum sum, const Row& row) {
    return simulated(layout, sum, Butterfly::far_first, row);
  };
  const auto half = Register(0x1p-75);
  const Row row{{half, tiny, Register{}, Register{}}, {half, tiny, Register{}, Register{}}};
  CHECK(at(DeltaSum::products, row) == 1);              // RN(2^-150) = 0, then 2^-149
  CHECK(at(DeltaSum::pairs_of_products, row) == 1);     // the same
  CHECK(at(DeltaSum::second_product_first, row) == 2);  // 2^-150 + 2^-149, a tie to even
  CHECK(at(DeltaSum::fused, row) == 1);                 // RN(x0 y0) = 0, then 1.02 2^-150

  Random random(3);
  int differ = 0;
  for (int turn = 0; turn < 50; ++turn) {
    Row small = random_row(random, bf16, 64, 4);
    for (Register& x : small.dout) x *= Register(0x1p-72);
    for (Register& y : small.o) y *= Register(0x1p-74);
    constexpr DeltaLayout eight{.largest_dim = 64, .lanes = 8, .columns = 8};
    for (const DeltaSum sum : all_sums) {
      CHECK(simulated(eight, sum, Butterfly::far_first, small) ==
            delta_of(small, eight, sum, Butterfly::far_first).bits());
    }
    differ += simulated(eight, DeltaSum::fused, Butterfly::far_first, small) !=
              simulated(eight, DeltaSum::products, Butterfly::far_first, small);
  }
  CHECK(differ > 0);
}

TEST_CASE("infinities and NaN reach delta") {
  constexpr DeltaLayout layout{.largest_dim = 16, .lanes = 2, .columns = 8};
  Random random(4);
  const Row row = random_row(random, bf16, 16, 0);
  for (const DeltaSum sum : all_sums) {
    for (size_t at = 0; at < 16; ++at) {
      Row changed = row;
      changed.dout[at] = Register::from_bits(0x7F80'0000);
      changed.o[at] = Register(-2.0);
      CHECK(simulated(layout, sum, Butterfly::near_first, changed) == 0xFF80'0000);
      changed.o[at] = Register{};
      CHECK(simulated(layout, sum, Butterfly::near_first, changed) == gpu_nan);
    }
  }
}

TEST_CASE("every addition of delta is written down once") {
  // 64 lanes of 2 columns: products and their sums in the lanes, then 63 additions join them.
  Random random(5);
  const Row row = random_row(random, bf16, 128, 0);
  struct Case {
    DeltaSum sum;
    uint64_t in_lanes;
  };
  for (const auto& [sum, in_lanes] :
       {Case{DeltaSum::second_product_first, 2}, Case{DeltaSum::fused, 2},
        Case{DeltaSum::products, 3}, Case{DeltaSum::pairs_of_products, 3}}) {
    for (const Butterfly order : both_joins) {
      TileLog log(1, 1, 128);
      simulated(log, {.largest_dim = 128, .lanes = 64, .columns = 2}, sum, order, row);
      HeadLog head;
      head.take(log);
      SiteStatistics sites{};
      head.fold_into(sites);
      CHECK(sites[index(Site::delta)].moments.count == 64 * in_lanes + 63);
    }
  }
}
