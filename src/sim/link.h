// One socket of a simulated client or server: text out, text in, at the pace that is asked for.
#pragma once

#include <string>
#include <string_view>

#include "net/io.h"

namespace giliran::sim {

class Link;

// on_link_closed is the last event.
class LinkEvents {
 public:
  virtual void on_link_up(Link& link) = 0;
  virtual void on_link_data(Link& link) = 0;    // link.input() has grown
  virtual void on_link_end(Link& link) = 0;     // the peer said all it had to say
  virtual void on_link_broken(Link& link) = 0;  // not connected, or reset
  virtual void on_link_closed(Link& link) = 0;

 protected:
  ~LinkEvents() = default;
};

class Link final : private net::SocketEvents {
 public:
  Link(net::Io& io, LinkEvents& events) : io_(io), events_(events) {}

  void connect(const base::Address& to);
  void adopt(net::SocketId accepted);
  void send(std::string_view text);
  void end();            // half-closes when all is sent
  void end_and_close();  // closes when all is sent
  void close(net::CloseMode mode);
  void set_pace(base::Duration between_receives) { pace_ = between_receives; }
  void stop_reading();

  bool open() const { return state_ == State::kConnecting || state_ == State::kUp; }
  bool all_sent() const { return out_.empty() && !sending_now_; }
  base::Address local() const { return local_; }
  std::string input;  // the owner takes away what it has read

 private:
  enum class State : uint8_t { kNew, kConnecting, kUp, kClosing, kClosed };
  enum class After : uint8_t { kNothing, kEnd, kClose, kDone };

  void flush();
  void receive();
  void on_pace();
  void broken();
  void on_connected(net::SocketId socket, int error) override;
  void on_received(net::SocketId socket, net::Received received) override;
  void on_sent(net::SocketId socket, size_t bytes, int error) override;
  void on_hangup(net::SocketId socket) override;
  void on_closed(net::SocketId socket) override;

  net::Io& io_;
  LinkEvents& events_;
  net::SocketId socket_;
  base::Address local_;
  std::string out_;
  std::string sending_;
  base::Slice slice_;
  base::Duration pace_{};
  net::MemberTimer<Link, &Link::on_pace> pace_timer_{*this};
  State state_ = State::kNew;
  After after_ = After::kNothing;  // what follows when all is sent
  bool sending_now_ = false;
  bool reading_ = true;
  bool broken_ = false;
};

}  // namespace giliran::sim
