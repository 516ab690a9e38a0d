#include "server/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/parse.h"
#include "base/text.h"
#include "server/outcome.h"

namespace giliran::server {
namespace {

constexpr std::string_view kPlainText = "text/plain";
constexpr uint32_t kPieceBytes = 16384;

// What --body is made of: lines of 64 bytes.
std::string_view pattern() {
  static const std::string bytes = [] {
    std::string out(65536, '.');
    for (size_t i = 63; i < out.size(); i += 64) out[i] = '\n';
    return out;
  }();
  return bytes;
}

double to_ms(base::Duration d) {
  return base::to_us(std::max(d, base::Duration{})) / 1e3;
}

}  // namespace

Exchange::Exchange(Loop& loop, HttpPeer& peer, conn::ServerStream& stream)
    : loop_(loop), peer_(peer), stream_(stream), turn_(loop.io(), loop.site().pool, *this) {}

void Exchange::enter(State next) {
  switch (next) {
    case State::kReading:
      GILIRAN_ASSERT(next != State::kReading);  // an exchange begins once
      break;
    case State::kServing:
      GILIRAN_ASSERT(state_ == State::kReading);
      break;
    case State::kCalling:
      GILIRAN_ASSERT(state_ == State::kServing);
      break;
    case State::kAnswering:
      GILIRAN_ASSERT(state_ == State::kServing || state_ == State::kCalling);
      break;
    case State::kGone:
      GILIRAN_ASSERT(state_ == State::kServing);
      break;
  }
  state_ = next;
}

// --- the request ---

void Exchange::begin(const conn::RequestHead& head, const base::Slice& bytes) {
  head_bytes_ = bytes.share();
  method_ = head.method;
  target_ = head.target;
  host_ = head.host;
  if (head.version == wire::http1::Version::k10) proto_ = telemetry::Proto::kHttp10;
  span_ = loop_.next_span();
  const std::string_view traceparent = head.fields.find(wire::http1::Name::kTraceparent);
  if (const auto trace = base::TraceParent::parse(traceparent)) {
    trace_ = trace->trace;
    parent_ = trace->parent;
    trace_flags_ = trace->flags;
  }
  read_ask(head);
  if (head.expect_continue) stream_.send_interim(100, {});
  if (source_ == Source::kEcho) serve();
}

void Exchange::read_ask(const conn::RequestHead& head) {
  Site& site = loop_.site();
  auto ask = parse_ask(head.path);
  if (ask) {
    ask_ = std::move(*ask);
    if (ask_.resource == Resource::kFanOut) read_targets(head);
  } else {
    refusal_ = std::move(ask.error());
  }
  if (!refusal_ && ask_.resource == Resource::kHealth) {
    literal_ = "ok\n";
    return;
  }
  lot_ = loop_.draw(ask_.delay ? &*ask_.delay : nullptr, ask_.work ? &*ask_.work : nullptr);
  const bool bodiless = head.method == "HEAD" || ask_.status == 204 || ask_.status == 304;
  if (ask_.resource == Resource::kEcho && !refusal_ && !lot_.fault && !bodiless) {
    source_ = Source::kEcho;
    echo_length_ = head.framing == wire::http1::Framing::kLength
                       ? conn::BodyLength::known(head.content_length)
                       : conn::BodyLength::unknown();
    if (head.framing == wire::http1::Framing::kNone) echo_length_ = conn::BodyLength::none();
    return;
  }
  literal_ = site.name_line;
  const auto bytes = ask_.body_bytes ? ask_.body_bytes : loop_.character().body_bytes;
  if (bytes) {
    source_ = Source::kPattern;
    body_left_ = *bytes;
  }
}

void Exchange::read_targets(const conn::RequestHead& head) {
  for (const conn::Field& field : head.fields.all()) {
    if (!base::equals_ignoring_case(field.name, kDepthField)) continue;
    const auto depth = base::parse_uint(field.value, kDepthMax);
    depth_ = depth ? static_cast<uint8_t>(*depth) : kDepthMax;
  }
  if (depth_ >= kDepthMax) {
    refusal_ = Refusal{.status = 508,
                       .text = fmt::format("fan-outs are nested more than {} deep", kDepthMax)};
    return;
  }
  for (const std::string& url : ask_.targets) {
    auto target = loop_.site().allow_to.find(url);
    if (!target) {
      refusal_ = std::move(target.error());
      return;
    }
    targets_.push_back(std::move(*target));
  }
}

void Exchange::on_request_data(base::Slice data) {
  body_in_ += data.size();
  if (source_ != Source::kEcho) {
    stream_.consume(data.size());
  } else if (state_ == State::kAnswering) {
    stream_.send_data(std::move(data));  // consumed when it is sent: the echo's backpressure
  } else {
    echo_.push_back(std::move(data));
  }
}

void Exchange::on_request_end(const conn::Fields&) {
  request_ended_ = true;
  if (source_ != Source::kEcho) {
    serve();
  } else if (state_ == State::kAnswering) {
    stream_.send_end();
  }
}

// --- its turn ---

void Exchange::serve() {
  enter(State::kServing);
  ready_ = body_in_ == 0 ? stream_.facts().head_done : loop_.io().now();
  if (refusal_) {
    answer_text(refusal_->status, refusal_->text + "\n", kPlainText);
  } else if (lot_.fault) {
    fail_on_purpose();
  } else if (turn_.start(ready_, lot_)) {
    after_turn();
  }
}

void Exchange::on_turn_over(bool cut) {
  if (state_ == State::kGone) {
    loop_.exchange_over(*this);
  } else if (cut) {
    cut_connection({.end = telemetry::End::kShutdown, .by = telemetry::By::kServer});
  } else {
    after_turn();
  }
}

void Exchange::after_turn() {
  service_ = turn_.served();
  if (ask_.resource == Resource::kFanOut) {
    call_others();
  } else {
    answer();
  }
}

void Exchange::call_others() {
  enter(State::kCalling);
  if (trace_.none()) trace_ = loop_.next_trace();
  const base::TraceParent trace{.trace = trace_, .parent = span_, .flags = trace_flags_};
  fan_out_ = &loop_.add_fan_out(std::make_unique<FanOut>(loop_, static_cast<FanOutEvents&>(*this),
                                                         std::move(targets_), trace,
                                                         static_cast<uint8_t>(depth_ + 1)));
  fan_out_->start();
}

void Exchange::on_fan_out_over(FanOut& fan_out) {
  const base::Instant now = loop_.io().now();
  service_ = now - ready_ - turn_.queued();
  const uint16_t status = fan_out.all_good() ? uint16_t{200} : uint16_t{502};
  std::string report = fan_out.report(now - stream_.facts().first_byte);
  fan_out_ = nullptr;
  fan_out.release();
  answer_text(status, std::move(report), "application/json");
}

void Exchange::fail_on_purpose() {
  faulty_ = true;
  switch (lot_.fault_kind) {
    case FaultSpec::Kind::kReset:
      cut_connection(
          {.end = telemetry::End::kFault, .by = telemetry::By::kServer, .reason = "reset"});
      break;
    case FaultSpec::Kind::kStatus:
      answer_text(lot_.fault_status,
                  fmt::format("fault {} from {}\n", lot_.fault_status, loop_.site().name),
                  kPlainText);
      break;
  }
}

// --- the answer ---

void Exchange::answer() {
  switch (source_) {
    case Source::kEcho:
      send_head(ask_.status, "application/octet-stream", echo_length_);
      for (base::Slice& part : echo_) stream_.send_data(std::move(part));
      echo_.clear();
      if (request_ended_) stream_.send_end();
      return;
    case Source::kPattern:
      break;
    case Source::kLiteral:
    case Source::kText:
      body_left_ = literal_.size();
      break;
  }
  send_head(ask_.status, kPlainText, conn::BodyLength::known(body_left_));
  start_body();
}

void Exchange::answer_text(uint16_t status, std::string text, std::string_view type) {
  source_ = Source::kText;
  text_ = std::move(text);
  body_left_ = text_.size();
  send_head(status, type, conn::BodyLength::known(body_left_));
  start_body();
}

void Exchange::send_head(uint16_t status, std::string_view type, conn::BodyLength length) {
  enter(State::kAnswering);
  answered_ = loop_.io().now();
  status_ = status;
  char timing[80];
  const auto end = fmt::format_to_n(timing, sizeof timing, "queue;dur={:.3f}, service;dur={:.3f}",
                                    to_ms(turn_.queued()), to_ms(service_));
  const size_t timing_size = std::min(end.size, sizeof timing);
  const conn::Field fields[] = {
      {.name = "Content-Type", .value = type},
      {.name = "X-Giliran-Server", .value = loop_.site().name},
      {.name = "Server-Timing", .value = {timing, timing_size}},
  };
  if (status == 204 || status == 304) length = conn::BodyLength::none();
  stream_.send_head({.status = status, .reason = {}, .fields = fields, .body = length});
}

void Exchange::start_body() {
  if (method_ == "HEAD" || status_ == 204 || status_ == 304) body_left_ = 0;
  send_body();
}

void Exchange::send_body() {
  while (body_left_ > 0 && in_flight_ < kWindowBytes) {
    base::Slice piece = next_piece();
    in_flight_ += piece.size();
    body_left_ -= piece.size();
    stream_.send_data(std::move(piece));
  }
  if (body_left_ == 0 && !body_ended_) {
    body_ended_ = true;
    stream_.send_end();
  }
}

base::Slice Exchange::next_piece() {
  switch (source_) {
    case Source::kPattern:
      return base::Slice::of_static(
          pattern().substr(0, std::min<uint64_t>(body_left_, pattern().size())));
    case Source::kText: {
      // Copied, because what is on its way may outlive this exchange.
      const size_t at = text_.size() - body_left_;
      return loop_.io().buffers().copy(std::string_view(text_).substr(at, kPieceBytes));
    }
    case Source::kLiteral:
    case Source::kEcho:
      break;
  }
  return base::Slice::of_static(literal_);
}

void Exchange::on_response_sent(uint32_t bytes) {
  body_out_ += bytes;
  if (source_ == Source::kEcho) {
    stream_.consume(bytes);
    return;
  }
  in_flight_ -= bytes;
  if (!body_ended_) send_body();
}

// --- the end ---

void Exchange::cut_connection(const Outcome& outcome) {
  if (!stream_.answer_sent()) status_ = 0;
  write_record(outcome);
  stream_.abort();
  loop_.exchange_over(*this);
}

void Exchange::on_closed(const conn::StreamClosed& closed) {
  Outcome outcome = outcome_of(closed);
  if (outcome.end == telemetry::End::kOk && faulty_) {
    outcome = {.end = telemetry::End::kFault, .by = telemetry::By::kServer};
  }
  if (!stream_.answer_sent()) status_ = closed.answered;
  write_record(outcome);
  if (fan_out_ != nullptr) fan_out_->release();
  fan_out_ = nullptr;
  echo_.clear();
  head_bytes_.reset();
  if (turn_.abandon()) {
    loop_.exchange_over(*this);
  } else {
    enter(State::kGone);
  }
}

telemetry::Phase Exchange::phase() const {
  switch (state_) {
    case State::kReading:
      return telemetry::Phase::kRequest;
    case State::kServing:
      return turn_.waiting_for_thread() ? telemetry::Phase::kQueue : telemetry::Phase::kWait;
    case State::kCalling:
      return telemetry::Phase::kWait;
    case State::kAnswering:
    case State::kGone:
      return telemetry::Phase::kData;
  }
  return telemetry::Phase::kNone;
}

void Exchange::write_record(const Outcome& outcome) {
  telemetry::Record record;
  record.kind = telemetry::Kind::kExchange;
  record.end = outcome.end;
  if (loop_.logging()) {
    const conn::StreamFacts& facts = stream_.facts();
    const base::Instant now = loop_.io().now();
    const bool served = state_ != State::kReading;
    record.by = outcome.by;
    record.reason = outcome.reason;
    if (outcome.end != telemetry::End::kOk) record.phase = phase();
    record.proto = proto_;
    record.status = status_;
    record.trace = trace_;
    record.span = span_;
    record.parent = parent_;
    set_connection(record, facts, peer_);
    record.method = method_;
    record.target = target_;
    record.host = host_;
    record.head = facts.head_done - facts.first_byte;
    if (served) record.queue = turn_.queued();
    if (answered_ != base::Instant{}) {
      record.service = service_;
      record.data = now - answered_;
    }
    record.total = now - facts.first_byte;
    record.body_in = body_in_;
    record.body_out = body_out_;
  }
  loop_.finish(record);
}

}  // namespace giliran::server
