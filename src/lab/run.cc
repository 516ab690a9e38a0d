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
constexpr base::Duration kAnswersMax = std::chrono::seconds(40);  // after the last was asked
constexpr base::Duration kGiveUpMax = std::chrono::seconds(3);

}  // namespace

Run::Run(net::Io& io, const RunPlan& plan, const RunPlace& place, OnProgress on_progress)
    : io_(io), plan_(plan), place_(place), on_progress_(std::move(on_progress)) {
  ProcessEvents& events = *this;
  for (const ServerPlan& server : plan.servers) {
    servers_.push_back(std::make_unique<Process>(server.name, events));
  }
}

Ran Run::execute() {
  GILIRAN_ASSERT(state_ == State::kNew);
  enter(State::kServersStarting);
  for (size_t i = 0; i < servers_.size(); ++i) {
    start(*servers_[i], server_command(plan_, place_, i));
  }
  io_.run();
  GILIRAN_ASSERT(state_ == State::kOver && all_ended());
  for (const auto& server : servers_) {
    ran_.cpu.servers += server->cpu();
    ran_.server_addresses.push_back(server->address());
  }
  ran_.cpu.coordinator = coordinator_.cpu();
  ran_.cpu.client = client_.cpu();
  return std::move(ran_);
}

// --- one way forward, one way out ---

void Run::enter(State next) {
  GILIRAN_ASSERT(next > state_);
  state_ = next;
  if (state_ == State::kOver) {
    io_.timers().disarm(too_long_);
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
      return plan_.asking_time() + kAnswersMax;
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
  std::vector<std::string> addresses;
  for (const auto& server : servers_) addresses.push_back(server->address());
  enter(State::kCoordinatorStarting);
  start(coordinator_, coordinator_command(plan_, place_, at_the_beginning(plan_, addresses)));
}

void Run::start_client() {
  enter(State::kAsking);
  std::vector<std::string> addresses;
  for (const auto& server : servers_) addresses.push_back(server->address());
  start(client_, client_command(plan_, place_, coordinator_.address(), addresses));
}

void Run::on_listening(Process& process) {
  if (state_ == State::kServersStarting) {
    if (std::any_of(servers_.begin(), servers_.end(),
                    [](const auto& server) { return server->address().empty(); })) {
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

bool Run::due(const Process& process) const {
  if (process.exit().status != 0) return false;
  if (&process == &client_) return state_ == State::kAsking;
  if (&process == &coordinator_) return state_ == State::kCoordinatorStopping;
  return state_ == State::kServersStopping;
}

void Run::on_ended(Process& process) {
  if (state_ == State::kGivingUp) {
    if (all_ended()) enter(State::kOver);
  } else if (!due(process)) {
    fail(process.how_it_ended(), &process);
  } else if (&process == &client_) {
    enter(State::kCoordinatorStopping);
    coordinator_.signal(SIGTERM);
  } else if (&process == &coordinator_) {
    enter(State::kServersStopping);
    signal_all(SIGTERM);
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
  for (const auto& server : servers_) server->signal(number);
}

bool Run::all_ended() const {
  return !client_.running() && !coordinator_.running() &&
         std::none_of(servers_.begin(), servers_.end(),
                      [](const auto& server) { return server->running(); });
}

}  // namespace giliran::lab
