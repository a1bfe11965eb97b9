#include "ulpscope/compare/forward_check.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/round/names.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>

#include <fmt/format.h>

namespace ulpscope {

namespace {

// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t word() {
    uint64_t x = state_ += 0x9E37'79B9'7F4A'7C15;
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
  }
  int64_t below(int64_t end) { return static_cast<int64_t>(word() % static_cast<uint64_t>(end)); }
  bool one_in(int64_t n) { return below(n) == 0; }
  double uniform() { return static_cast<double>(word() >> 11) * 0x1p-53; }
  // A sum of four: bell-shaped, variance 1.
  double bell() { return (uniform() + uniform() + uniform() + uniform() - 2) * std::sqrt(3.0); }
  template <class List>
  const auto& of(const List& list) {
    return list[static_cast<size_t>(below(static_cast<int64_t>(std::size(list))))];
  }

 private:
  uint64_t state_;
};

uint32_t code_of_number(const Format& f, double x) {
  const auto exact = decode<uint128>(fp64, bit_cast<uint64_t>(x));
  return static_cast<uint32_t>(round_pack(f, exact, nearest_even).bits);
}

// A plan with what it looks into.
struct Drawn {
  std::vector<uint16_t> q, k, v;
  std::vector<uint32_t> slopes, bias;
  std::string text;
  std::optional<Plan> plan = {};
};

std::vector<uint16_t> draw_codes(Random& random, const Format& f, int64_t count, int spread) {
  std::vector<uint16_t> codes(static_cast<size_t>(count));
  for (auto& code : codes) {
    const auto n = static_cast<int>(random.below(2 * spread + 1)) - spread;
    code = static_cast<uint16_t>(code_of_number(f, std::ldexp(1.5 * random.bell(), n)));
  }
  if (random.one_in(6)) {
    const int bits = width(f);
    for (int64_t hits = 1 + random.below(3); hits > 0; --hits) {
      const auto any = static_cast<uint16_t>(random.word() & low_mask<uint64_t>(bits));
      const auto infinity = static_cast<uint16_t>(largest_finite_bits(f) + 1);
      codes[random.word() % codes.size()] = random.one_in(2) ? any : infinity;
    }
  }
  return codes;
}

Mask draw_mask(Random& random) {
  const int64_t kind = random.below(6);
  if (kind < 2) return no_mask;
  if (kind < 5) return causal_mask;
  return {.left = random.below(80), .right = random.below(3) * 20};
}

void draw_terms(Random& random, const Recipe& recipe, Problem& p, Drawn& drawn) {
  const auto heads = p.batch * p.heads;
  for (const ScoreTerm term : recipe.score_terms) {
    if (!random.one_in(5)) continue;
    drawn.text += fmt::format(" {}", name_of(term));
    switch (term) {
      case ScoreTerm::soft_cap: p.terms.cap = code_of_number(fp32, 5.0); break;
      case ScoreTerm::alibi:
        for (int64_t i = 0; i < heads; ++i) {
          drawn.slopes.push_back(code_of_number(fp32, random.uniform()));
        }
        p.terms.slopes = drawn.slopes;
        break;
      case ScoreTerm::bias:
        p.terms.bias.sizes = {1, random.one_in(2) ? p.heads : 1, p.rows, p.keys};
        for (int64_t i = 0; i < p.terms.bias.sizes[1] * p.rows * p.keys; ++i) {
          drawn.bias.push_back(random.one_in(50) ? 0xFF80'0000
                                                 : code_of_number(fp32, random.bell()));
        }
        p.terms.bias.values = drawn.bias;
        break;
    }
  }
}

std::vector<SiteOverride> draw_casts(Random& random, Drawn& drawn) {
  constexpr std::array formats{"bf16", "fp16", "e4m3fn", "e5m2", "fp32"};
  constexpr std::array modes{"rne", "rz", "ru", "rd", "rna", "sr16", "sr7", "rne:sat"};
  std::vector<SiteOverride> casts;
  for (int64_t n = random.below(4); n > 0; --n) {
    const std::string text = fmt::format("{}={}:{}", random.of(forward_sites()).name,
                                         random.of(formats), random.of(modes));
    drawn.text += " " + text;
    casts.push_back(parse_override(text));
  }
  return casts;
}

// Chips that multiply the format.
const Chip* draw_chip(Random& random, const Format& format) {
  std::vector<const Chip*> takers;
  for (const Chip& chip : chips) {
    for (const MatrixUnit& unit : chip.units) {
      if (unit.sum.terms > 0 && unit.input == format) takers.push_back(&chip);
    }
  }
  return takers.empty() ? nullptr : random.of(takers);
}

