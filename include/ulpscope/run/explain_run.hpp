// Why an output is biased, and what helps: behind a run of attention that was judged, the
// attribution (attribute_run.hpp) and the treatments (mitigate_run.hpp) of the same kernel on the
// same problem, and both in a sentence a tensor.
//
//   explained(options, summary)       adds to the summary
//     verdict.causes   "O is biased by +0.1655 +- 0.0099 ulp (z +16.7) in head 0,8; cause:
//                       output_store, which brings ..."
//     attribution      the build-up of the tensors that are called biased, as `attribute` has it,
//                      and of delta, where it is biased and a gradient is
//     cures            what each treatment leaves of O's bias, if O is called
//
// Where nothing is called biased nothing more is computed: the one sentence says that nobody is
// accused. Of a tensor with several heads the part (a head, or the whole) speaks whose bias is the
// largest. A treatment removes a bias where nothing is called any more, in any head; what is called
// and yet no more than a twentieth of what was there is a rest.
//
// Limits: all heads are in memory at once; three passes a step, so some hundred passes. The
// treatments are of O alone; of a gradient the remedy is the step that leaves least when made
// exact. Tested by tests/run/explain_run_test.cpp.
#pragma once

#include "ulpscope/run/attention_run.hpp"

#include <filesystem>
#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

// Error of kind usage if the options ask for an explanation of what will not be judged.
void require_explicable(const AttentionOptions& options);

// As it is where no explanation is asked for or it has one; nothing if it was stopped.
std::optional<nlohmann::json> explained(const AttentionOptions& options, nlohmann::json summary);

// The same of a finished run, whose report in `folder` is then written anew.
std::optional<nlohmann::json> explained_later(const AttentionOptions& options,
                                              const std::filesystem::path& folder,
                                              const nlohmann::json& summary);

}  // namespace ulpscope
