#include "sim/flow_peers.h"

#include <fmt/format.h>

#include <charconv>

#include "base/assert.h"
#include "sim/content.h"
#include "sim/http_client.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::sim {
namespace {

constexpr base::Duration kPatience = std::chrono::seconds(30);

}  // namespace

// --- client ---

FlowClient::FlowClient(net::Io& io, Ledger& ledger, const base::Address& proxy, uint64_t id,
                       base::Duration start, const base::Address& announce)
    : io_(io), ledger_(ledger), proxy_(proxy), announce_(announce), id_(id), link_(io, *this) {
  io_.arm(start_, start);
}

void FlowClient::on_start() {
  ledger_.flows_seen[id_].begun = true;
  io_.arm(patience_, kPatience);
  link_.connect(proxy_);
}

void FlowClient::on_link_up(Link&) {
  const FlowPlan& plan = ledger_.flows[id_];
  FlowSeen& seen = ledger_.flows_seen[id_];
  seen.connected = true;
  seen.local = link_.local();
  seen.client = announce_.none() ? seen.local : announce_;
  std::string text;
  if (!announce_.none()) {
    wire::proxy_header::append(wire::proxy_header::Version::kV2, announce_, proxy_, text);
  }
  text += fmt::format("{:016x}", id_);
  append_content(text, request_content(id_), 0, plan.up);
  link_.send(text);
  if (plan.act == FlowPlan::Act::kNormal) link_.end();
  if (plan.act == FlowPlan::Act::kClientReset) io_.arm(act_, plan.act_after);
}

void FlowClient::on_link_data(Link&) {
  io_.arm(patience_, kPatience);
  FlowSeen& seen = ledger_.flows_seen[id_];
  if (!is_content(link_.input, response_content(id_), seen.got_down)) {
    ledger_.wrong(fmt::format("flow {}: foreign bytes to the client at {}", id_, seen.got_down));
  }
  seen.got_down += link_.input.size();
  link_.input.clear();
}

void FlowClient::on_link_end(Link&) {
  ledger_.flows_seen[id_].client_got_end = true;
  link_.end_and_close();
}

void FlowClient::on_link_broken(Link&) {
  ledger_.flows_seen[id_].client_broken = true;
  link_.close(net::CloseMode::kReset);
}

void FlowClient::on_link_closed(Link&) {
  io_.timers().disarm(act_);
  io_.timers().disarm(patience_);
  done_ = true;
}

void FlowClient::on_act() {
  link_.close(net::CloseMode::kReset);
}

void FlowClient::on_patience() {
  ledger_.wrong(fmt::format("flow {}: nothing came for {} s", id_, base::to_seconds(kPatience)));
  link_.close(net::CloseMode::kReset);
}

// --- server ---

class FlowServer::Connection final : private LinkEvents {
 public:
  Connection(FlowServer& server, net::SocketId socket) : server_(server), link_(server.io_, *this) {
    announcing_ = server_.announced_;
    link_.adopt(socket);
  }
  bool open() const { return !closed_; }
  void close() { link_.close(net::CloseMode::kGraceful); }

 private:
  void begin();
  bool read_announcement();
  void on_act() { link_.close(net::CloseMode::kReset); }
  void on_link_up(Link&) override {}
  void on_link_data(Link&) override;
  void on_link_end(Link&) override;
  void on_link_broken(Link&) override { link_.close(net::CloseMode::kReset); }
  void on_link_closed(Link&) override {
    closed_ = true;
    server_.io_.timers().disarm(act_);
  }

  FlowServer& server_;
  Link link_;
  uint64_t id_ = 0;
  base::Address client_;
  bool announcing_ = false;  // the header has not come yet
  bool closed_ = false;
  net::MemberTimer<Connection, &Connection::on_act> act_{*this};
};

void FlowServer::Connection::on_link_data(Link&) {
  if (announcing_ && !read_announcement()) return;
  if (id_ == 0) {
    if (link_.input.size() < kFlowHello) return;
    begin();
    if (id_ == 0) return;
  }
  FlowSeen& seen = server_.ledger_.flows_seen[id_];
  if (!is_content(link_.input, request_content(id_), seen.got_up)) {
    server_.ledger_.wrong(
        fmt::format("flow {}: foreign bytes to the server at {}", id_, seen.got_up));
  }
  seen.got_up += link_.input.size();
  link_.input.clear();
}

bool FlowServer::Connection::read_announcement() {
  wire::proxy_header::Header header;
  const auto result = wire::proxy_header::parse(link_.input, header);
  if (result.parse == wire::proxy_header::Parse::kNeedMore) return false;
  if (result.parse == wire::proxy_header::Parse::kError) {
    server_.ledger_.wrong("a server got no PROXY header: " + link_.input.substr(0, 40));
    close();
    return false;
  }
  announcing_ = false;
  client_ = header.source;
  link_.input.erase(0, result.consumed);
  return true;
}

void FlowServer::Connection::begin() {
  const char* const begin = link_.input.data();
  std::from_chars(begin, begin + kFlowHello, id_, 16);
  Ledger& ledger = server_.ledger_;
  if (id_ == 0 || id_ >= ledger.flows.size()) {
    ledger.wrong("a server got what is no flow of ours: " + link_.input.substr(0, kFlowHello));
    id_ = 0;
    close();
    return;
  }
  link_.input.erase(0, kFlowHello);
  const FlowPlan& plan = ledger.flows[id_];
  ++ledger.flows_seen[id_].served;
  if (server_.announced_ && !(client_ == ledger.flows_seen[id_].client)) {
    ledger.wrong(fmt::format("flow {}: announced as from {}", id_, client_.text()));
  }
  std::string text;
  append_content(text, response_content(id_), 0, plan.down);
  link_.send(text);
  if (plan.act == FlowPlan::Act::kServerFirst) link_.end();
  if (plan.act == FlowPlan::Act::kServerReset) server_.io_.arm(act_, plan.act_after);
}

void FlowServer::Connection::on_link_end(Link&) {
  if (id_ != 0) server_.ledger_.flows_seen[id_].server_got_end = true;
  link_.end_and_close();
}

FlowServer::FlowServer(net::Io& io, Ledger& ledger, const base::Address& at, bool announced)
    : io_(io), ledger_(ledger), announced_(announced) {
  auto listener = io_.listen(at, {}, *this);
  GILIRAN_ASSERT(listener.has_value());
  listener_ = *listener;
}

FlowServer::~FlowServer() = default;

void FlowServer::on_accepted(net::ListenerId, net::SocketId socket, const base::Address&) {
  connections_.push_back(std::make_unique<Connection>(*this, socket));
}

void FlowServer::stop() {
  io_.stop_listening(listener_);
}

void FlowServer::close_all() {
  for (const auto& connection : connections_) connection->close();
}

size_t FlowServer::open() const {
  size_t count = 0;
  for (const auto& connection : connections_) count += connection->open() ? 1 : 0;
  return count;
}

}  // namespace giliran::sim
