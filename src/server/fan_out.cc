#include "server/fan_out.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.h"
#include "conn/client_connection.h"
#include "wire/http1/parser.h"

namespace giliran::server {
namespace {

using nlohmann::ordered_json;

constexpr int kNestedJsonDepthMax = 64;

// Microseconds with three decimals, as in the record.
double us(base::Duration d) {
  return std::round(base::to_us(d) * 1e3) / 1e3;
}

// The report of a nested fan-out, or null.
ordered_json nested_report(const std::string& body) {
  bool too_deep = false;
  const auto keep = [&too_deep](int depth, ordered_json::parse_event_t, ordered_json&) {
    too_deep = too_deep || depth > kNestedJsonDepthMax;
    return !too_deep;
  };
  ordered_json parsed = ordered_json::parse(body, keep, false);
  if (too_deep || !parsed.is_object() || !parsed.contains("calls")) return nullptr;
  return parsed;
}

}  // namespace

class FanOut::Call final : private conn::ClientStreamEvents, private conn::ClientConnectionOwner {
 public:
  Call(FanOut& owner, Target target) : owner_(owner), target_(std::move(target)) {}

  void start();
  void give_up() {
    if (connection_ != nullptr) connection_->shut();
  }
  bool good() const { return end_ == conn::StreamEnd::kComplete && status_ < 400; }
  std::string problem() const;
  ordered_json report() const;

 private:
  // conn::ClientStreamEvents
  void on_interim(const conn::ResponseHead&) override {}
  void on_response_head(const conn::ResponseHead& head) override;
  void on_response_data(base::Slice data) override;
  void on_response_end(const conn::Fields&) override {}
  void on_request_sent(uint32_t) override {}
  void on_closed(const conn::StreamClosed& closed) override;
  // conn::ClientConnectionOwner
  void on_idle(conn::ClientConnection& connection) override { connection.shut(); }
  void on_connection_closed(conn::ClientConnection& connection) override;
  void on_unusable(conn::ClientConnection&) override {}

  FanOut& owner_;
  Target target_;
  std::unique_ptr<conn::ClientConnection> connection_;
  conn::ClientStream* stream_ = nullptr;
  base::Instant began_{};
  base::Duration total_{};
  base::Duration connect_{};
  std::optional<conn::StreamEnd> end_;
  wire::http1::Problem problem_ = wire::http1::Problem::kNone;
  uint16_t status_ = 0;
  bool json_ = false;
  bool truncated_ = false;
  std::string server_;
  std::string server_timing_;
  std::string body_;
};

void FanOut::Call::start() {
  net::Io& io = owner_.loop_.io();
  began_ = io.now();
  ++owner_.under_way_;
  ++owner_.connections_;
  connection_ =
      std::make_unique<conn::ClientConnection>(io, target_.address, 0, owner_.loop_.site().calls,
                                               static_cast<ClientConnectionOwner&>(*this));
  stream_ = &connection_->start(*this);
  char trace[base::TraceParent::kTextSize];
  owner_.trace_.format(trace);
  const std::string depth = std::to_string(owner_.depth_);
  const conn::Field fields[] = {
      {.name = "Host", .value = target_.authority},
      {.name = "traceparent", .value = {trace, sizeof trace}},
      {.name = kDepthField, .value = depth},
      {.name = "User-Agent", .value = "giliran-server"},
  };
  stream_->send_head({.method = "GET", .target = target_.path, .fields = fields, .body = {}});
  stream_->send_end();
}

void FanOut::Call::on_response_head(const conn::ResponseHead& head) {
  status_ = head.status;
  for (const conn::Field& field : head.fields.all()) {
    if (base::equals_ignoring_case(field.name, "X-Giliran-Server")) server_ = field.value;
    if (field.id == wire::http1::Name::kServerTiming) server_timing_ = field.value;
    if (field.id == wire::http1::Name::kContentType) {
      json_ = field.value.starts_with("application/json");
    }
  }
}

void FanOut::Call::on_response_data(base::Slice data) {
  if (json_ && body_.size() + data.size() <= kCallBodyBytesMax) {
    body_.append(data.view());
  } else {
    truncated_ = true;
  }
  stream_->consume(data.size());
}

void FanOut::Call::on_closed(const conn::StreamClosed& closed) {
  end_ = closed.end;
  problem_ = closed.problem;
  total_ = owner_.loop_.io().now() - began_;
  connect_ = connection_->connect_took();
  owner_.call_over();
}

void FanOut::Call::on_connection_closed(conn::ClientConnection&) {
  // Its last event: it may be destroyed here. The call itself goes with the fan-out.
  connection_.reset();
  owner_.connection_gone();
}

std::string FanOut::Call::problem() const {
  if (end_ == conn::StreamEnd::kComplete) {
    return status_ < 400 ? std::string() : fmt::format("status {}", status_);
  }
  if (end_ == conn::StreamEnd::kBadMessage) return std::string(problem_name(problem_));
  return std::string(conn::name(end_.value_or(conn::StreamEnd::kShutdown)));
}

ordered_json FanOut::Call::report() const {
  ordered_json out;
  out["to"] = target_.url;
  if (status_ != 0) out["status"] = status_;
  out["total_us"] = us(total_);
  out["connect_us"] = us(connect_);
  if (!server_.empty()) out["server"] = server_;
  if (!server_timing_.empty()) out["server_timing"] = server_timing_;
  if (!good()) out["error"] = problem();
  if (json_ && !truncated_) {
    ordered_json nested = nested_report(body_);
    if (!nested.is_null()) out["nested"] = std::move(nested);
  }
  return out;
}

FanOut::FanOut(Loop& loop, FanOutEvents& owner, std::vector<Target> targets,
               const base::TraceParent& trace, uint8_t depth)
    : loop_(loop), owner_(&owner), trace_(trace), depth_(depth) {
  calls_.reserve(targets.size());
  for (Target& target : targets) calls_.push_back(std::make_unique<Call>(*this, std::move(target)));
}

FanOut::~FanOut() = default;

void FanOut::start() {
  for (const auto& call : calls_) call->start();
}

void FanOut::release() {
  owner_ = nullptr;
  for (const auto& call : calls_) call->give_up();
}

void FanOut::call_over() {
  if (--under_way_ == 0 && owner_ != nullptr) owner_->on_fan_out_over(*this);
}

void FanOut::connection_gone() {
  if (--connections_ == 0 && owner_ == nullptr) loop_.fan_out_over(*this);
}

bool FanOut::all_good() const {
  for (const auto& call : calls_) {
    if (!call->good()) return false;
  }
  return true;
}

std::string FanOut::report(base::Duration total) const {
  ordered_json out;
  out["server"] = loop_.site().name;
  out["total_us"] = us(total);
  out["calls"] = ordered_json::array();
  ordered_json failed = ordered_json::array();
  for (const auto& call : calls_) {
    out["calls"].push_back(call->report());
    if (!call->good()) failed.push_back(call->report()["to"]);
  }
  if (!failed.empty()) out["failed"] = std::move(failed);
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace giliran::server
