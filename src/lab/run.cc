#include "lab/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "base/assert.h"
#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr base::Duration kStartMax = std::chrono::seconds(15);
constexpr base::Duration kStopMax = std::chrono::seconds(20);
constexpr base::Duration kAnswersMax = std::chrono::seconds(10);  // and the client's time-out
constexpr base::Duration kRequestsMax = std::chrono::hours(24);   // of a number of them
constexpr base::Duration kGiveUpMax = std::chrono::seconds(3);
constexpr size_t kSaidBytesMax = size_t{1} << 20;

}  // namespace

Run::Run(net::Io& io, const RunPlan& plan, const RunPlace& place, OnProgress on_progress)
    : io_(io), plan_(plan), place_(place), on_progress_(std::move(on_progress)) {
  ProcessEvents& events = *this;
  for (const ServerPlan& server : plan.servers) {
    servers_.push_back({.process = std::make_unique<Process>(server.name, events)});
  }
}

Ran Run::execute() {
  GILIRAN_ASSERT(state_ == State::kNew);
  started_ = io_.now();
  enter(State::kServersStarting);
  now_ = at_the_beginning(plan_, std::vector<std::string>(servers_.size()));
  if (const auto written = write_files(); !written) fail(written.error().message);
  for (size_t i = 0; i < servers_.size(); ++i) {
    start(*servers_[i].process, server_command(plan_, place_, i));
  }
  if (state_ != State::kOver) io_.run();
  GILIRAN_ASSERT(state_ == State::kOver && all_ended());
  gather();
  return std::move(ran_);
}

void Run::gather() {
  ran_.processes.push_back(use_of(client_, "client"));
  ran_.processes.push_back(use_of(coordinator_, "coordinator"));
  ran_.cpu.client = client_.cpu();
  ran_.cpu.coordinator = coordinator_.cpu();
  for (const Node& node : servers_) {
    ran_.processes.push_back(use_of(*node.process, "server"));
    ran_.cpu.servers += node.process->cpu();
    ran_.server_addresses.push_back(node.process->address());
  }
  for (size_t i = next_event_; i < plan_.timeline.size(); ++i) {
    ran_.missed.push_back(plan_.timeline[i].text);
  }
}

ProcessUse Run::use_of(const Process& process, std::string role) const {
  const net::ChildExit& exit = process.exit();
  ProcessUse use{.name = process.name(),
                 .role = std::move(role),
                 .starts = process.starts(),
                 .ended = exit.signal != 0 ? fmt::format("signal {}", exit.signal)
                                           : std::to_string(exit.status),
                 .user = process.user(),
                 .system = process.system(),
                 .memory_max_bytes = process.memory_max_bytes()};
  const auto& samples = process.samples();
  for (size_t i = 1; i < samples.size(); ++i) {
    const double seconds = base::to_seconds(samples[i].at - samples[i - 1].at);
    const double cpu = base::to_seconds(samples[i].cpu - samples[i - 1].cpu);
    use.over_time.push_back({.t_s = base::to_seconds(samples[i].at - asking_since_),
                             .cores = seconds <= 0 ? 0 : std::max(0.0, cpu / seconds)});
  }
  return use;
}

// --- one way forward, one way out ---

void Run::enter(State next) {
  GILIRAN_ASSERT(next > state_);
  state_ = next;
  if (state_ == State::kOver) {
    for (net::Timer* timer : std::initializer_list<net::Timer*>{&too_long_, &event_, &sample_}) {
      io_.timers().disarm(*timer);
    }
    io_.stop();
  } else {
    io_.timers().arm(too_long_, io_.now() + bound());
  }
}

base::Duration Run::bound() const {
  switch (state_) {
    case State::kServersStarting:
    case State::kCoordinatorStarting:
      return kStartMax;
    case State::kAsking:
      if (plan_.client.requests != 0) return kRequestsMax;  // nobody knows how long they take
      return plan_.asking_time() + plan_.client.timeout + kAnswersMax;
    case State::kCoordinatorStopping:
    case State::kServersStopping:
      return kStopMax;
    case State::kNew:
    case State::kGivingUp:
    case State::kOver:
      break;
  }
  return kGiveUpMax;
}

std::string_view Run::doing() const {
  switch (state_) {
    case State::kNew:
    case State::kServersStarting:
      return "the servers to start";
    case State::kCoordinatorStarting:
      return "the coordinator to start";
    case State::kAsking:
      return "the client";
    case State::kCoordinatorStopping:
      return "the coordinator to end";
    case State::kServersStopping:
      return "the servers to end";
    case State::kGivingUp:
    case State::kOver:
      break;
  }
  return "the end";
}

void Run::start(Process& process, const Command& command) {
  if (state_ >= State::kGivingUp) return;
  ran_.commands.push_back(command);
  if (const auto started = process.start(io_, command); !started) fail(started.error().message);
}

