// A simulated client: asks one request after the other, several at once where it pipelines, and
// checks every byte of every answer.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/ledger.h"
#include "sim/link.h"
#include "wire/http1/parser.h"

namespace giliran::sim {

struct ClientScript {
  base::Address proxy;
  std::vector<uint64_t> requests;
  uint32_t depth = 1;     // requests on the way at once
  base::Duration pace{};  // between receives
  base::Duration start{};
  enum class Act : uint8_t { kNone, kAbort, kStopReading } act = Act::kNone;
  base::Duration act_after{};  // after the start
  bool half_close = false;     // after the last request
  base::Address announce{};    // who it says it is, in a PROXY header; none: it sends no header
  enum class Announce : uint8_t { kV1, kV2, kWrong } how = Announce::kV1;
  bool cookies = false;  // keeps them, and sends them back
};

class HttpClient final : private LinkEvents {
 public:
  HttpClient(net::Io& io, Ledger& ledger, const ClientScript& script);

  bool done() const { return done_; }

 private:
  void connect();
  void send_more();
  bool may_send() const;
  void announce();
  void send_request(uint64_t id);
  void begin_tunnel(uint64_t id);
  void read_tunnel();
  void on_tunnel_act() { give_up(); }
  void read();
  bool read_head();
  bool read_body();
  void check_head(uint64_t id);
  void response_complete();
  void give_up();
  void leave(net::CloseMode mode);
  void on_start() { connect(); }
  void on_act();
  void on_leave();
  void on_patience();

  void on_link_up(Link& link) override;
  void on_link_data(Link& link) override;
  void on_link_end(Link& link) override;
  void on_link_broken(Link& link) override;
  void on_link_closed(Link& link) override;

  enum class Reading : uint8_t { kHead, kBody, kTunnel };

  net::Io& io_;
  Ledger& ledger_;
  ClientScript script_;
  std::vector<std::unique_ptr<Link>> links_;  // the last one is in use
  std::deque<uint64_t> waiting_;              // on this connection, in order
  size_t next_ = 0;                           // of script_.requests
  wire::http1::ResponseParser parser_;
  wire::http1::BodyParser body_;
  wire::http1::ResponseHead head_;  // its views are not used after it was read
  uint64_t body_got_ = 0;
  Reading reading_ = Reading::kHead;
  std::string cookie_;
  bool was_up_ = false;
  bool last_on_connection_ = false;
  bool done_ = false;
  net::MemberTimer<HttpClient, &HttpClient::on_start> start_{*this};
  net::MemberTimer<HttpClient, &HttpClient::on_act> act_{*this};
  net::MemberTimer<HttpClient, &HttpClient::on_leave> leave_{*this};
  net::MemberTimer<HttpClient, &HttpClient::on_tunnel_act> tunnel_act_{*this};
  net::MemberTimer<HttpClient, &HttpClient::on_patience> patience_{*this};
};

// The request as it goes over the wire, and how many bytes of it are its head.
std::string request_text(const RequestPlan& plan, uint64_t id, std::string_view cookie,
                         size_t& head_bytes);

// Appends a chunked body of that content, with a trailer where there is an even number. Some begin
// with chunks of one byte.
void append_chunked(std::string& out, uint64_t content, uint64_t size);

constexpr uint64_t request_content(uint64_t id) {
  return id * 2;
}
constexpr uint64_t response_content(uint64_t id) {
  return id * 2 + 1;
}

}  // namespace giliran::sim
