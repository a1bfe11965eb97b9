// An attribution as JSON, with its verdicts in words.
#pragma once

#include "ulpscope/analysis/attribution.hpp"

#include <nlohmann/json_fwd.hpp>

namespace ulpscope {

nlohmann::json tensor_json(const TensorAttribution& tensor);

}  // namespace ulpscope
