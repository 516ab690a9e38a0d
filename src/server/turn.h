// One request's turn on the server: its wait for a thread, its work and its delay.
#pragma once

#include "base/time.h"
#include "net/io.h"
#include "server/character.h"
#include "server/service_pool.h"

namespace giliran::server {

class TurnEvents {
 public:
  // The turn is over, or, after abandon(), the thread has given it back: the owner may be
  // destroyed from now on. `cut`: the server is ending and the work was not finished.
  virtual void on_turn_over(bool cut) = 0;

 protected:
  ~TurnEvents() = default;
};

// Loop thread only. May be used again once over.
class Turn final : private Job {
 public:
  Turn(net::Io& io, ServicePool& pool, TurnEvents& owner) : io_(io), pool_(pool), owner_(owner) {}

  // ready: when the request was complete. True where nothing had to be waited for: the turn is
  // over, without an event.
  bool start(base::Instant ready, const Lot& lot);
  // The request is gone. False where a thread still has it: on_turn_over comes when it is back.
  bool abandon();

  bool under_way() const { return state_ != State::kOver; }
  bool waiting_for_thread() const;
  // Known once a thread began (queue) and once it is over (service); kNotReached before.
  base::Duration queued() const;
  base::Duration served() const { return served_; }

 private:
  enum class State : uint8_t { kOver, kWithThread, kDelaying };
  void on_served(base::Instant done, bool cut) override;
  void on_delay_over();

  net::Io& io_;
  ServicePool& pool_;
  TurnEvents& owner_;
  State state_ = State::kOver;
  bool on_thread_ = false;  // this turn needed one
  bool abandoned_ = false;
  base::Instant ready_{};
  base::Duration delay_{};
  base::Duration served_{};
  net::MemberTimer<Turn, &Turn::on_delay_over> timer_{*this};
};

}  // namespace giliran::server
