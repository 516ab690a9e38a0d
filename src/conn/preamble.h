// The first bytes of a connection whose sender says, by a PROXY header, for whom it speaks: owns
// the accepted socket until the header is complete, then hands it on.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/buffer.h"
#include "conn/input.h"
#include "conn/stream.h"
#include "net/io.h"

namespace giliran::conn {

class Preamble;

// A connection as it is after its header.
struct Announced {
  net::SocketId socket;
  // By the header; both none where the sender speaks for itself (LOCAL, UNKNOWN).
  base::Address source;
  base::Address destination;
  base::Slice early;  // bytes received behind the header; may be empty
};

struct PreambleFailure {
  // kBadMessage, kHeadTimeout, kPeerClosed, kPeerReset or kShutdown.
  StreamEnd end = StreamEnd::kBadMessage;
  std::string_view problem = {};  // where kBadMessage: "no-proxy-header", ...; a literal
  int error = 0;                  // errno, or 0
  uint32_t bytes = 0;             // received
};

class PreambleEvents {
 public:
  // The header is complete. The socket is the receiver's now: it must own() it before it returns,
  // also where it only closes it (on_closed goes to the owner). Nothing is being received. The last
  // event: the preamble may be destroyed inside it.
  virtual void on_announced(Preamble& preamble, Announced announced) = 0;
  // There was no header, or not in time. The socket is closed and recycled. The last event: the
  // preamble may be destroyed inside it.
  virtual void on_preamble_failed(Preamble& preamble, const PreambleFailure& failure) = 0;

 protected:
  ~PreambleEvents() = default;
};

class Preamble final : private net::SocketEvents {
 public:
  // Takes over the accepted socket. Exactly one of the events follows, never inside this call.
  Preamble(net::Io& io, net::SocketId socket, const base::Address& peer,
           base::Duration head_timeout, PreambleEvents& events);

  const base::Address& peer() const { return peer_; }  // of the socket
  base::Instant accepted() const { return accepted_; }
  // Cuts now; on_preamble_failed(kShutdown) follows. Again, or after another end: does nothing.
  void shut();

  void* user = nullptr;  // the receiver's

 private:
  enum class State : uint8_t {
    kReading,
    kHandedOn,
    kClosing  // socket closed, waiting for on_closed
  };

  void fail(const PreambleFailure& failure, net::CloseMode mode);
  void read_header();
  void on_deadline();

  // net::SocketEvents
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_closed(net::SocketId socket) override;

  net::Io& io_;
  net::SocketId socket_;
  PreambleEvents& events_;
  base::Address peer_;
  base::Instant accepted_;
  Input input_;
  PreambleFailure failure_;
  uint32_t bytes_ = 0;
  State state_ = State::kReading;
  net::MemberTimer<Preamble, &Preamble::on_deadline> timer_{*this};
};

}  // namespace giliran::conn
