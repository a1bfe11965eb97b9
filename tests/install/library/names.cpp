// Reaches into the compiled library: text to formats and roundings, and the room that links most.
#include "ulpscope/round/names.hpp"

#include "ulpscope/format/catalogue.hpp"
#include "ulpscope/run/attention_run.hpp"

#include <exception>

#include <nlohmann/json.hpp>

using namespace ulpscope;

int main() {
  const bool named = format_named("e5m7") == ieee_like(5, 7) && rounding_named("ru") == upward;
  bool refused = false;
  try {
    AttentionOptions options;
    options.inputs.input = "no such file";
    static_cast<void>(run_attention(options));
  } catch (const std::exception&) {
    refused = true;
  }
  return named && refused ? 0 : 1;
}
