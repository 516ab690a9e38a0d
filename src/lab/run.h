// One run: its processes from the first start to the last exit, and what happens to them meanwhile.
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

// What one process used.
struct ProcessUse {
  struct Busy {
    double t_s = 0;    // since the client began
    double cores = 0;  // kept busy since the entry before
  };
  std::string name{};
  std::string role{};  // "client", "coordinator", "server"
  uint32_t starts = 0;
  std::string ended{};  // "0", "signal 9"
  base::Duration user{}, system{};
  uint64_t memory_max_bytes = 0;
  std::vector<Busy> over_time{};

  base::Duration cpu() const { return user + system; }
};

// An event of the timeline, done.
struct Mark {
  base::Duration planned{};
  base::WallTime at{};
  std::string text{};
  bool late = false;
};
constexpr base::Duration kLate = std::chrono::milliseconds(100);

// How the processes of a run did.
struct Ran {
  std::string failure{};                  // empty: every process ended as it should
  std::vector<std::string> last_words{};  // of the process that failed
  bool interrupted = false;
  std::vector<std::string> killed{};  // by the timeline: their logs may lack their last records
  TierCpu cpu{};
  std::vector<ProcessUse> processes{};
  std::vector<Mark> marks{};
  std::vector<std::string> missed{};  // events whose time did not come before the client's end
  std::vector<Command> commands{};    // in order of starting
  std::vector<std::string> server_addresses{};
  std::string said{};  // standard error of all, each line with its time and the process's name
};

class Run final : private ProcessEvents {
 public:
  using OnProgress = std::function<void(const ClientProgress&)>;
  // All are borrowed.
  Run(net::Io& io, const RunPlan& plan, const RunPlace& place, OnProgress on_progress);

  // Starts the servers, then the coordinator, then the client; does what the timeline says; when
  // the client has ended, ends the others in the opposite order. Runs the loop meanwhile. When it
  // returns, no process is left.
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
  // A server, and what the timeline has done to it.
  struct Node {
    std::unique_ptr<Process> process;
    bool killed = false;   // its end is expected
    bool restart = false;  // to be started again: as soon as it has ended
    uint32_t tries = 0;    // of this restart
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
  Node* node_of(const Process& process);  // null: no server
  void ended_on_purpose(Node& node);
  void gather();
  ProcessUse use_of(const Process& process, std::string role) const;

  // run_timeline.cc
  void on_event();
  void arm_next_event();
  void execute(const Event& event);
  void restart(size_t server);
  base::Result<void> write_files();  // those that processes are configured with
  void rewrite(const Event& event);
  void on_sample();

  void on_listening(Process& process) override;
  void on_output(Process& process, std::string_view line) override;
  void on_words(Process& process, std::string_view line) override;
  void on_ended(Process& process) override;

  net::Io& io_;
  const RunPlan& plan_;
  const RunPlace& place_;
  OnProgress on_progress_;
  State state_ = State::kNew;
  Ran ran_;
  base::Instant started_{};
  base::Instant asking_since_{};  // the client began
  bool client_spoke_ = false;
  std::vector<Node> servers_;
  std::vector<ServerNow> now_;  // of the servers, once their addresses are known
  size_t next_event_ = 0;
  Process coordinator_{"coordinator", *this};
  Process client_{"client", *this};
  net::MemberTimer<Run, &Run::on_too_long> too_long_{*this};
  net::MemberTimer<Run, &Run::on_event> event_{*this};
  net::MemberTimer<Run, &Run::on_sample> sample_{*this};
};

}  // namespace giliran::lab
