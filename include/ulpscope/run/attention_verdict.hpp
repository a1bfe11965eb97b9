// What a run of attention found, in sentences with their numbers: which output is biased, by how
// much, in which heads and features, in rows of which kind; or that none is, and why not.
//
//   "O of paper-eager is biased: mean -0.1814 ulp (standard error 0.0084, z -21.6, 589,824
//    elements), in 9 of 9 heads"
//
// O, dQ, dK and dV are asked, as a whole and head by head; a bias is called at |z| >= 5 over at
// least 25 errors. LSE and delta are not: they are binary32 numbers that nobody stores in 16 bits,
// and a bias of theirs in their own ulps says nothing of O. The row kinds (compare/judged_run.hpp)
// say where O's error lies, not what caused it; that is run/explain_run.hpp.
//
// Tested by tests/run/attention_verdict_test.cpp.
#pragma once

#include "ulpscope/run/outline.hpp"
#include "ulpscope/run/unit_result.hpp"

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

enum class SignedBy { value, magnitude };

struct CalledBias {
  Bias bias;
  SignedBy by = SignedBy::value;
};

// "O", "dQ", "dK", "dV" for "o", ...; other names as they are.
std::string tensor_title(const std::string& name);

// By value where that is called, else by magnitude; nothing where neither is.
std::optional<CalledBias> called_bias(const ErrorStatistics& errors);

// {"status", "biased", "text", "reasons"} of a run that was judged. `site` is a sentence about the
// most one-sided site, or empty.
nlohmann::json judged_verdict(const Outline& outline, const RunTotals& totals,
                              const std::string& site);

// The errors of O in all rows, in rows with equal maxima and in those at risk, each with its share
// of the error of what is called; an empty list for a kernel without scores of its own.
nlohmann::json row_kinds_json(const Outline& outline, const RunTotals& totals);

// The heads of a tensor with their bias, and the features that err most.
nlohmann::json heads_json(const OutlineTensor& tensor, const ErrorTally& tally);

}  // namespace ulpscope