void Run::start_coordinator() {
  enter(State::kCoordinatorStarting);
  std::vector<std::string> addresses;
  for (const Node& node : servers_) addresses.push_back(node.process->address());
  now_ = at_the_beginning(plan_, addresses);
  if (const auto written = write_files(); !written) return fail(written.error().message);
  start(coordinator_, coordinator_command(plan_, place_, now_));
}

void Run::start_client() {
  enter(State::kAsking);
  std::vector<std::string> addresses;
  for (const Node& node : servers_) addresses.push_back(node.process->address());
  asking_since_ = io_.now();
  start(client_, client_command(plan_, place_, coordinator_.address(), addresses));
  if (state_ != State::kAsking) return;
  arm_next_event();
  on_sample();
}

void Run::on_listening(Process& process) {
  if (Node* const node = node_of(process)) node->restart = false;
  if (state_ == State::kServersStarting) {
    if (std::any_of(servers_.begin(), servers_.end(),
                    [](const Node& node) { return node.process->address().empty(); })) {
      return;
    }
    start_coordinator();
  } else if (state_ == State::kCoordinatorStarting && &process == &coordinator_) {
    start_client();
  }
}

void Run::on_output(Process& process, std::string_view line) {
  if (&process != &client_ || line.empty()) return;
  if (const auto progress = parse_client_progress(line); progress && on_progress_) {
    on_progress_(*progress);
  }
}

// The client prints its plan just before it begins: times of the timeline count from there.
void Run::on_words(Process& process, std::string_view line) {
  if (&process == &client_ && !client_spoke_ && state_ == State::kAsking) {
    client_spoke_ = true;
    asking_since_ = io_.now();
    arm_next_event();
  }
  if (ran_.said.size() > kSaidBytesMax) return;
  ran_.said +=
      fmt::format("{:8.3f} {}: {}\n", base::to_seconds(io_.now() - started_), process.name(), line);
}

Run::Node* Run::node_of(const Process& process) {
  const auto found = std::ranges::find_if(
      servers_, [&process](const Node& node) { return node.process.get() == &process; });
  return found == servers_.end() ? nullptr : &*found;
}

bool Run::due(const Process& process) const {
  // A server that was started again and told to end before it had taken charge of its signals.
  const bool early = process.exit().signal == SIGTERM && process.starts() > 1;
  if (process.exit().status != 0 && !early) return false;
  if (&process == &client_) return state_ == State::kAsking;
  if (&process == &coordinator_) return state_ == State::kCoordinatorStopping;
  return state_ == State::kServersStopping;
}

void Run::ended_on_purpose(Node& node) {
  node.killed = false;
  if (node.restart && state_ == State::kAsking) {
    restart(static_cast<size_t>(&node - servers_.data()));
  } else if (state_ == State::kServersStopping && all_ended()) {
    enter(State::kOver);
  }
}

void Run::on_ended(Process& process) {
  Node* const node = node_of(process);
  if (state_ == State::kGivingUp) {
    if (all_ended()) enter(State::kOver);
  } else if (node != nullptr && (node->killed || node->restart)) {
    ended_on_purpose(*node);
  } else if (!due(process)) {
    fail(process.how_it_ended(), &process);
  } else if (&process == &client_) {
    on_sample();  // the last
    io_.timers().disarm(event_);
    io_.timers().disarm(sample_);
    enter(State::kCoordinatorStopping);
    coordinator_.signal(SIGTERM);
    for (const Node& each : servers_) each.process->signal(SIGCONT);
  } else if (&process == &coordinator_) {
    enter(State::kServersStopping);
    signal_all(SIGTERM);
    if (all_ended()) enter(State::kOver);  // the timeline had killed them all
  } else if (all_ended()) {
    enter(State::kOver);
  }
}

// --- the way out ---

void Run::fail(std::string why, const Process* of) {
  if (state_ >= State::kGivingUp) return;
  ran_.failure = std::move(why);
  if (of != nullptr) ran_.last_words.assign(of->last_words().begin(), of->last_words().end());
  give_up();
}

void Run::give_up() {
  enter(State::kGivingUp);
  signal_all(SIGTERM);
  signal_all(SIGCONT);  // what is stopped cannot end
  if (all_ended()) enter(State::kOver);
}

void Run::interrupt() {
  ran_.interrupted = true;
  if (state_ < State::kGivingUp) {
    give_up();
  } else {
    signal_all(SIGKILL);
  }
}

void Run::on_too_long() {
  if (state_ == State::kGivingUp) {
    signal_all(SIGKILL);
    return;
  }
  fail(fmt::format("waited {} for {}", base::format_duration(bound()), doing()));
}

void Run::signal_all(int number) {
  client_.signal(number);
  coordinator_.signal(number);
  for (const Node& node : servers_) node.process->signal(number);
}

bool Run::all_ended() const {
  return !client_.running() && !coordinator_.running() &&
         std::none_of(servers_.begin(), servers_.end(),
                      [](const Node& node) { return node.process->running(); });
}

}  // namespace giliran::lab
