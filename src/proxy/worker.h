// One thread's share of the data plane: its listeners, its clients' connections, its connections to
// servers. Shares nothing with other workers but the snapshot and the endpoints' atomics.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/slab.h"
#include "config/scheme.h"
#include "conn/preamble.h"
#include "conn/server_connection.h"
#include "conn/upstream_pool.h"
#include "proxy/admission.h"
#include "proxy/exchange.h"
#include "proxy/flow.h"
#include "proxy/forward.h"
#include "proxy/memory_guard.h"
#include "proxy/options.h"
#include "proxy/outcome.h"
#include "proxy/proxy_status.h"
#include "proxy/route.h"
#include "proxy/shared.h"
#include "telemetry/record.h"

namespace giliran::proxy {

// Counted by one worker; read by others after it has stopped.
struct WorkerCounts {
  uint64_t connections = 0, exchanges = 0, flows = 0;
  uint64_t failed = 0;           // exchanges and flows that did not end well
  uint64_t refused = 0;          // requests the parser refused
  uint64_t silent = 0;           // connections that ended before the first byte of a request
  uint64_t retries = 0;          // attempts after the first
  uint64_t retries_refused = 0;  // by the retry budget
  uint64_t over_limit = 0;       // connections above connections_max
  uint64_t accept_pauses = 0;    // accepting stopped for want of descriptors or memory
  uint64_t cut = 0;              // exchanges and flows cut by a shutdown
  uint64_t cut_for_memory = 0;   // connections and flows ended because they held most of it
  // How they ended, by End: what every limit has cost.
  std::array<uint64_t, static_cast<size_t>(telemetry::End::kInternal) + 1> ends{};

