// One thread's share of the data plane: its listeners, its clients' connections, its connections to
// servers. Shares nothing with other workers but the snapshot and the endpoints' atomics.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/slab.h"
#include "config/scheme.h"
#include "conn/server_connection.h"
#include "conn/upstream_pool.h"
#include "proxy/exchange.h"
#include "proxy/flow.h"
#include "proxy/forward.h"
#include "proxy/options.h"
#include "telemetry/record.h"

namespace giliran::proxy {

// Counted by one worker; read by others after it has stopped.
struct WorkerCounts {
  uint64_t connections = 0, exchanges = 0, flows = 0;
  uint64_t failed = 0;         // exchanges and flows that did not end well
  uint64_t refused = 0;        // requests the parser refused
  uint64_t silent = 0;         // connections that ended before the first byte of a request
  uint64_t retries = 0;        // attempts after the first
  uint64_t accept_pauses = 0;  // accepting stopped for want of descriptors or memory
  uint64_t cut = 0;            // exchanges and flows cut by a shutdown

  void add(const WorkerCounts& other);
};

// What an operator wants to hear of at once. Called on the workers' threads, rarely.
class Notices {
 public:
  virtual ~Notices() = default;
  // Accepting stops for a moment for want of descriptors or memory; once a pause.
  virtual void accept_paused(int error) = 0;
  virtual void server_down(const cluster::Endpoint& endpoint, base::Duration left_out,
                           int error) = 0;
  virtual void server_up(const cluster::Endpoint& endpoint) = 0;
};

class Worker final : private net::AcceptEvents, private conn::ServerHandler {
 public:
  struct Setup {
    net::Io& io;
    Options options;
    std::shared_ptr<const cluster::Snapshot> snapshot;
    telemetry::RecordSink& sink;
    base::Rng random;
    uint32_t index = 0;  // of this worker
    uint32_t workers = 1;
    Notices& notices;
  };
  explicit Worker(Setup setup);
  ~Worker();

  // Serves the listener of that number (in the snapshot) on a socket of this worker's loop.
  base::Result<base::Address> listen(size_t listener, const base::Address& address,
                                     bool reuse_port);
  // On a socket that listens already; closed with the listener unless it is shared.
  base::Result<void> listen_on(size_t listener, int fd, bool shared);
  // Accepts what is waiting, then closes. Those that are connected go on.
  void stop_listening(size_t listener);

  // From the next request on. What is under way goes on by what it began with.
  void publish(std::shared_ptr<const cluster::Snapshot> snapshot, const Options& options);
  // Stops accepting, lets what is under way finish; `done` is called when nothing is left.
  void drain(std::function<void()> done);
  // Cuts what is left; `done` of drain() follows.
  void shut();

  const WorkerCounts& counts() const { return counts_; }
  uint32_t open() const { return static_cast<uint32_t>(clients_.live() + flows_.live()); }
  uint32_t open_exchanges() const { return static_cast<uint32_t>(exchanges_.live()); }
  uint32_t open_flows() const { return static_cast<uint32_t>(flows_.live()); }
  // Whether sockets of that listener are still used.
  bool listens(size_t listener) const {
    return std::ranges::find(listening_, listener, &Listening::listener) != listening_.end();
  }

  // --- for exchanges and flows of this worker ---
  net::Io& io() { return io_; }
  const Options& options() const { return options_; }
  const std::shared_ptr<const cluster::Snapshot>& snapshot() const { return snapshot_; }
  conn::UpstreamPool& upstream() { return upstream_; }
  base::Rng& random() { return random_; }
  FieldList& fields() { return *fields_; }
  telemetry::RecordSink& sink() { return sink_; }
  WorkerCounts& counted() { return counts_; }
  const cluster::Listener& listener(size_t number) const { return *snapshot_->listeners[number]; }
  size_t listener_of(const conn::ServerConnection& connection) const;
  void count_record(const telemetry::Record& record);
  // The outcome of a connect, for the endpoint's verdict.
  void connected(cluster::Endpoint& endpoint);
  void connect_failed(cluster::Endpoint& endpoint, int error);
  void destroy(Exchange& exchange) { exchanges_.destroy(exchange); }
  void destroy(Flow& flow);

 private:
  struct Client;  // a client's HTTP connection in the list of all

  void on_accepted(net::ListenerId listener, net::SocketId socket,
                   const base::Address& peer) override;
  void on_accept_paused(net::ListenerId listener, int error) override;
  void on_listener_closed(net::ListenerId listener) override;
  conn::ServerStreamEvents& on_request(conn::ServerConnection& connection,
                                       conn::ServerStream& stream, const conn::RequestHead& head,
                                       const base::Slice& bytes) override;
  void on_refused(conn::ServerConnection& connection, const conn::StreamFacts& facts,
                  const conn::StreamClosed& why, uint16_t status, std::string_view bytes) override;
  void on_connection_closed(conn::ServerConnection& connection) override;
  void check_done();

  struct Listening {
    net::ListenerId id;
    size_t listener;
  };

  net::Io& io_;
  Options options_;
  std::shared_ptr<const cluster::Snapshot> snapshot_;
  telemetry::RecordSink& sink_;
  base::Rng random_;
  Notices& notices_;
  conn::ServerOptions server_options_;
  conn::UpstreamOptions upstream_options_;
  conn::UpstreamPool upstream_;
  std::unique_ptr<FieldList> fields_;
  base::Slab<Client> clients_;
  base::Slab<Exchange> exchanges_;
  base::Slab<Flow> flows_;
  Client* first_client_ = nullptr;
  Flow* first_flow_ = nullptr;
  std::vector<Listening> listening_;
  uint64_t next_connection_;
  uint64_t connection_stride_;
  WorkerCounts counts_;
  std::function<void()> done_;
};

}  // namespace giliran::proxy
