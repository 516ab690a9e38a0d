#include "sim/http_server.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "sim/content.h"
#include "sim/http_client.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::sim {

using wire::http1::BodyEvent;
using wire::http1::Parse;

namespace {

constexpr std::string_view kInterim = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";

}  // namespace

class HttpServer::Connection final : private LinkEvents {
 public:
  Connection(HttpServer& server, net::SocketId socket) : server_(server), link_(server.io_, *this) {
    link_.adopt(socket);
    wait_for_request();
    announcing_ = server_.script_.announced;
  }

  bool open() const { return !closed_; }
  void close() { link_.close(net::CloseMode::kGraceful); }

 private:
  enum class State : uint8_t { kHead, kBody, kWorking, kTunnel, kOver };

  void wait_for_request() {
    state_ = State::kHead;
    id_ = 0;
    const base::Duration idle = server_.script_.idle;
    if (idle > base::Duration{0}) server_.io_.arm(idle_, idle);
  }
  void read();
  bool read_announcement();
  void begin_tunnel(const RequestPlan& plan);
  void read_tunnel();
  bool read_head();
  bool read_body();
  void take_request();
  void answer();
  void send_answer(const RequestPlan& plan, bool cut);
  void on_work() {
    if (state_ == State::kTunnel) {
      link_.close(net::CloseMode::kReset);
    } else {
      answer();
    }
  }
  void on_idle() {
    if (state_ == State::kHead && link_.input.empty()) {
      state_ = State::kOver;
      link_.close(net::CloseMode::kGraceful);
    }
  }

  void on_link_up(Link&) override {}
  void on_link_data(Link&) override { read(); }
  void on_link_end(Link&) override {
    if (state_ == State::kTunnel) {
      server_.ledger_.seen[id_].server_got_end = true;
      link_.end_and_close();
    } else {
      close();
    }
  }
  void on_link_broken(Link&) override { close(); }
  void on_link_closed(Link&) override {
    closed_ = true;
    server_.io_.timers().disarm(work_);
    server_.io_.timers().disarm(idle_);
  }

  HttpServer& server_;
  Link link_;
  wire::http1::RequestParser parser_;
  wire::http1::RequestHead head_;
  wire::http1::BodyParser body_;
  State state_ = State::kHead;
  uint64_t id_ = 0;
  uint64_t body_got_ = 0;
  base::Address client_;
  uint32_t announced_bytes_ = 0;
  bool announcing_ = false;  // the header has not come yet
  bool answered_ = false;
  bool closed_ = false;
  net::MemberTimer<Connection, &Connection::on_work> work_{*this};
  net::MemberTimer<Connection, &Connection::on_idle> idle_{*this};
};

void HttpServer::Connection::read() {
  bool progress = true;
  while (progress && link_.open()) {
    switch (state_) {
      case State::kHead:
        progress = read_head();
        break;
      case State::kBody:
        progress = read_body();
        break;
      case State::kWorking:
        if (!link_.input.empty()) {
          server_.ledger_.wrong(
              fmt::format("request {}: the server got bytes before it had answered", id_));
        }
        progress = false;
        break;
      case State::kTunnel:
        read_tunnel();
        progress = false;
        break;
      case State::kOver:
        progress = false;
        break;
    }
  }
}

// False where it has not come whole.
bool HttpServer::Connection::read_announcement() {
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
  announced_bytes_ = result.consumed;
  link_.input.erase(0, result.consumed);
  return true;
}

