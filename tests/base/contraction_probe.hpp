// A product and a sum in a translation unit of its own, compiled for a processor with FMA.
//
// Without an FMA instruction to fuse into, a compiler that may contract has no occasion to, and a
// test that passes would prove nothing. The unit holds nothing else, so that no other function is
// compiled for a processor that the machine may not be.
#pragma once

namespace ulpscope {

double product_plus(double x, double y, double z);
float product_plus(float x, float y, float z);

// Whether this processor can run the two functions above.
bool contraction_probe_runs();

}  // namespace ulpscope
