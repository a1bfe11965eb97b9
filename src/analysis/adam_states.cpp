#include "ulpscope/analysis/adam_states.hpp"

#include "ulpscope/base/bits.hpp"
#include "ulpscope/base/error.hpp"
#include "ulpscope/base/host_fp.hpp"

#include <string>

#include "number_stream.hpp"

namespace ulpscope {

namespace {

// Which number of a weight; streams of their own beside those of the laws of attention problems.
enum class Part : uint32_t { gradient = 16, scale };

NumberStream stream(const AdamLaw& law, Part part) {
  return {law.seed, static_cast<uint32_t>(part)};
}

uint32_t to_binary32(double x) { return bit_cast<uint32_t>(static_cast<float>(x)); }

void check(const AdamLaw& law) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::usage, what); };
  if (law.values < 1) refuse("Adam states of " + std::to_string(law.values) + " values");
  if (law.steps < 1) refuse("Adam states after " + std::to_string(law.steps) + " steps");
  if (!(law.spread >= 0 && law.spread <= 10)) {
    refuse("Adam states with spread " + std::to_string(law.spread) + ": expected 0 to 10");
  }
}

}  // namespace

AdamStates draw_adam_states(const AdamLaw& law) {
  check(law);
  const HostFpGuard guard;
  const auto gradients = stream(law, Part::gradient);
  const auto scales = stream(law, Part::scale);
  AdamStates states;
  for (uint64_t i = 0; i < static_cast<uint64_t>(law.values); ++i) {
    const double scale = wide_exp(law.spread * scales.normal(i));
    double m = 0;
    double v = 0;
    for (uint64_t step = 0; step < static_cast<uint64_t>(law.steps); ++step) {
      const double g = scale * gradients.normal(i * static_cast<uint64_t>(law.steps) + step);
      m = law.beta1 * m + (1 - law.beta1) * g;
      v = law.beta2 * v + (1 - law.beta2) * (g * g);
    }
    states.first.push_back(to_binary32(m));
    states.second.push_back(to_binary32(v));
  }
  return states;
}

}  // namespace ulpscope