bool HttpServer::Connection::read_head() {
  if (link_.input.empty()) return false;
  if (announcing_ && !read_announcement()) return false;
  const auto result = parser_.parse(link_.input, head_);
  if (result.parse == Parse::kNeedMore) return false;
  Ledger& ledger = server_.ledger_;
  id_ = result.parse == Parse::kDone ? request_of(head_.target) : 0;
  if (id_ == 0 || id_ >= ledger.requests.size()) {
    ledger.wrong(
        fmt::format("a server got what is no request of ours: {}", link_.input.substr(0, 80)));
    close();
    return false;
  }
  const RequestPlan& plan = ledger.requests[id_];
  if (head_.method != plan.method) ledger.wrong(fmt::format("request {}: another method", id_));
  RequestSeen& seen = ledger.seen[id_];
  ++seen.executed;
  server_.script_.on_request();
  if (server_.script_.announced && !(client_ == seen.client)) {
    ledger.wrong(fmt::format("request {}: announced as from {} instead of {}", id_, client_.text(),
                             seen.client.text()));
  }
  if (plan.upgrade != head_.upgrade) {
    ledger.wrong(fmt::format("request {}: upgrade {} became {}", id_, plan.upgrade, head_.upgrade));
  }
  seen.server_in = result.consumed + std::exchange(announced_bytes_, 0U);
  seen.server_out = 0;
  seen.server_got_all = false;
  answered_ = false;
  body_got_ = 0;
  body_.start(head_.framing, head_.content_length);
  state_ = State::kBody;
  link_.input.erase(0, result.consumed);
  if (plan.server_act == ServerAct::kEarly) answer();
  if (plan.server_act == ServerAct::kStopReading) {
    state_ = State::kOver;
    link_.stop_reading();
  }
  return link_.open();
}

bool HttpServer::Connection::read_body() {
  const BodyEvent event = body_.next(link_.input, nullptr);
  Ledger& ledger = server_.ledger_;
  RequestSeen& seen = ledger.seen[id_];
  seen.server_in += event.consumed;
  if (event.kind == BodyEvent::Kind::kData) {
    if (!is_content(event.data, request_content(id_), body_got_)) {
      ledger.wrong(fmt::format("request {}: foreign bytes in its body at {}", id_, body_got_));
    }
    body_got_ += event.data.size();
  }
  link_.input.erase(0, event.consumed);
  switch (event.kind) {
    case BodyEvent::Kind::kNeedMore:
      return false;
    case BodyEvent::Kind::kData:
      return true;
    case BodyEvent::Kind::kEnd:
      take_request();
      return true;
    case BodyEvent::Kind::kError:
      ledger.wrong(fmt::format("request {}: a body no server can read: {}", id_,
                               wire::http1::problem_name(event.problem)));
      close();
      return false;
  }
  return false;
}

void HttpServer::Connection::take_request() {
  Ledger& ledger = server_.ledger_;
  const RequestPlan& plan = ledger.requests[id_];
  ledger.seen[id_].server_got_all = true;
  if (body_got_ != plan.request_body()) {
    ledger.wrong(fmt::format("request {}: a body of {} bytes instead of {}", id_, body_got_,
                             plan.request_body()));
  }
  if (answered_) {
    wait_for_request();
    return;
  }
  state_ = State::kWorking;
  server_.io_.arm(work_, plan.server_delay);
}

void HttpServer::Connection::answer() {
  const RequestPlan& plan = server_.ledger_.requests[id_];
  answered_ = true;
  if (plan.tunnel() &&
      (plan.server_act == ServerAct::kAnswer || plan.server_act == ServerAct::kInterim)) {
    begin_tunnel(plan);
    return;
  }
  switch (plan.server_act) {
    case ServerAct::kInterim:
      link_.send(kInterim);
      server_.ledger_.seen[id_].server_out += kInterim.size();
      send_answer(plan, false);
      break;
    case ServerAct::kAnswer:
    case ServerAct::kEarly:
      send_answer(plan, false);
      break;
    case ServerAct::kAnswerAndClose:
      send_answer(plan, false);
      state_ = State::kOver;
      link_.end_and_close();
      return;
    case ServerAct::kCutBody:
      send_answer(plan, true);
      state_ = State::kOver;
      link_.end_and_close();
      return;
    case ServerAct::kClose:
      state_ = State::kOver;
      link_.close(net::CloseMode::kGraceful);
      return;
    case ServerAct::kReset:
      state_ = State::kOver;
      link_.close(net::CloseMode::kReset);
      return;
    case ServerAct::kGarbage:
      state_ = State::kOver;
      link_.send("220 mail.example ESMTP ready\r\n");
      return;
    case ServerAct::kSilent:
    case ServerAct::kStopReading:
      state_ = State::kOver;
      return;
  }
  if (plan.response_framing == Framing::kUntilClose) {
    state_ = State::kOver;
    link_.end_and_close();
  } else if (state_ == State::kWorking) {
    wait_for_request();
    read();
  }
}

