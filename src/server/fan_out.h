// Calls to other servers to finish one request: all at once, each on a connection of its own, their
// answers gathered into one JSON report.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "server/allow_to.h"
#include "server/loop.h"

namespace giliran::server {

// How deep fan-outs may be nested, told from hop to hop in this header field.
constexpr std::string_view kDepthField = "X-Giliran-Depth";
constexpr uint8_t kDepthMax = 8;
constexpr size_t kCallBodyBytesMax = size_t{256} << 10;  // of an answer kept for the report

class FanOutEvents {
 public:
  // Every call has ended. Read what is wanted, then release() it.
  virtual void on_fan_out_over(FanOut& fan_out) = 0;

 protected:
  ~FanOutEvents() = default;
};

class FanOut {
 public:
  // trace: what the calls are told; its parent is our span. depth: of this fan-out, from 1.
  FanOut(Loop& loop, FanOutEvents& owner, std::vector<Target> targets,
         const base::TraceParent& trace, uint8_t depth);
  ~FanOut();

  void start();
  // The owner wants no more events: what is under way is given up. Lives on until its connections
  // are gone; the loop then destroys it.
  void release();

  bool all_good() const;  // once over: every call answered below 400
  // Once over: {"server", "total_us", "calls": [...], "failed": [...]}.
  std::string report(base::Duration total) const;

 private:
  class Call;
  void call_over();
  void connection_gone();

  Loop& loop_;
  FanOutEvents* owner_;  // null once released
  base::TraceParent trace_;
  uint8_t depth_;
  std::vector<std::unique_ptr<Call>> calls_;
  size_t under_way_ = 0;
  size_t connections_ = 0;
};

}  // namespace giliran::server
