// What happens to the processes of a run while the client is at work.
#include <fmt/format.h>

#include <csignal>

#include "lab/folder.h"
#include "lab/run.h"

namespace giliran::lab {
namespace {

constexpr base::Duration kSampleEvery = std::chrono::milliseconds(250);
// Its port may have been taken meanwhile, by a connection from the same range.
constexpr uint32_t kRestartTriesMax = 20;

}  // namespace

void Run::arm_next_event() {
  if (next_event_ == plan_.timeline.size()) return io_.timers().disarm(event_);
  io_.timers().arm(event_, asking_since_ + plan_.timeline[next_event_].at);
}

void Run::on_event() {
  const Event& event = plan_.timeline[next_event_++];
  execute(event);
  if (state_ != State::kAsking) return;
  const base::Duration behind = io_.now() - asking_since_ - event.at;
  ran_.marks.push_back(
      {.planned = event.at, .at = io_.clock().wall(), .text = event.text, .late = behind > kLate});
  arm_next_event();
}

void Run::execute(const Event& event) {
  switch (event.action) {
    case Action::kKill:
      for (const size_t i : event.servers) {
        ran_.killed.push_back(plan_.servers[i].name);
        servers_[i].killed = servers_[i].process->running();
        servers_[i].restart = false;
        servers_[i].process->signal(SIGKILL);
      }
      break;
    case Action::kStart:
      for (const size_t i : event.servers) {
        servers_[i].restart = true;
        servers_[i].tries = 0;
        if (!servers_[i].process->running()) {
          restart(i);
        } else if (!servers_[i].killed) {
          servers_[i].restart = false;  // it runs
        }
      }
      break;
    case Action::kStop:
    case Action::kContinue:
      for (const size_t i : event.servers) {
        servers_[i].process->signal(event.action == Action::kStop ? SIGSTOP : SIGCONT);
      }
      break;
    case Action::kChange:
    case Action::kAdd:
    case Action::kDrain:
    case Action::kWeight:
      rewrite(event);
      break;
    case Action::kRate:
      break;
  }
}

// Again at the address that the coordinator knows; on_listening() ends it.
void Run::restart(size_t server) {
  Node& node = servers_[server];
  if (++node.tries > kRestartTriesMax) {
    node.restart = false;
    return fail(node.process->how_it_ended() + " when it was started again", node.process.get());
  }
  start(*node.process, server_command(plan_, place_, server, node.process->address()));
}

base::Result<void> Run::write_files() {
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (!needs_server_file(plan_, i)) continue;
    GILIRAN_TRY_VOID(replace_file(server_file(place_.folder, plan_.servers[i].name),
                                  server_toml(now_[i].character)));
  }
  if (!needs_coordinator_file(plan_) || state_ == State::kServersStarting) return {};
  return replace_file(coordinator_file(place_.folder), coordinator_toml(plan_, place_, now_));
}

void Run::rewrite(const Event& event) {
  apply(event, now_);
  if (const auto written = write_files(); !written) return fail(written.error().message);
  if (event.action != Action::kChange) return coordinator_.signal(SIGHUP);
  for (const size_t i : event.servers) {
    // One that has not taken charge of its signals yet will read the file when it starts.
    if (servers_[i].process->listening()) servers_[i].process->signal(SIGHUP);
  }
}

void Run::on_sample() {
  const base::Instant now = io_.now();
  client_.sample(now);
  coordinator_.sample(now);
  for (const Node& node : servers_) node.process->sample(now);
  io_.timers().arm(sample_, now + kSampleEvery);
}

}  // namespace giliran::lab
