// What the tests of `identify` on recorded problems share: a recorded tensor in, names out; and
// tensors that a kernel with one site changed would have made.
#pragma once

#include "ulpscope/attention/plan.hpp"
#include "ulpscope/compare/identify.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "captured/recorded.hpp"

namespace ulpscope {

// The names of the kernels on the H200 that give every bit of the recorded tensor. With tests that
// none of the candidates is a changed kernel.
std::set<std::string> kernels_of(const Recorded& recorded, const std::string& prefix,
                                 Output output);

// One output of a kernel with one site rounded otherwise ("ds_cast=bf16:rz"), or nothing if that
// does not change a bit of it.
std::optional<Observation> made_with(const Recorded& recorded, const Recipe& recipe,
                                     std::string_view change, Output output);

}  // namespace ulpscope
