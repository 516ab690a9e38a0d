// One I/O loop of a server: accepts, and keeps what its connections are made of. Loop thread only,
// after listen().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "base/slab.h"
#include "config/listen_spec.h"
#include "conn/server_connection.h"
#include "net/io.h"
#include "server/character.h"
#include "server/site.h"
#include "telemetry/record.h"

namespace giliran::server {

class Exchange;
class FanOut;
class LineConnection;
struct Target;

struct Totals {
  uint64_t connections = 0;
  uint64_t exchanges = 0;
  uint64_t messages = 0;
  uint64_t flows = 0;
  uint64_t faults = 0;  // made on purpose
  uint64_t failed = 0;  // ended otherwise than ok, faults out
  void add(const Totals& other);
};

// One HTTP connection and what records say of it.
struct HttpPeer {
  HttpPeer(net::Io& io, net::SocketId socket, const base::Address& peer, uint64_t number,
           const conn::ServerOptions& options, conn::ServerHandler& handler)
      : connection(io, socket, peer, number, options, handler), local(connection.local()) {
    connection.user = this;
  }
  conn::ServerConnection connection;
  base::Address local;
  size_t index = 0;  // among the loop's
};

class Loop final : private conn::ServerHandler {
 public:
  // sink: null where nothing is logged. span_seed: differs from loop to loop.
  Loop(net::Io& io, Site& site, const Character& character, telemetry::RecordSink* sink,
       uint64_t span_seed);
  ~Loop();

  // Before the loop runs. Returns the address it is bound to.
  base::Result<base::Address> listen(const base::Address& address, config::Scheme scheme,
                                     const net::ListenOptions& options);
  // Accepts no more; answers what is under way, then calls on_empty, once.
  void drain(std::function<void()> on_empty);
  // Cuts what is left. After drain().
  void shut();

  net::Io& io() { return io_; }
  Site& site() { return site_; }
  // Requests that begin from now on fare by it.
  void set_character(const Character& character) { character_ = character; }
  // Of a request or message that begins now; asked_delay, asked_work: its own, or null.
  Lot draw(const base::Distribution* asked_delay, const base::Distribution* asked_work) {
    return character_.draw(site_.seed, site_.next_request(), asked_delay, asked_work);
  }
  const Character& character() const { return character_; }
  const Totals& totals() const { return totals_; }  // once the loop has ended

  // --- for what lives on this loop ---
  base::SpanId next_span() { return base::SpanId::make(span_rng_); }
  base::TraceId next_trace() { return base::TraceId::make(span_rng_); }
  bool logging() const { return sink_ != nullptr; }
  // Counts it, and writes it where something is logged: fills tier, name and ts (from total).
  void finish(telemetry::Record& record);
  void exchange_over(Exchange& exchange);
  void line_over(LineConnection& line);
  FanOut& add_fan_out(std::unique_ptr<FanOut> fan_out);
  void fan_out_over(FanOut& fan_out);

 private:
  class Door;

  // conn::ServerHandler
  conn::ServerStreamEvents& on_request(conn::ServerConnection& connection,
                                       conn::ServerStream& stream, const conn::RequestHead& head,
                                       const base::Slice& bytes) override;
  void on_refused(conn::ServerConnection& connection, const conn::StreamFacts& facts,
                  const conn::StreamClosed& why, uint16_t status, std::string_view bytes) override;
  void on_connection_closed(conn::ServerConnection& connection) override;

  void accept(config::Scheme scheme, net::SocketId socket, const base::Address& peer);
  void door_closed();
  void check_empty();

  net::Io& io_;
  Site& site_;
  Character character_;  // its own copy: no other thread looks at it
  telemetry::RecordSink* sink_;
  base::Rng span_rng_;
  Totals totals_;
  std::vector<std::unique_ptr<Door>> doors_;
  size_t doors_open_ = 0;
  base::Slab<HttpPeer> peers_;
  std::vector<HttpPeer*> open_peers_;
  base::Slab<Exchange> exchanges_;
  std::vector<std::unique_ptr<LineConnection>> lines_;
  std::vector<std::unique_ptr<FanOut>> fan_outs_;
  bool draining_ = false;
  std::function<void()> on_empty_;  // empty once called
};

}  // namespace giliran::server
