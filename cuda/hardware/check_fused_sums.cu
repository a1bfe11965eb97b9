// Holds the rows of the fused multi-term sum against the tensor cores.
//
// For each kind of mma.sync (bf16, f16, tf32) and of wgmma (bf16, f16, e4m3, e5m2), binary32
// accumulator: the corner vectors of fused_sum_corners.hpp, then random outputs of mma_cases.cuh,
// all judged by bits. Where a row does not fit, rows with other terms and fraction bits are tried.
// Points are the corners and some random outputs with their operands.
#include "ulpscope/base/error.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <ostream>

#include "hardware/checks.hpp"
#include "hardware/fused_sum_corners.hpp"
#include "hardware/fused_sum_sweep.cuh"
#include "support/device_buffer.hpp"

namespace ulpscope::cuda {
namespace {

std::string word(const char* format, uint32_t bits) {
  char text[32];
  std::snprintf(text, sizeof text, format, bits);
  return text;
}

template <class Mma>
void record(std::ostream& points, const Sample<Mma>& s) {
  points << Mma::name << word(",%08x", s.c) << word(",%08x", s.chip);
  for (const uint32_t code : s.a) points << word(",%x", code);
  for (const uint32_t code : s.b) points << word(",%x", code);
  points << '\n';
}

template <class Mma>
std::string described(const Sample<Mma>& s) {
  std::string text =
      word("c=%08x", s.c) + word(" chip=%08x", s.chip) + word(" model=%08x", s.model);
  for (int k = 0; k < Mma::k; ++k) text += word(" %x", s.a[k]) + word("*%x", s.b[k]);
  return text;
}

template <class Mma>
std::vector<Sample<Mma>> asked_corners(const FusedSum& row) {
  std::vector<Sample<Mma>> samples;
  for (const Corner& corner : corners<Mma::input>(Mma::k)) {
    Sample<Mma> s{};
    for (size_t k = 0; k < corner.products.size(); ++k) {
      s.a[k] = corner.products[k].a;
      s.b[k] = corner.products[k].b;
    }
    s.c = corner.c;
    samples.push_back(s);
  }
  DeviceBuffer<Sample<Mma>> buffer(samples);
  ask<Mma><<<static_cast<unsigned>(samples.size()), Mma::threads>>>(row, buffer.data());
  checked_launch("ask");
  return buffer.to_host();
}

template <class Mma>
std::vector<Sample<Mma>> samples_of(const FusedSum& row, const std::vector<Count>& outputs) {
  DeviceBuffer<Count> indices(outputs);
  DeviceBuffer<Sample<Mma>> samples(outputs.size());
  sample<Mma><<<static_cast<unsigned>(outputs.size()), Mma::threads>>>(row, indices.data(),
                                                                       samples.data());
  checked_launch("sample");
  return samples.to_host();
}

template <class Mma>
Tally swept_cases(const FusedSum& row, Count outputs) {
  const Count cases = (outputs + outputs_per_mma<Mma> - 1) / outputs_per_mma<Mma>;
  Tally start{};
  start.first = ~Count{0};
  DeviceBuffer<Tally> tally(std::vector<Tally>{start});
  sweep<Mma><<<132 * 8, block_threads>>>(row, cases, tally.data());
  checked_launch(Mma::name);
  const Tally found = tally.to_host().front();
  if (found.outputs != cases * outputs_per_mma<Mma>) {
    throw Error(ErrorKind::resource, std::string(Mma::name) + ": outputs were left out");
  }
  return found;
}

// How many corner vectors differ, and the first that does.
template <class Mma>
Count differing_corners(const std::vector<Sample<Mma>>& samples, std::string& first) {
  Count differences = 0;
  for (const Sample<Mma>& s : samples) {
    if (s.chip == s.model) continue;
    if (differences++ == 0) first = described(s);
  }
  return differences;
}

// Neighbours of a row: the instruction in one, two or four steps, a few fraction bits more or less.
// The floor lies 108 exponents below the grid's last bit in every row that is known; where the
// result is cut as short as the grid, so is the neighbour's.
template <class Mma>
std::optional<FusedSum> fitting_row(const FusedSum& row) {
  constexpr Count outputs = 10'000'000;
  constexpr int binary32_bits = 23;
  const bool cut = row.result_fraction_bits < binary32_bits;
  for (int terms = Mma::k; terms >= Mma::k / 4; terms /= 2) {
    for (const int away : {0, 1, -1, 2, -2, 3, -3}) {
      const int bits = row.fraction_bits + away;
      const FusedSum neighbour{terms, bits, cut ? row.floor_exponent : -108 - bits,
                               cut ? bits : binary32_bits};
      std::string first;
      if (differing_corners(asked_corners<Mma>(neighbour), first) > 0) continue;
      if (swept_cases<Mma>(neighbour, outputs).differences == 0) return neighbour;
    }
  }
  return std::nullopt;
}

std::string proposed(const std::optional<FusedSum>& row) {
  if (!row) return "no neighbouring row fits";
  return "fits: " + std::to_string(row->terms) + " terms, " + std::to_string(row->fraction_bits) +
         " fraction bits, floor " + std::to_string(row->floor_exponent) + ", result " +
         std::to_string(row->result_fraction_bits);
}

// The share of outputs that are no ordinary numbers: whether the random cases reach the corners.
std::string reached(const Tally& t) {
  const auto share = [&](Count part) {
    return std::to_string((part * 100 + t.outputs / 2) / t.outputs) + " % ";
  };
  return share(t.zero) + "zero, " + share(t.subnormal) + "subnormal, " + share(t.infinite) +
         "infinite, " + share(t.nan) + "NaN";
}

const FusedSum* row_of(const Chip& chip, const Format& input) {
  const auto unit = std::find_if(chip.units.begin(), chip.units.end(), [&](const MatrixUnit& u) {
    return u.input == input && u.sum.terms != 0;
  });
  return unit == chip.units.end() ? nullptr : &unit->sum;
}

// One output of each of the first cases, a different one each time.
template <class Mma>
std::vector<Count> recorded_outputs() {
  std::vector<Count> chosen;
  for (Count i = 0; i < 400; ++i) {
    chosen.push_back(i * outputs_per_mma<Mma> + i * 37 % outputs_per_mma<Mma>);
  }
  return chosen;
}

template <class Mma>
void check(const Chip& chip, Count outputs, const Report& report, std::ostream* points) {
  const FusedSum* const row = row_of(chip, Mma::input);
  if (row == nullptr) return;
  const auto asked = asked_corners<Mma>(*row);
  gpu::ModelCheck found{.model = Mma::name};
  found.differences = differing_corners(asked, found.first);
  const Tally tally = swept_cases<Mma>(*row, outputs);
  found.tried = asked.size() + tally.outputs;
  found.differences += tally.differences;
  if (tally.differences > 0 && found.first.empty()) {
    found.first = described(samples_of<Mma>(*row, {tally.first}).front());
  }
  found.remark = found.differences == 0 ? reached(tally) : proposed(fitting_row<Mma>(*row));
  report(found);
  if (points == nullptr) return;
  for (const Sample<Mma>& s : asked) record(*points, s);
  for (const Sample<Mma>& s : samples_of<Mma>(*row, recorded_outputs<Mma>())) record(*points, s);
}

template <class... Mma>
void check_all(List<Mma...>, const Chip& chip, Count outputs, const Report& report,
               std::ostream* points) {
  if (points != nullptr) *points << "instruction,c,d,a...,b...\n";
  (check<Mma>(chip, outputs, report, points), ...);
}

}  // namespace

void check_fused_sums(const Chip& chip, uint64_t outputs, const Report& report,
                      std::ostream* points) {
  check_all(List<MmaBf16, MmaF16, MmaTf32, WgmmaBf16, WgmmaF16, WgmmaE4m3, WgmmaE5m2>{}, chip,
            outputs, report, points);
}

}  // namespace ulpscope::cuda
