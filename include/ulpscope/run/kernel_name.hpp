// A kernel as users name it: NAME, or NAME@CHIP.
//
//   kernel_and_chip("fa2-torch@sm90").chip.name; without a chip it is h200
#pragma once

#include "ulpscope/attention/recipe.hpp"
#include "ulpscope/hardware/chip.hpp"

#include <string>

namespace ulpscope {

struct KernelAndChip {
  const Recipe& recipe;
  const Chip& chip;
};

// Error of kind usage for an unknown name, which lists those that are known.
inline KernelAndChip kernel_and_chip(const std::string& text) {
  const auto at = text.find('@');
  const Recipe& recipe = recipe_named(text.substr(0, at));
  return {recipe, chip_named(at == std::string::npos ? "h200" : text.substr(at + 1))};
}

}  // namespace ulpscope
