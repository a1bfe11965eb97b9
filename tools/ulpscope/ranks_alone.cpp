#include "ulpscope/base/error.hpp"

#include <cstdlib>

#include "ranks.hpp"
#include <fmt/format.h>

namespace ulpscope::cli {

// Processes that do not know of each other would all compute everything, into one folder.
std::unique_ptr<StartedRanks> started_ranks() {
  for (const char* const launcher : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* const count = std::getenv(launcher);
    if (count == nullptr || std::atoi(count) < 2) continue;
    throw Error(ErrorKind::usage,
                fmt::format("started as one of {} processes, but built without MPI: expected a "
                            "build with -DULPSCOPE_MPI=ON, or --shard",
                            count));
  }
  return nullptr;
}

}  // namespace ulpscope::cli
