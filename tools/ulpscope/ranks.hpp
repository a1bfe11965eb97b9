// Whether this process is one of several that mpirun started, and the door to the others.
//
// Either ranks_mpi.cpp or ranks_alone.cpp is built (ULPSCOPE_MPI in CMake); nothing else here knows
// of MPI. Tested by tests/cli/ranks_test.cpp.
#pragma once

#include "ulpscope/run/ranks.hpp"

#include <memory>

namespace ulpscope::cli {

class StartedRanks : public Ranks {
 public:
  // Threads for this rank, where the user says nothing: its share of the processors.
  virtual int threads() const = 0;
  // Ends every rank with this exit code.
  [[noreturn]] virtual void end_all(int code) const = 0;
};

// Null in a process that was started alone; to be called once. Without MPI in the build an Error of
// kind usage where there are others.
std::unique_ptr<StartedRanks> started_ranks();

}  // namespace ulpscope::cli