void draw(Random& random, const Recipe& recipe, Drawn& drawn) {
  constexpr std::array dims{8, 16, 24, 32, 40, 64, 72, 96, 128, 136, 192, 256};
  constexpr std::array common{bf16, fp16};
  Problem p;
  p.batch = 1 + random.below(2);
  p.kv_heads = 1 + random.below(2);
  p.heads = p.kv_heads * (1 + random.below(3));
  p.rows = random.one_in(6) ? 1 : 1 + random.below(200);
  p.keys = 1 + random.below(500);
  p.dim = random.of(dims);
  p.format = recipe.formats.empty() ? random.of(common) : random.of(recipe.formats);
  p.mask = draw_mask(random);
  p.scale = default_scale(p.dim);
  constexpr int64_t so_many_that_none_split = 100'000;
  p.launch = {.batch = p.batch, .heads = random.one_in(3) ? p.heads : so_many_that_none_split};
  const Chip* const chip = draw_chip(random, p.format);
  if (chip == nullptr) return;
  const int spread = random.one_in(4) ? 20 : 0;
  drawn.q = draw_codes(random, p.format, p.batch * p.heads * p.rows * p.dim, spread);
  drawn.k = draw_codes(random, p.format, p.batch * p.kv_heads * p.keys * p.dim, spread);
  drawn.v = draw_codes(random, p.format, p.batch * p.kv_heads * p.keys * p.dim, spread);
  p.q = drawn.q;
  p.k = drawn.k;
  p.v = drawn.v;
  drawn.text = fmt::format("{}@{} {} batch {} heads {}/{} rows {} keys {} dim {} mask {},{}",
                           recipe.name, chip->name, format_name(p.format), p.batch, p.heads,
                           p.kv_heads, p.rows, p.keys, p.dim, p.mask.left, p.mask.right);
  draw_terms(random, recipe, p, drawn);
  const auto casts = draw_casts(random, drawn);
  const uint64_t seed = random.word();
  try {
    drawn.plan = make_plan(recipe, *chip, p, casts);
    drawn.plan->seed = seed;
  } catch (const Error&) {
    drawn.plan.reset();  // what the kernel does not take
  }
}

// Whether the kernel has sums that no hardware makes, which no other engine is asked for.
bool has_exact_sites(const Recipe& recipe) {
  const PrecisionMap map = precision_map(recipe, bf16);
  return std::any_of(forward_sites().begin(), forward_sites().end(),
                     [&](const SiteRow& row) { return map[row.site].source == Source::exact; });
}

using Tiles = std::map<std::tuple<int64_t, int64_t, int64_t>, TileOutput>;

class Keeper : public HeadObserver {
 public:
  Keeper(Tiles& tiles, std::mutex& mutex) : tiles_(tiles), mutex_(mutex) {}
  void tile(const TileRows& rows, const TileOutput& output) override {
    const std::lock_guard lock(mutex_);
    tiles_.emplace(std::tuple{rows.batch, rows.head, rows.first}, output);
  }

 private:
  Tiles& tiles_;
  std::mutex& mutex_;
};

Tiles tiles_of(const ForwardEngine& engine, const Plan& plan, int threads) {
  Tiles tiles;
  std::mutex mutex;
  engine(plan, {.threads = threads, .logging = Logging::off, .observe = [&](int64_t, int64_t) {
                  return std::make_unique<Keeper>(tiles, mutex);
                }});
  return tiles;
}

uint64_t differences(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  uint64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += a[i] != b[i];
  return count;
}

void compare(const Tiles& host, const Tiles& engine, ForwardCheck& check) {
  constexpr std::array outputs{&TileOutput::o, &TileOutput::lse, &TileOutput::base2};
  const TileOutput none{};
  for (const auto& [place, expected] : host) {
    const auto found = engine.find(place);
    for (const auto output : outputs) {
      const auto& values = expected.*output;
      check.elements += values.size();
      check.differences +=
          differences(values, (found == engine.end() ? none : found->second).*output);
    }
  }
}

}  // namespace

std::vector<ForwardCheck> check_forward(const ForwardEngine& engine,
                                        const ForwardCheckOptions& options) {
  std::vector<const Recipe*> kernels;
  std::vector<ForwardCheck> checks;
  for (const Recipe* recipe : recipes()) {
    if (recipe->engine != Engine::tiled || recipe->only || has_exact_sites(*recipe)) continue;
    kernels.push_back(recipe);
    checks.push_back({.kernel = std::string(recipe->name)});
  }
  Random random(options.seed);
  for (uint64_t done = 0; done < options.problems;) {
    if (options.stop != nullptr && *options.stop) break;
    const size_t kernel = done % kernels.size();
    Drawn drawn;
    draw(random, *kernels[kernel], drawn);
    if (!drawn.plan) continue;
    ForwardCheck& check = checks[kernel];
    const uint64_t before = check.differences;
    compare(tiles_of(run_forward, *drawn.plan, options.threads),
            tiles_of(engine, *drawn.plan, options.threads), check);
    check.problems += 1;
    done += 1;
    if (before == 0 && check.differences > 0) check.first = drawn.text;
  }
  return checks;
}

}  // namespace ulpscope
