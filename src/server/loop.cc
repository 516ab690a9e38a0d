#include "server/loop.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "server/exchange.h"
#include "server/fan_out.h"
#include "server/line_connection.h"
#include "server/outcome.h"

namespace giliran::server {

using telemetry::Record;

void Totals::add(const Totals& other) {
  connections += other.connections;
  exchanges += other.exchanges;
  messages += other.messages;
  flows += other.flows;
  faults += other.faults;
  failed += other.failed;
}

// One listener.
class Loop::Door final : public net::AcceptEvents {
 public:
  Door(Loop& loop, config::Scheme scheme) : loop_(loop), scheme_(scheme) {}
  net::ListenerId id;

 private:
  void on_accepted(net::ListenerId, net::SocketId socket, const base::Address& peer) override {
    loop_.accept(scheme_, socket, peer);
  }
  void on_accept_paused(net::ListenerId, int) override {}  // tries again by itself
  void on_listener_closed(net::ListenerId) override { loop_.door_closed(); }

  Loop& loop_;
  config::Scheme scheme_;
};

Loop::Loop(net::Io& io, Site& site, const Character& character, telemetry::RecordSink* sink,
           uint64_t span_seed)
    : io_(io), site_(site), character_(character), sink_(sink), span_rng_(span_seed) {}

Loop::~Loop() = default;

base::Result<base::Address> Loop::listen(const base::Address& address, config::Scheme scheme,
                                         const net::ListenOptions& options) {
  auto door = std::make_unique<Door>(*this, scheme);
  door->id = GILIRAN_TRY(io_.listen(address, options, *door));
  doors_.push_back(std::move(door));
  ++doors_open_;
  return io_.listener_address(doors_.back()->id);
}

void Loop::accept(config::Scheme scheme, net::SocketId socket, const base::Address& peer) {
  ++totals_.connections;
  const uint64_t number = site_.next_connection();
  switch (scheme) {
    case config::Scheme::kHttp: {
      HttpPeer& made = peers_.make(io_, socket, peer, number, site_.http,
                                   static_cast<conn::ServerHandler&>(*this));
      made.index = open_peers_.size();
      open_peers_.push_back(&made);
      break;
    }
    case config::Scheme::kTcp:
      lines_.push_back(std::make_unique<LineConnection>(*this, socket, peer, number));
      break;
  }
}

conn::ServerStreamEvents& Loop::on_request(conn::ServerConnection& connection,
                                           conn::ServerStream& stream,
                                           const conn::RequestHead& head,
                                           const base::Slice& bytes) {
  // Accepted while draining: this request is answered, and no other.
  if (draining_) connection.drain();
  Exchange& exchange = exchanges_.make(*this, *static_cast<HttpPeer*>(connection.user), stream);
  exchange.begin(head, bytes);
  return exchange;
}

void Loop::on_refused(conn::ServerConnection& connection, const conn::StreamFacts& facts,
                      const conn::StreamClosed& why, uint16_t status, std::string_view) {
  const Outcome outcome = outcome_of(why);
  Record record;
  record.kind = telemetry::Kind::kExchange;
  record.end = outcome.end;
  record.by = outcome.by;
  record.phase = telemetry::Phase::kRequest;
  record.status = status;
  if (status != 0) record.body_out = connection.own_body_sent();
  record.reason = outcome.reason;
  record.span = next_span();
  set_connection(record, facts, *static_cast<HttpPeer*>(connection.user));
  record.total = io_.now() - facts.first_byte;
  finish(record);
}

void Loop::on_connection_closed(conn::ServerConnection& connection) {
  HttpPeer& peer = *static_cast<HttpPeer*>(connection.user);
  HttpPeer* last = open_peers_.back();
  last->index = peer.index;
  open_peers_[peer.index] = last;
  open_peers_.pop_back();
  peers_.destroy(peer);
  check_empty();
}

void Loop::finish(Record& record) {
  switch (record.kind) {
    case telemetry::Kind::kExchange:
      ++totals_.exchanges;
      break;
    case telemetry::Kind::kMessage:
      ++totals_.messages;
      break;
    case telemetry::Kind::kFlow:
      ++totals_.flows;
      break;
  }
  // A flow that ends with its message is one failure, not two.
  const bool counts = record.kind != telemetry::Kind::kFlow;
  if (counts && record.end == telemetry::End::kFault) ++totals_.faults;
  if (counts && record.end != telemetry::End::kOk && record.end != telemetry::End::kFault) {
    ++totals_.failed;
  }
  if (sink_ == nullptr) return;
  record.tier = telemetry::Tier::kServer;
  record.process_name = site_.name;
  record.arrived = base::WallTime{io_.clock().wall().ns - record.total.count()};
  sink_->write(record);
}

void Loop::exchange_over(Exchange& exchange) {
  exchanges_.destroy(exchange);
  check_empty();
}

void Loop::line_over(LineConnection& line) {
  const auto at = std::find_if(lines_.begin(), lines_.end(),
                               [&line](const auto& each) { return each.get() == &line; });
  GILIRAN_ASSERT(at != lines_.end());
  std::swap(*at, lines_.back());
  lines_.pop_back();
  check_empty();
}

FanOut& Loop::add_fan_out(std::unique_ptr<FanOut> fan_out) {
  fan_outs_.push_back(std::move(fan_out));
  return *fan_outs_.back();
}

void Loop::fan_out_over(FanOut& fan_out) {
  std::erase_if(fan_outs_, [&fan_out](const auto& each) { return each.get() == &fan_out; });
  check_empty();
}

void Loop::drain(std::function<void()> on_empty) {
  if (draining_) return;
  draining_ = true;
  on_empty_ = std::move(on_empty);
  for (const auto& door : doors_) io_.stop_listening(door->id);
  for (HttpPeer* peer : open_peers_) peer->connection.drain();
  for (const auto& line : lines_) line->drain();
  check_empty();
}

void Loop::shut() {
  for (HttpPeer* peer : open_peers_) peer->connection.shut();
  for (const auto& line : lines_) line->shut();
}

void Loop::door_closed() {
  --doors_open_;
  check_empty();
}

void Loop::check_empty() {
  if (!draining_ || !on_empty_) return;
  if (doors_open_ != 0 || !open_peers_.empty() || exchanges_.live() != 0) return;
  if (!lines_.empty() || !fan_outs_.empty()) return;
  std::exchange(on_empty_, {})();
}

}  // namespace giliran::server
