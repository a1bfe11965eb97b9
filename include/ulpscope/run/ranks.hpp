// The processes of one run that were started together, as by mpirun: ranks 0 to count - 1.
//
// This is all that a run asks of them. Results do not travel: every rank writes its parts into one
// folder, and rank 0 reads them. tools/ulpscope/ranks_mpi.cpp has these calls in terms of MPI.
// Tested by tests/run/ranks_run_test.cpp, with threads for ranks, and tests/cli/ranks_test.cpp.
#pragma once

#include <cstdint>
#include <vector>

namespace ulpscope {

class Ranks {
 public:
  virtual ~Ranks() = default;

  virtual int number() const = 0;
  virtual int count() const = 0;
  // Each returns on a rank when all have called it, or rank 0 has.
  virtual void wait_for_all() const = 0;
  virtual void share(
      std::vector<int64_t>& numbers) const = 0;  // those of rank 0 replace the others
};

}  // namespace ulpscope
