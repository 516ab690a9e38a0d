// A simulated server: does with each request what its plan says, and checks every byte of it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"
#include "wire/http1/parser.h"

namespace giliran::sim {

struct ServerScript {
  base::Address at;
  base::Duration idle{};   // a connection without a request is kept so long; 0: for ever
  bool announced = false;  // a PROXY header begins each connection
  std::function<void()> on_request{};  // a head has come
};

class HttpServer final : private net::AcceptEvents {
 public:
  HttpServer(net::Io& io, Ledger& ledger, ServerScript script);
  ~HttpServer();

  void stop();       // stops accepting
  void close_all();  // what is still open
  size_t open() const;

 private:
  class Connection;

  void on_accepted(net::ListenerId listener, net::SocketId socket,
                   const base::Address& peer) override;
  void on_accept_paused(net::ListenerId, int) override {}
  void on_listener_closed(net::ListenerId) override {}

  net::Io& io_;
  Ledger& ledger_;
  ServerScript script_;
  net::ListenerId listener_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace giliran::sim
