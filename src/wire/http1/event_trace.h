// For tests and fuzzers: what the parsers say about a byte stream, as text, with the stream cut
// into pieces. Follows the contract of the callers, and moves the bytes at every call, so that a
// parser that keeps a view or reads behind the end is found out by a sanitizer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http1/parser.h"

namespace giliran::wire::http1 {

// A stream of which a growing front has arrived.
class PiecewiseStream {
 public:
  // cuts: positions, in order, at which a piece ends.
  PiecewiseStream(std::string_view stream, std::vector<size_t> cuts)
      : stream_(stream), cuts_(std::move(cuts)) {
    cuts_.push_back(stream.size());
    arrived_ = cuts_[0];
  }

  // The unconsumed bytes, at a new place and with nothing readable behind them.
  std::string_view show() {
    shown_ = std::vector<char>(stream_.begin() + static_cast<ptrdiff_t>(consumed_),
                               stream_.begin() + static_cast<ptrdiff_t>(arrived_));
    shown_.shrink_to_fit();
    return {shown_.data(), shown_.size()};
  }
  void consume(size_t bytes) { consumed_ += bytes; }
  bool receive_more() {
    if (++piece_ >= cuts_.size()) return false;
    arrived_ = cuts_[piece_];
    return true;
  }
  size_t consumed() const { return consumed_; }

 private:
  std::string_view stream_;
  std::vector<size_t> cuts_;
  std::vector<char> shown_;
  size_t piece_ = 0;
  size_t arrived_ = 0;
  size_t consumed_ = 0;
};

class EventTrace {
 public:
  EventTrace(std::string_view stream, std::vector<size_t> cuts, HeadLimits limits)
      : stream_(stream, std::move(cuts)), limits_(limits) {}

  std::string of_requests() {
    RequestParser parser(limits_);
    RequestHead head;
    while (take_head([&](std::string_view bytes) { return parser.parse(bytes, head); })) {
      add(head);
      if (!take_body(head.framing, head.content_length)) break;
    }
    return finish();
  }

  // All of them answer to the same method.
  std::string of_responses(std::string_view request_method) {
    ResponseParser parser(limits_);
    ResponseHead head;
    const auto parse = [&](std::string_view bytes) {
      return parser.parse(bytes, request_method, head);
    };
    while (take_head(parse)) {
      add(head);
      if (!take_body(head.framing, head.content_length)) break;
    }
    return finish();
  }

  std::string of_body(Framing framing, uint64_t content_length) {
    take_body(framing, content_length);
    return finish();
  }

 private:
  template <typename Parser>
  bool take_head(Parser parse) {
    for (;;) {
      const HeadResult result = parse(stream_.show());
      switch (result.parse) {
        case Parse::kDone:
          stream_.consume(result.consumed);
          return true;
        case Parse::kError:
          add("error", problem_name(result.problem));
          return false;
        case Parse::kNeedMore:
          if (stream_.receive_more()) break;
          add("more", "head");
          return false;
      }
    }
  }

  bool take_body(Framing framing, uint64_t content_length) {
    BodyParser parser;
    Fields trailers;
    parser.start(framing, content_length);
    std::string data;
    for (;;) {
      const BodyEvent event = parser.next(stream_.show(), &trailers);
      stream_.consume(event.consumed);
      switch (event.kind) {
        case BodyEvent::Kind::kData:
          data += event.data;
          break;
        case BodyEvent::Kind::kEnd:
          add("data", data);
          add(trailers);
          add("end", parser.ended() ? "" : "?");
          return true;
        case BodyEvent::Kind::kError:
          add("data", data);
          add("error", problem_name(event.problem));
          return false;
        case BodyEvent::Kind::kNeedMore:
          if (stream_.receive_more()) break;
          add("data", data);
          add("more", parser.end_of_input() ? "or end" : "body");
          add("remaining", parser.remaining());
          return false;
      }
    }
  }

  void add(const RequestHead& head) {
    add("method", head.method);
    add("target", head.target);
    add("path", head.path);
    add("host", head.host);
    add("form", static_cast<uint64_t>(head.form));
    add("version", static_cast<uint64_t>(head.version));
    add("framing", static_cast<uint64_t>(head.framing));
    add("content_length", head.content_length);
    add("keep_alive", head.keep_alive);
    add("expect_continue", head.expect_continue);
    add("upgrade", head.upgrade);
    add(head.fields);
  }
  void add(const ResponseHead& head) {
    add("version", static_cast<uint64_t>(head.version));
    add("status", head.status);
    add("reason", head.reason);
    add("framing", static_cast<uint64_t>(head.framing));
    add("content_length", head.content_length);
    add("has_content_length", head.has_content_length);
    add("keep_alive", head.keep_alive);
    add(head.fields);
  }
  void add(const Fields& fields) {
    for (const Field& field : fields.all()) {
      add(field.name, field.value);
      add("id", static_cast<uint64_t>(field.id));
    }
  }
  void add(std::string_view name, std::string_view value) {
    text_.append(name).append("=").append(value).append("\n");
  }
  void add(std::string_view name, uint64_t value) { add(name, std::to_string(value)); }

  std::string finish() {
    add("consumed", stream_.consumed());
    return std::move(text_);
  }

  PiecewiseStream stream_;
  HeadLimits limits_;
  std::string text_;
};

inline std::string trace_requests(std::string_view stream, std::vector<size_t> cuts = {},
                                  HeadLimits limits = {}) {
  return EventTrace(stream, std::move(cuts), limits).of_requests();
}

inline std::string trace_responses(std::string_view stream, std::string_view request_method,
                                   std::vector<size_t> cuts = {}, HeadLimits limits = {}) {
  return EventTrace(stream, std::move(cuts), limits).of_responses(request_method);
}

inline std::string trace_body(std::string_view stream, Framing framing, uint64_t content_length,
                              std::vector<size_t> cuts = {}) {
  return EventTrace(stream, std::move(cuts), {}).of_body(framing, content_length);
}

inline std::vector<size_t> cut_everywhere(std::string_view stream) {
  std::vector<size_t> cuts;
  for (size_t i = 0; i < stream.size(); ++i) cuts.push_back(i);
  return cuts;
}

}  // namespace giliran::wire::http1
