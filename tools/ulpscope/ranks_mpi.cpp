#include "ulpscope/base/error.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "ranks.hpp"
#include <mpi.h>
#include <sched.h>

namespace ulpscope::cli {

namespace {

// Processors that this process may run on.
int own_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return CPU_COUNT(&set);
}

// An MPI call that fails ends all ranks by itself, with a text of its own.
class MpiRanks : public StartedRanks {
 public:
  MpiRanks() {
    int given = 0;  // only the thread that is here now calls MPI
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &given);
    MPI_Comm_rank(MPI_COMM_WORLD, &number_);
    MPI_Comm_size(MPI_COMM_WORLD, &count_);
    MPI_Comm neighbours = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &neighbours);
    MPI_Comm_size(neighbours, &on_this_machine_);
    MPI_Comm_free(&neighbours);
  }
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;
  ~MpiRanks() override { MPI_Finalize(); }

  int number() const override { return number_; }
  int count() const override { return count_; }

  // mpirun may bind a rank to some processors, or let all ranks run on all of them.
  int threads() const override {
    const auto all = static_cast<int>(std::thread::hardware_concurrency());
    return std::min(own_processors(), std::max(1, all / on_this_machine_));
  }

  void wait_for_all() const override {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait(request);
  }

  void share(std::vector<int64_t>& numbers) const override {
    auto size = static_cast<int64_t>(numbers.size());
    broadcast(&size, 1);
    numbers.resize(static_cast<size_t>(size));
    broadcast(numbers.data(), size);
  }

  [[noreturn]] void end_all(int code) const override {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  // MPI's own way to wait takes a whole processor, which other ranks may need.
  static void wait(MPI_Request request) {
    for (int done = 0; done == 0;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  static void broadcast(int64_t* numbers, int64_t count) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(numbers, static_cast<int>(count), MPI_INT64_T, 0, MPI_COMM_WORLD, &request);
    wait(request);
  }

  int number_ = 0;
  int count_ = 1;
  int on_this_machine_ = 1;
};

}  // namespace

std::unique_ptr<StartedRanks> started_ranks() {
  // What the launchers of Open MPI, MPICH and Slurm (by PMIx) tell the processes that they start.
  constexpr std::array launchers{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
  const bool started = std::any_of(launchers.begin(), launchers.end(),
                                   [](const char* name) { return std::getenv(name) != nullptr; });
  if (!started) return nullptr;
  auto ranks = std::make_unique<MpiRanks>();
  if (ranks->count() == 1) return nullptr;
  return ranks;
}

}  // namespace ulpscope::cli
