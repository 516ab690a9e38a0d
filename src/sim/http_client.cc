#include "sim/http_client.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/content.h"
#include "wire/proxy_header/proxy_header.h"

namespace giliran::sim {
namespace {

using wire::http1::BodyEvent;
using wire::http1::Parse;

constexpr base::Duration kPatience = std::chrono::seconds(30);
constexpr base::Duration kStopped = std::chrono::seconds(6);  // then it closes
constexpr base::Duration kReconnect = std::chrono::milliseconds(1);

bool own_status(uint16_t status) {
  return status == 400 || status == 405 || status == 408 || status == 413 || status == 429 ||
         status == 502 || status == 503 || status == 504;
}

std::string_view find(const wire::http1::Fields& fields, std::string_view name) {
  for (const wire::http1::Field& field : fields.all()) {
    if (field.name == name) return field.value;
  }
  return {};
}

std::string_view path_of(Where where) {
  switch (where) {
    case Where::kPool:
    case Where::kDenied:
      break;
    case Where::kOtherPool:
      return "/other";
    case Where::kRedirect:
      return "/go";
    case Where::kPage:
      return "/page";
  }
  return "";
}

}  // namespace

void append_chunked(std::string& out, uint64_t content, uint64_t size) {
  uint64_t at = 0;
  while (at < size) {
    const bool bytewise = content / 2 % 4 == 0 && at < 1500;
    const uint64_t wanted = bytewise ? 1 : 1 + (content * 7919 + at * 31) % 9000;
    const uint64_t n = std::min(size - at, wanted);
    out += fmt::format("{:x}\r\n", n);
    append_content(out, content, at, n);
    out += "\r\n";
    at += n;
  }
  out += size % 2 == 0 ? "0\r\nX-Check: sum\r\n\r\n" : "0\r\n\r\n";
}

std::string request_text(const RequestPlan& plan, uint64_t id, std::string_view cookie,
                         size_t& head_bytes) {
  std::string text = fmt::format("{} {}/r/{}. HTTP/1.{}\r\nHost: sim\r\n", plan.method,
                                 path_of(plan.where), id, plan.http10 ? 0 : 1);
  text += fmt::format("traceparent: 00-{:032x}-{:016x}-01\r\n", id, id);
  if (plan.http10 && plan.keep_alive) text += "Connection: keep-alive\r\n";
  if (!plan.http10 && !plan.keep_alive) text += "Connection: close\r\n";
  if (plan.upgrade) text += "Connection: upgrade\r\nUpgrade: sim\r\n";
  if (!cookie.empty()) text += fmt::format("Cookie: a=b; {}\r\n", cookie);
  if (plan.request_framing == Framing::kLength) {
    text += fmt::format("Content-Length: {}\r\n", plan.request_body());
  }
  if (plan.request_framing == Framing::kChunked) text += "Transfer-Encoding: chunked\r\n";
  text += "\r\n";
  head_bytes = text.size();
  if (plan.request_framing == Framing::kLength) {
    append_content(text, request_content(id), 0, plan.request_body());
  }
  if (plan.request_framing == Framing::kChunked) {
    append_chunked(text, request_content(id), plan.request_body());
  }
  return text;
}

HttpClient::HttpClient(net::Io& io, Ledger& ledger, const ClientScript& script)
    : io_(io), ledger_(ledger), script_(script) {
  io_.arm(start_, script_.start);
  if (script_.act != ClientScript::Act::kNone) {
    io_.arm(act_, script_.start + script_.act_after);
  }
}

void HttpClient::connect() {
  LinkEvents& events = *this;
  links_.push_back(std::make_unique<Link>(io_, events));
  links_.back()->set_pace(script_.pace);
  was_up_ = false;
  last_on_connection_ = false;
  reading_ = Reading::kHead;
  parser_.reset();
  io_.arm(patience_, kPatience);
  links_.back()->connect(script_.proxy);
}

// --- asking ---

void HttpClient::on_link_up(Link&) {
  was_up_ = true;
  if (!script_.announce.none()) announce();
  send_more();
}

void HttpClient::announce() {
  std::string header = "PROXY TCP9 nonsense\r\n";
  if (script_.how != ClientScript::Announce::kWrong) {
    header.clear();
    const auto version = script_.how == ClientScript::Announce::kV1
                             ? wire::proxy_header::Version::kV1
                             : wire::proxy_header::Version::kV2;
    wire::proxy_header::append(version, script_.announce, script_.proxy, header);
  }
  links_.back()->send(header);
}

// Behind a request for an upgrade nothing is sent before it is known what became of it.
bool HttpClient::may_send() const {
  if (!waiting_.empty() && ledger_.requests[waiting_.back()].upgrade) return false;
  return links_.back()->open() && !last_on_connection_ && waiting_.size() < script_.depth;
}

void HttpClient::send_more() {
  while (next_ < script_.requests.size() && may_send()) send_request(script_.requests[next_++]);
  const bool upgrades = !waiting_.empty() && ledger_.requests[waiting_.back()].upgrade;
  if (next_ == script_.requests.size() && script_.half_close && !upgrades) links_.back()->end();
}

void HttpClient::send_request(uint64_t id) {
  const RequestPlan& plan = ledger_.requests[id];
  RequestSeen& seen = ledger_.seen[id];
  size_t head_bytes = 0;
  std::string text = request_text(plan, id, cookie_, head_bytes);
  seen.cookie = cookie_;
  seen.client = script_.announce.none() ? links_.back()->local() : script_.announce;
  seen.begun = true;
  seen.whole = plan.send_act == SendAct::kWhole;
  seen.wire_out = text.size();
  waiting_.push_back(id);
  if (plan.send_act != SendAct::kWhole) text.resize(1 + (id * 7919) % (text.size() - 1));
  if (plan.send_act != SendAct::kWhole || !plan.keep_alive) last_on_connection_ = true;
  links_.back()->send(text);
  if (plan.send_act == SendAct::kTruncated) links_.back()->end();
}

// --- reading ---

void HttpClient::on_link_data(Link&) {
  io_.arm(patience_, kPatience);
  read();
}

void HttpClient::read() {
  bool progress = true;
  while (progress && links_.back()->open()) {
    switch (reading_) {
      case Reading::kHead:
        progress = read_head();
        break;
      case Reading::kBody:
        progress = read_body();
        break;
      case Reading::kTunnel:
        read_tunnel();
        progress = false;
        break;
    }
  }
}

bool HttpClient::read_head() {
  std::string& input = links_.back()->input;
  if (input.empty()) return false;
  if (waiting_.empty()) {
    ledger_.wrong(fmt::format("a client got bytes it had not asked for: {}", input.substr(0, 60)));
    leave(net::CloseMode::kReset);
    return false;
  }
  const uint64_t id = waiting_.front();
  const auto result = parser_.parse(input, ledger_.requests[id].method, head_);
  if (result.parse == Parse::kNeedMore) return false;
  if (result.parse == Parse::kError) {
    ledger_.wrong(fmt::format("request {}: the client cannot read its answer: {}", id,
                              wire::http1::problem_name(result.problem)));
    leave(net::CloseMode::kReset);
    return false;
  }
  ledger_.seen[id].wire_in += result.consumed;
  if (head_.status == 101) {
    check_head(id);
    input.erase(0, result.consumed);
    begin_tunnel(id);
    return true;
  }
  if (head_.status >= 200) {
    check_head(id);
    body_.start(head_.framing, head_.content_length);
    body_got_ = 0;
    reading_ = Reading::kBody;
  }
  input.erase(0, result.consumed);
  return true;
}

void HttpClient::check_head(uint64_t id) {
  const RequestPlan& plan = ledger_.requests[id];
  RequestSeen& seen = ledger_.seen[id];
  seen.status = head_.status;
  seen.own = !find(head_.fields, "Proxy-Status").empty();
  const std::string_view cookie = find(head_.fields, "Set-Cookie");
  if (!cookie.empty() && script_.cookies) {
    seen.set_cookie = cookie_ = cookie.substr(0, cookie.find(';'));
  }
  if (plan.where == Where::kRedirect && !seen.own &&
      find(head_.fields, "Location") != fmt::format("http://elsewhere/go/r/{}.", id)) {
    ledger_.wrong(fmt::format("request {}: a redirect to elsewhere", id));
  }
  if (!seen.own && plan.where != Where::kDenied && plan.status_may_be(head_.status)) {
    const bool bodiless = head_.status == 204 || head_.status == 304;
    if (head_.has_content_length && !bodiless && head_.content_length != plan.body_out) {
      ledger_.wrong(fmt::format("request {}: answer of {} bytes announced as {}", id, plan.body_out,
                                head_.content_length));
    }
  } else if (!seen.own || !own_status(head_.status)) {
    ledger_.wrong(fmt::format("request {}: status {}, which nobody gave", id, head_.status));
  }
}

bool HttpClient::read_body() {
  const uint64_t id = waiting_.front();
  RequestSeen& seen = ledger_.seen[id];
  std::string& input = links_.back()->input;
  const BodyEvent event = body_.next(input, nullptr);
  seen.wire_in += event.consumed;
  if (event.kind == BodyEvent::Kind::kData) {
    const bool page = ledger_.requests[id].where == Where::kPage;
    if (!seen.own && (page ? event.data != kPage.substr(body_got_, event.data.size())
                           : !is_content(event.data, response_content(id), body_got_))) {
      ledger_.wrong(fmt::format("request {}: foreign bytes in its answer at {}", id, body_got_));
    }
    body_got_ += event.data.size();
  }
  input.erase(0, event.consumed);
  switch (event.kind) {
    case BodyEvent::Kind::kNeedMore:
      return false;
    case BodyEvent::Kind::kData:
      return true;
    case BodyEvent::Kind::kEnd:
      response_complete();
      return true;
    case BodyEvent::Kind::kError:
      ledger_.wrong(fmt::format("request {}: the client cannot read its answer's body: {}", id,
                                wire::http1::problem_name(event.problem)));
      leave(net::CloseMode::kReset);
      return false;
  }
  return false;
}

void HttpClient::response_complete() {
  const uint64_t id = waiting_.front();
  waiting_.pop_front();
  const RequestPlan& plan = ledger_.requests[id];
  RequestSeen& seen = ledger_.seen[id];
  seen.complete = true;
  const bool bodiless = plan.method == "HEAD" || seen.status == 204 || seen.status == 304;
  if (!seen.own && body_got_ != (bodiless ? 0 : plan.body_out)) {
    ledger_.wrong(
        fmt::format("request {}: {} bytes of answer instead of {}", id, body_got_, plan.body_out));
  }
  reading_ = Reading::kHead;
  const bool more_here = next_ < script_.requests.size() && !last_on_connection_;
  if (!head_.keep_alive || (waiting_.empty() && !more_here)) {
    leave(net::CloseMode::kGraceful);
    return;
  }
  send_more();
}

// --- a tunnel ---

void HttpClient::begin_tunnel(uint64_t id) {
  const RequestPlan& plan = ledger_.requests[id];
  if (!plan.tunnel()) ledger_.wrong(fmt::format("request {}: an upgrade nobody agreed to", id));
  reading_ = Reading::kTunnel;
  last_on_connection_ = true;
  body_got_ = 0;
  std::string text;
  append_content(text, request_content(id), 0, plan.body_in);
  ledger_.seen[id].wire_out += text.size();
  links_.back()->send(text);
  if (plan.tunnel_end == TunnelEnd::kClientFirst) links_.back()->end();
  if (plan.tunnel_end == TunnelEnd::kClientReset) io_.arm(tunnel_act_, plan.tunnel_act_after);
}

void HttpClient::read_tunnel() {
  const uint64_t id = waiting_.front();
  std::string& input = links_.back()->input;
  if (!is_content(input, response_content(id), body_got_)) {
    ledger_.wrong(
        fmt::format("request {}: foreign bytes to the client in its tunnel at {}", id, body_got_));
  }
  body_got_ += input.size();
  ledger_.seen[id].wire_in += input.size();
  input.clear();
}

// --- endings ---

void HttpClient::on_link_end(Link&) {
  if (reading_ == Reading::kTunnel && !waiting_.empty()) {
    const uint64_t id = waiting_.front();
    ledger_.seen[id].complete = body_got_ == ledger_.requests[id].body_out;
    links_.back()->end_and_close();
    return;
  }
  if (reading_ == Reading::kBody && body_.end_of_input()) response_complete();
  leave(net::CloseMode::kGraceful);
}

void HttpClient::on_link_broken(Link&) {
  // What cannot be connected is not tried for ever.
  if (!was_up_ && next_ < script_.requests.size()) ++next_;
  leave(net::CloseMode::kReset);
}

void HttpClient::leave(net::CloseMode mode) {
  waiting_.clear();
  links_.back()->close(mode);
}

void HttpClient::on_link_closed(Link&) {
  waiting_.clear();
  io_.timers().disarm(patience_);
  io_.timers().disarm(leave_);
  io_.timers().disarm(tunnel_act_);
  if (next_ == script_.requests.size()) {
    io_.timers().disarm(act_);
    done_ = true;
    return;
  }
  io_.arm(start_, kReconnect);
}

void HttpClient::give_up() {
  for (const uint64_t id : waiting_) ledger_.seen[id].client_left = true;
  leave(net::CloseMode::kReset);
}

void HttpClient::on_act() {
  if (links_.empty() || !links_.back()->open()) return;
  if (script_.act == ClientScript::Act::kAbort) {
    give_up();
    return;
  }
  for (const uint64_t id : waiting_) ledger_.seen[id].client_left = true;
  links_.back()->stop_reading();
  last_on_connection_ = true;
  io_.arm(leave_, kStopped);
}

void HttpClient::on_leave() {
  give_up();
}

void HttpClient::on_patience() {
  ledger_.wrong(fmt::format("request {}: nothing came for {} s",
                            waiting_.empty() ? 0 : waiting_.front(), base::to_seconds(kPatience)));
  give_up();
}

}  // namespace giliran::sim
