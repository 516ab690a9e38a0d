// One run: its processes from the first start to the last exit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lab/client_result.h"
#include "lab/commands.h"
#include "lab/process.h"
#include "lab/scenario.h"
#include "net/io.h"

namespace giliran::lab {

// CPU time (user and system) of the processes of a tier, from their start to their end.
struct TierCpu {
  base::Duration client{}, coordinator{}, servers{};
  base::Duration sum() const { return client + coordinator + servers; }
};

// How the processes of a run did.
struct Ran {
  std::string failure{};                  // empty: every process ended as it should
  std::vector<std::string> last_words{};  // of the process that failed
  bool interrupted = false;
  TierCpu cpu{};
  std::vector<Command> commands{};  // in order of starting
  std::vector<std::string> server_addresses{};
};

class Run final : private ProcessEvents {
 public:
  using OnProgress = std::function<void(const ClientProgress&)>;
  // All are borrowed.
  Run(net::Io& io, const RunPlan& plan, const RunPlace& place, OnProgress on_progress);

  // Starts the servers, then the coordinator, then the client; when the client has ended, ends the
  // others in the opposite order. Runs the loop meanwhile. When it returns, no process is left.
  Ran execute();
  // Called on the loop: ends everything; the second time at once.
  void interrupt();

 private:
  enum class State : uint8_t {
    kNew,
    kServersStarting,
    kCoordinatorStarting,
    kAsking,  // the client is at work
    kCoordinatorStopping,
    kServersStopping,
    kGivingUp,  // everything was told to end
    kOver
  };

  void enter(State next);
  void start(Process& process, const Command& command);
  void start_coordinator();
  void start_client();
  void fail(std::string why, const Process* of = nullptr);
  void give_up();
  void signal_all(int number);
  bool all_ended() const;
  void on_too_long();
  bool due(const Process& process) const;  // whether it may end now
  base::Duration bound() const;            // of the state
  std::string_view doing() const;

  void on_listening(Process& process) override;
  void on_output(Process& process, std::string_view line) override;
  void on_ended(Process& process) override;

  net::Io& io_;
  const RunPlan& plan_;
  const RunPlace& place_;
  OnProgress on_progress_;
  State state_ = State::kNew;
  Ran ran_;
  std::vector<std::unique_ptr<Process>> servers_;
  Process coordinator_{"coordinator", *this};
  Process client_{"client", *this};
  net::MemberTimer<Run, &Run::on_too_long> too_long_{*this};
};

}  // namespace giliran::lab
