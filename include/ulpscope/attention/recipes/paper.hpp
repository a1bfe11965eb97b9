// The attention of "Why Low-Precision Transformer Training Fails" (Qiu & Yao), as its own code
// computes it: plain PyTorch operations over 512 x 512 tiles under bf16 autocast.
//
//   paper-eager             as it is: every operation ends in memory, most of them in bf16
//   paper-compiled          under torch.compile, autocast around the compiled call, as the paper
//                           trains: roundings inside a fused kernel are gone
//   paper-compiled-inside   autocast entered inside the compiled function: the same forward pass,
//                           a backward pass in binary32
//   ...+stable              the paper's mitigation: a maximum that several scores reach is doubled
//                           where it is above 0, and 0 where it is below
//
// S, P.V, l and O are rounded to bf16 from tile to tile; the rounding of P.V is the one that the
// paper accuses. Hidden scores are the lowest finite number, and every tile is visited. What the
// compiler fuses changes with the tile, so compiled rows are known for the recorded shape alone.
//
// Limits: head sizes and lengths of the eager row beyond the recorded 1024 x 1024, D = 64 follow
// the same rules without having been held; its backward pass raises an error in PyTorch. Source:
// the paper's attention.py and fits to recordings of an H200 with PyTorch 2.11,
// docs/numerics/kernels.md. Held bit for bit by tests/captured/paper_test.cpp and
// paper_gradients_test.cpp, and by plain twins in tests/attention/unfused*_test.cpp.
#pragma once

#include "ulpscope/attention/recipe.hpp"

namespace ulpscope {

extern const Recipe paper_eager;
extern const Recipe paper_eager_stable;
extern const Recipe paper_compiled;
extern const Recipe paper_compiled_stable;
extern const Recipe paper_compiled_inside;
extern const Recipe paper_compiled_inside_stable;

}  // namespace ulpscope
