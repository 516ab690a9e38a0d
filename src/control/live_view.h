// Shows on a terminal how the coordinator is doing: asks the workers once a second.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "cluster/snapshot.h"
#include "control/fleet.h"
#include "control/live_text.h"
#include "control/meter.h"
#include "terminal/live_screen.h"

namespace giliran::control {

// Control thread only, but for screen().
class LiveView {
 public:
  using Snapshot = std::function<const cluster::Snapshot&()>;
  LiveView(net::Io& control, Fleet& fleet, Snapshot snapshot);
  ~LiveView();

  // The sink that the next worker is to be given instead of `sink`: it counts, and passes on.
  telemetry::RecordSink& meter(telemetry::RecordSink& sink);
  // From now on.
  void start();
  // The block goes away; what is printed later is left alone.
  void stop();

  terminal::LiveScreen& screen() { return screen_; }

 private:
  // Of one worker; written on its thread, read on the control thread once it has answered.
  struct Answer {
    Seen seen;
    uint64_t connections = 0;
    uint64_t in_flight = 0;
  };

  void ask();
  void show();
  std::vector<terminal::Share> servers();

  net::Io& control_;
  Fleet& fleet_;
  Snapshot snapshot_;
  terminal::LiveScreen screen_;
  std::vector<std::unique_ptr<Meter>> meters_;                     // by worker
  std::vector<Answer> answers_;                                    // by worker
  std::unordered_map<const cluster::Endpoint*, uint64_t> chosen_;  // at the look before
  bool stopped_ = false;
  uint64_t records_ = 0;
  uint64_t errors_ = 0;
  base::Instant started_{}, looked_{};
  net::MemberTimer<LiveView, &LiveView::ask> timer_{*this};
};

}  // namespace giliran::control