void HttpServer::Connection::begin_tunnel(const RequestPlan& plan) {
  RequestSeen& seen = server_.ledger_.seen[id_];
  state_ = State::kTunnel;
  body_got_ = 0;
  std::string text = "HTTP/1.1 101 As You Like\r\nUpgrade: sim\r\nConnection: upgrade\r\n\r\n";
  append_content(text, response_content(id_), 0, plan.body_out);
  seen.server_out += text.size();
  link_.send(text);
  if (plan.tunnel_end == TunnelEnd::kServerFirst) link_.end();
  if (plan.tunnel_end == TunnelEnd::kServerReset) server_.io_.arm(work_, plan.tunnel_act_after);
  read_tunnel();
}

void HttpServer::Connection::read_tunnel() {
  if (!is_content(link_.input, request_content(id_), body_got_)) {
    server_.ledger_.wrong(
        fmt::format("request {}: foreign bytes in its tunnel at {}", id_, body_got_));
  }
  body_got_ += link_.input.size();
  server_.ledger_.seen[id_].server_in += link_.input.size();
  link_.input.clear();
}

void HttpServer::Connection::send_answer(const RequestPlan& plan, bool cut) {
  const bool busy = server_.ledger_.seen[id_].executed <= plan.busy_times;
  const uint16_t status = busy ? plan.busy_status : plan.status;
  const bool bodiless = plan.method == "HEAD" || status == 204 || status == 304;
  std::string text = fmt::format("HTTP/1.{} {} As Planned\r\nContent-Type: x/y\r\n",
                                 plan.response_framing == Framing::kUntilClose ? 0 : 1, status);
  if (plan.response_framing == Framing::kLength && status != 204) {
    text += fmt::format("Content-Length: {}\r\n", plan.body_out);
  }
  if (plan.response_framing == Framing::kChunked && status != 204) {
    text += "Transfer-Encoding: chunked\r\n";
  }
  text += "\r\n";
  const size_t head_bytes = text.size();
  if (!bodiless && plan.response_framing == Framing::kChunked) {
    append_chunked(text, response_content(id_), plan.body_out);
  } else if (!bodiless) {
    append_content(text, response_content(id_), 0, plan.body_out);
  }
  if (cut) text.resize(head_bytes / 2 + id_ * 7919 % (text.size() - head_bytes / 2));
  server_.ledger_.seen[id_].server_out += text.size();
  link_.send(text);
}

HttpServer::HttpServer(net::Io& io, Ledger& ledger, ServerScript script)
    : io_(io), ledger_(ledger), script_(std::move(script)) {
  auto listener = io_.listen(script_.at, {}, *this);
  GILIRAN_ASSERT(listener.has_value());
  listener_ = *listener;
}

HttpServer::~HttpServer() = default;

void HttpServer::on_accepted(net::ListenerId, net::SocketId socket, const base::Address&) {
  connections_.push_back(std::make_unique<Connection>(*this, socket));
}

void HttpServer::stop() {
  io_.stop_listening(listener_);
}

void HttpServer::close_all() {
  for (const auto& connection : connections_) connection->close();
}

size_t HttpServer::open() const {
  size_t count = 0;
  for (const auto& connection : connections_) count += connection->open() ? 1 : 0;
  return count;
}

}  // namespace giliran::sim
