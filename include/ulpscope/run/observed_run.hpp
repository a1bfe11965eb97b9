// Which step of a kernel that is known made its outputs other than they should be.
//
//   run_observed({{.inputs = {.input = "case.npz"}}, {.input = "run/outputs.safetensors"},
//                 "fa2-torch@h200"})
//     -> {"schema": "ulpscope.accusation/1", "clean": false, "accused": ["probability_cast"], ...
//
// The search is that of identify (compare/identify.hpp) around the kernel that was meant. Clean:
// the kernel gives every bit of every tensor. Accused: all steps whose change alone gives every
// bit; choices and the accumulator first, then sites in the order of the computation. If no change
// does, nobody is accused, and the one that leaves least is named. A recipe that fits on another
// chip accuses the accumulator.
//
// Limits: as those of identify; changes that give the same bits cannot be told apart. Errors: as
// run_identify's; kind usage for a kernel that does not take the problem.
// Tested by tools/plant_faults.
#pragma once

#include "ulpscope/run/identify_run.hpp"

namespace ulpscope {

// `options.meant` names the kernel. Nothing if the run was stopped.
std::optional<nlohmann::json> run_observed(const IdentifyRunOptions& options);

// A line of verdict, and a table of the changes that came nearest.
std::string observed_text(const nlohmann::json& accusation);

}  // namespace ulpscope
