#include "contraction_probe.hpp"

namespace ulpscope {

double product_plus(double x, double y, double z) { return x * y + z; }
float product_plus(float x, float y, float z) { return x * y + z; }

bool contraction_probe_runs() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("fma") != 0;
#else
  return true;
#endif
}

}  // namespace ulpscope