  void add(const WorkerCounts& other);
};

// A server that fails, as an operator is told.
struct ServerTrouble {
  const cluster::Endpoint& server;
  const cluster::Pool& pool;
  std::string why;          // behind its name: "refuses connections"
  base::Duration left_out;  // from now on; 0: it stays in use, as no other could be
  bool alone;               // no other server of the pool is up
};

// What an operator wants to hear of at once. Called on the workers' threads, rarely.
class Notices {
 public:
  virtual ~Notices() = default;
  // Accepting stops for a moment for want of descriptors or memory; once a pause.
  virtual void accept_paused(int error) = 0;
  // connections_max of that listener (empty: in all) is reached.
  virtual void connections_full(const std::string& listener) = 0;
  // memory_max is reached: so many connections and flows, those that held most, were ended.
  virtual void memory_full(uint32_t ended) = 0;
  // Each time it is left out; of one that stays in use, at most once in ten seconds.
  virtual void server_failed(const ServerTrouble& trouble) = 0;
  // What server_failed() said is over.
  virtual void server_up(const cluster::Endpoint& endpoint) = 0;
};

class Worker final : private net::AcceptEvents,
                     private MemoryUser,
                     private conn::ServerHandler,
                     private conn::PreambleEvents {
 public:
  struct Setup {
    net::Io& io;
    Options options;
    std::shared_ptr<const cluster::Snapshot> snapshot;
    telemetry::RecordSink& sink;
    Shared& shared;
    base::Rng random;
    uint32_t index = 0;  // of this worker
    uint32_t workers = 1;
    Notices& notices;
    bool gauges = false;  // records are to say what else was in flight
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
  // What Shared::wake asks for.
  void serve_queues() { admission_.serve(); }
  // Stops accepting, lets what is under way finish; `done` is called when nothing is left.
  void drain(std::function<void()> done);
  // Cuts what is left; `done` of drain() follows.
  void shut();

  const WorkerCounts& counts() const { return counts_; }
  // Connections of clients, flows included.
  uint32_t open() const {
    return static_cast<uint32_t>(clients_.live() + flows_.live() + announcing_.live());
  }
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
  const std::shared_ptr<const cluster::Listener>& shared_listener(size_t number) const {
    return listeners_[number];
  }
  RouteScratch& route_scratch() { return *route_scratch_; }
  // Limits.
  bool over_limit(const conn::ServerConnection& connection) const;
  // How long this client has to wait for its next request; absent where it need not.
  std::optional<base::Duration> over_rate(const base::Address& client);
  // How to say that something failed: bodies as configured, Proxy-Status. Valid until the next
  // call.
  conn::OwnAnswer answer_text(uint16_t status, const Failure& failure);
  // Bytes in front of a connection to a server that wants to know who asks.
  void append_proxy_header(const cluster::Pool& pool, const base::Address& client,
                           const base::Address& local, std::string& out);
  net::TcpOptions tcp_options() const { return upstream_options_.client.tcp; }
  // The endpoint that a client's cookie names, or kNobody; and the cookie that names one.
  uint32_t preferred(const cluster::Pool& pool, const conn::Fields& fields) const;
  std::string sticky_cookie(const cluster::Pool& pool, uint32_t index) const;
  Admission& admission() { return admission_; }
  // Has the queues looked at while anybody waits.
  void pump_queues();
  // Gives a slot back; who waits for one is served.
  void release(const cluster::Pool& pool, cluster::Endpoint& endpoint);
  bool gauges() const { return gauges_; }
  // held: the slot on the endpoint is not given back yet. Either way it counts itself.
  void read_gauges(const cluster::Listener& listener, const cluster::Pool* pool,
                   const cluster::Endpoint* endpoint, bool held, telemetry::Record& record) const;
  size_t listener_of(const conn::ServerConnection& connection) const;
  void count_record(const telemetry::Record& record);
  // The outcome of a connect, for the endpoint's verdict.
  void connected(cluster::Endpoint& endpoint);
  void connect_failed(const cluster::Pool& pool, cluster::Endpoint& endpoint,
                      const conn::StreamClosed& closed);
  // Of an attempt that was connected: a response head came, which is enough to be up again; all of
  // it came, which ends a row of failures; or none, or not a whole response.
  void answering(const cluster::Pool& pool, cluster::Endpoint& endpoint, uint16_t status);
  void answered(const cluster::Pool& pool, cluster::Endpoint& endpoint, uint16_t status);
  void failed(const cluster::Pool& pool, cluster::Endpoint& endpoint, const Trouble& trouble);
  void destroy(Exchange& exchange);
  void destroy(Flow& flow);

 private:
  // To the operator. That it is back is said only where its trouble was.
  void tell_failed(const cluster::Pool& pool, cluster::Endpoint& endpoint, const Trouble& trouble,
                   base::Duration left_out, bool alone);
  void tell_up(cluster::Endpoint& endpoint);

  struct Client;      // a client's HTTP connection in the list of all
  struct Announcing;  // a connection whose PROXY header is awaited

  void begin_connection(size_t listener, net::SocketId socket, const base::Address& peer,
                        conn::Arrival arrival, bool over_limit);
  enum class Room : uint8_t {
    kYes,
    kRefuse,  // one too many: answered, then closed
    kDrop     // far too many: reset at once
  };
  Room count_in(size_t listener);
  void count_out(size_t listener);
  void on_announced(conn::Preamble& preamble, conn::Announced announced) override;
  void on_preamble_failed(conn::Preamble& preamble, const conn::PreambleFailure& failure) override;

  void on_accepted(net::ListenerId listener, net::SocketId socket,
                   const base::Address& peer) override;
  void on_accept_paused(net::ListenerId listener, int error) override;
  void on_listener_closed(net::ListenerId listener) override;
  conn::ServerStreamEvents& on_request(conn::ServerConnection& connection,
                                       conn::ServerStream& stream, const conn::RequestHead& head,
                                       const base::Slice& bytes) override;
  void on_refused(conn::ServerConnection& connection, const conn::StreamFacts& facts,
                  const conn::StreamClosed& why, uint16_t status, std::string_view bytes) override;
  conn::OwnAnswer own_answer(const conn::ServerConnection& connection,
                             const conn::StreamClosed& why, uint16_t status) override;
  bool end_gives_up(const conn::ServerConnection& connection) override;
  void on_connection_closed(conn::ServerConnection& connection) override;
  void check_done();
  void on_pump();
  void wake(uint32_t worker);
  void on_memory_scarce(bool scarce) override;
  void free_memory(uint64_t bytes) override;

  struct Listening {
    net::ListenerId id;
    size_t listener;
  };

  net::Io& io_;
  Options options_;
  std::shared_ptr<const cluster::Snapshot> snapshot_;
  // Those of the snapshot; references are counted on a cache line of this worker's own.
  std::vector<std::shared_ptr<const cluster::Listener>> listeners_;
  telemetry::RecordSink& sink_;
  Shared& shared_;
  base::Rng random_;
  Notices& notices_;
  conn::ServerOptions server_options_;
  conn::UpstreamOptions upstream_options_;
  conn::UpstreamPool upstream_;
  std::unique_ptr<FieldList> fields_;
  Admission admission_;
  net::MemberTimer<Worker, &Worker::on_pump> pump_timer_{*this};
  std::unique_ptr<RouteScratch> route_scratch_;
  std::string answer_body_;  // of answer_text()
  std::array<char, kProxyStatusBytesMax> proxy_status_;
  base::Slab<Client> clients_;
  base::Slab<Announcing> announcing_;
  RateLimit rate_limit_;
  base::Slab<Exchange> exchanges_;
  base::Slab<Flow> flows_;
  Client* first_client_ = nullptr;
  Announcing* first_announcing_ = nullptr;
  Flow* first_flow_ = nullptr;
  std::vector<Listening> listening_;
  uint64_t next_connection_;
  uint64_t connection_stride_;
  uint32_t index_;
  uint32_t workers_;
  bool gauges_;
  WorkerCounts counts_;
  MemoryGuard memory_;
  std::function<void()> done_;
};

}  // namespace giliran::proxy
