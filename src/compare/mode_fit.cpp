#include "ulpscope/compare/mode_fit.hpp"

#include "ulpscope/round/operand.hpp"
#include "ulpscope/round/round_pack.hpp"

#include <algorithm>

namespace ulpscope {

namespace {

constexpr std::array all_flushes{Flush::none, Flush::inputs, Flush::outputs, Flush::both};
constexpr std::array all_overflows{Overflow::standard, Overflow::infinity, Overflow::nan,
                                   Overflow::saturate_finite, Overflow::saturate};
static_assert(all_flushes.size() == ModeFitTally::flushes);
static_assert(all_overflows.size() == ModeFitTally::overflows);

constexpr size_t policies = all_flushes.size() * all_overflows.size();

constexpr size_t mode_of(size_t candidate) { return candidate / policies; }

constexpr Rounding rounding_of(size_t candidate) {
  const size_t policy = candidate % policies;
  return {.mode = mode_names[mode_of(candidate)].mode,
          .policy = {.overflow = all_overflows[policy / all_flushes.size()],
                     .flush = all_flushes[policy % all_flushes.size()]}};
}

// Whether everything that a's policy changes is changed by b's too.
bool is_plainer(const Policy& a, const Policy& b) {
  const bool overflow = a.overflow == Overflow::standard || a.overflow == b.overflow;
  const bool flush = a.flush == Flush::none || a.flush == b.flush || b.flush == Flush::both;
  return overflow && flush && !(a == b);
}

// Those that no other one of the same mode is plainer than.
std::vector<Rounding> plainest(const std::vector<Rounding>& roundings) {
  std::vector<Rounding> result;
  for (const auto& r : roundings) {
    const bool outdone = std::any_of(roundings.begin(), roundings.end(), [&](const auto& other) {
      return other.mode == r.mode && is_plainer(other.policy, r.policy);
    });
    if (!outdone) result.push_back(r);
  }
  return result;
}

}  // namespace

template <size_t N>
Partition<N>::Partition() : first_like_{} {}

template <size_t N>
bool Partition<N>::refine(const std::array<uint64_t, N>& outputs) {
  if (std::all_of(outputs.begin(), outputs.end(), [&](auto x) { return x == outputs[0]; })) {
    return true;
  }
  const auto before = first_like_;
  for (size_t i = 0; i < N; ++i) {
    size_t like = before[i];
    while (before[like] != before[i] || outputs[like] != outputs[i]) ++like;
    first_like_[i] = like;
  }
  return false;
}

template <size_t N>
void Partition<N>::meet(const Partition& other) {
  refine(other.first_like_);
}

template class Partition<ModeFitTally::modes>;
template class Partition<ModeFitTally::candidates>;

bool ModeFitTally::explains(uint64_t bits, uint64_t observed) const {
  return bits == observed || (is_nan(to_, bits) && is_nan(to_, observed));
}

// A value within the normal numbers, where no policy has a say. Where its neighbours are one and
// the same it is exact, and all modes agree.
void ModeFitTally::add_by_mode(const Neighbours& neighbours, const Exact<uint128>& x,
                               uint64_t observed) {
  std::array<uint64_t, modes> outputs;
  outputs.fill(neighbours.toward_zero);
  if (neighbours.toward_zero != neighbours.away) {
    for (size_t m = 0; m < modes; ++m) {
      outputs[m] = round_pack(to_, x, {.mode = mode_names[m].mode}).bits;
    }
  }
  for (size_t m = 0; m < modes; ++m) explained_by_mode_[m] += outputs[m] == observed;
  telling_ += !by_mode_.refine(outputs);
}

void ModeFitTally::add_by_policy(uint64_t wide, uint64_t observed) {
  std::array<uint64_t, candidates> outputs;
  for (size_t c = 0; c < candidates; ++c) {
    const Rounding r = rounding_of(c);
    const uint64_t bits = round_pack(to_, operand<uint128>(from_, wide, r.policy.flush), r).bits;
    outputs[c] = is_nan(to_, bits) ? nan_bits(to_) : bits;
    explained_[c] += explains(bits, observed);
  }
  telling_ += !by_policy_.refine(outputs);
}

bool ModeFitTally::is_for_modes(uint64_t wide, const Exact<uint128>& x) const {
  if (x.kind == Kind::zero) return to_.zero != Zero::none;
  if (x.kind != Kind::finite || is_subnormal(from_, wide)) return false;
  if (x.negative && to_.sign == Sign::absent) return false;
  const auto largest = decode<uint128>(to_, largest_finite_bits(to_));
  return exponent_of(x) >= emin(to_) && exponent_of(x) < exponent_of(largest);
}

void ModeFitTally::add(uint64_t wide, uint64_t observed) {
  ++elements_;
  const auto x = decode<uint128>(from_, wide);
  const Neighbours neighbours{.toward_zero = round_pack(to_, x, toward_zero).bits,
                              .away = round_pack(to_, x, away_from_zero).bits};
  either_neighbour_ +=
      explains(neighbours.toward_zero, observed) || explains(neighbours.away, observed);
  if (is_for_modes(wide, x)) {
    add_by_mode(neighbours, x, observed);
  } else {
    add_by_policy(wide, observed);
  }
}

void ModeFitTally::merge(const ModeFitTally& other) {
  elements_ += other.elements_;
  telling_ += other.telling_;
  either_neighbour_ += other.either_neighbour_;
  for (size_t m = 0; m < modes; ++m) explained_by_mode_[m] += other.explained_by_mode_[m];
  for (size_t c = 0; c < candidates; ++c) explained_[c] += other.explained_[c];
  by_mode_.meet(other.by_mode_);
  by_policy_.meet(other.by_policy_);
}

ModeFit ModeFitTally::fit() const {
  Partition<candidates> classes = by_policy_;
  std::array<uint64_t, candidates> by_mode;
  for (size_t c = 0; c < candidates; ++c) by_mode[c] = by_mode_.first_like(mode_of(c));
  classes.refine(by_mode);
  ModeFit fit{.elements = elements_,
              .telling = telling_,
              .either_neighbour = either_neighbour_,
              .ranking = {}};
  for (size_t first = 0; first < candidates; ++first) {
    if (classes.first_like(first) != first) continue;
    std::vector<Rounding> alike;
    for (size_t c = first; c < candidates; ++c) {
      if (classes.first_like(c) == first) alike.push_back(rounding_of(c));
    }
    fit.ranking.push_back(
        {plainest(alike), explained_[first] + explained_by_mode_[mode_of(first)]});
  }
  std::stable_sort(fit.ranking.begin(), fit.ranking.end(),
                   [](const auto& a, const auto& b) { return a.explained > b.explained; });
  return fit;
}

}  // namespace ulpscope
