#include "ulpscope/compare/sample_distance.hpp"

#include "ulpscope/base/compensated_sum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace ulpscope {

namespace {

// A bin: the numbers of one sign, exponent and ten leading bits of the significand.
constexpr int low_bits = 42;

uint64_t bin_of(uint64_t place) { return place >> low_bits; }
uint64_t edge_of(uint64_t bin) { return bin << low_bits; }

struct Bin {
  uint64_t a = 0;
  uint64_t b = 0;
  bool is_mixed = false;  // holds numbers beside its edge
};

// Bins by page, one page an exponent: samples of weights touch some forty of the 4,096.
class Bins {
 public:
  void count(Side side, uint64_t place) {
    auto& page = pages_[place >> (low_bits + page_bits)];
    if (page.empty()) page.resize(page_size);
    Bin& bin = page[bin_of(place) % page_size];
    ++(side == Side::a ? bin.a : bin.b);
    bin.is_mixed = bin.is_mixed || place != edge_of(bin_of(place));
  }
  const Bin& operator[](uint64_t bin) const { return pages_[bin / page_size][bin % page_size]; }

  // Those that hold numbers, ascending.
  std::vector<uint64_t> filled() const {
    std::vector<uint64_t> list;
    for (size_t p = 0; p < pages_.size(); ++p) {
      for (size_t i = 0; i < pages_[p].size(); ++i) {
        if (pages_[p][i].a + pages_[p][i].b > 0) list.push_back(p * page_size + i);
      }
    }
    return list;
  }

 private:
  static constexpr int page_bits = 10;
  static constexpr size_t page_size = size_t{1} << page_bits;
  std::vector<std::vector<Bin>> pages_{size_t{1} << (64 - low_bits - page_bits)};
};

// The integral, from left to right.
class Integral {
 public:
  Integral(uint64_t count_a, uint64_t count_b) : count_a_(count_a), count_b_(count_b) {}

  // Numbers at `x`, which is not below the last one.
  void add(double x, uint64_t a, uint64_t b) {
    const uint128 left = uint128{seen_a_} * count_b_;
    const uint128 right = uint128{seen_b_} * count_a_;
    const auto apart = static_cast<double>(left > right ? left - right : right - left);
    if (apart > 0) {
      const double share = apart / (static_cast<double>(count_a_) * static_cast<double>(count_b_));
      sum_.add((x - last_) * share);
    }
    last_ = x;
    seen_a_ += a;
    seen_b_ += b;
  }

  double value() const { return sum_.value(); }

 private:
  uint64_t count_a_, count_b_;
  uint64_t seen_a_ = 0, seen_b_ = 0;
  double last_ = 0;
  CompensatedSum sum_;
};

// Bins that are integrated after one walk.
using Pass = std::span<const uint64_t>;

// The places of both samples' numbers in the mixed bins of a pass, ascending.
struct Places {
  std::vector<uint64_t> a, b;
};

Places collect(const SampleWalk& walk, const Bins& bins, Pass pass) {
  Places places;
  const auto is_mixed = [&](uint64_t bin) { return bins[bin].is_mixed; };
  if (std::none_of(pass.begin(), pass.end(), is_mixed)) return places;
  walk([&](Side side, double x) {
    const uint64_t place = detail::place_of(x);
    const uint64_t bin = bin_of(place);
    if (bin < pass.front() || bin > pass.back() || !is_mixed(bin)) return;
    (side == Side::a ? places.a : places.b).push_back(place);
  });
  std::sort(places.a.begin(), places.a.end());
  std::sort(places.b.begin(), places.b.end());
  return places;
}

void integrate(Integral& integral, const Bins& bins, Pass pass, const Places& places) {
  auto a = places.a.begin();
  auto b = places.b.begin();
  for (const uint64_t bin : pass) {
    if (!bins[bin].is_mixed) {
      integral.add(detail::number_at(edge_of(bin)), bins[bin].a, bins[bin].b);
      continue;
    }
    while (true) {
      const bool has_a = a != places.a.end() && bin_of(*a) == bin;
      const bool has_b = b != places.b.end() && bin_of(*b) == bin;
      if (!has_a && !has_b) break;
      const bool takes_a = has_a && (!has_b || *a <= *b);
      integral.add(detail::number_at(takes_a ? *a++ : *b++), takes_a, !takes_a);
    }
  }
}

// As many of the bins as hold `most_sorted` numbers that must be sorted, one at least.
size_t bins_of_pass(const Bins& bins, Pass left, size_t most_sorted) {
  uint64_t sorted = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const Bin& bin = bins[left[i]];
    if (bin.is_mixed) sorted += bin.a + bin.b;
    if (sorted > most_sorted && i > 0) return i;
  }
  return left.size();
}

}  // namespace

double wasserstein_1(const SampleWalk& walk, size_t most_sorted) {
  Bins bins;
  uint64_t count_a = 0;
  uint64_t count_b = 0;
  walk([&](Side side, double x) {
    bins.count(side, detail::place_of(x));
    ++(side == Side::a ? count_a : count_b);
  });
  if (count_a == 0 || count_b == 0) return std::numeric_limits<double>::quiet_NaN();

  Integral integral(count_a, count_b);
  const std::vector<uint64_t> filled = bins.filled();
  for (Pass left = filled; !left.empty();) {
    const Pass pass = left.first(bins_of_pass(bins, left, most_sorted));
    integrate(integral, bins, pass, collect(walk, bins, pass));
    left = left.subspan(pass.size());
  }
  return integral.value();
}

}  // namespace ulpscope
