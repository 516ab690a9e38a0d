// The requests of a run: which target each asks, with its placeholders filled in and a traceparent.
#pragma once

#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/ids.h"
#include "client/plan.h"
#include "conn/stream.h"

namespace giliran::client {

// One a thread. Borrows the plan. Everything is a function of the plan and the number of the
// request within the run, but for the traceparent. Allocates at construction only, unless a filled
// in text outgrows its bound.
class HttpRequest {
 public:
  explicit HttpRequest(const Plan& plan);
  HttpRequest(const HttpRequest&) = delete;
  HttpRequest& operator=(const HttpRequest&) = delete;

  // Request `number`, from 1. Valid until the next call.
  conn::RequestOut with(uint64_t number, const base::TraceId& trace, const base::SpanId& span);
  // The body of what with() gave last, if it has one. Rendered bytes are copied into the pool.
  void send_body(conn::ClientStream& stream, base::BufferPool& pool) const;

  // What a record says of request `number`. Valid until the next call.
  struct Asked {
    std::string_view method;
    std::string_view target;
    std::string_view host;
    uint64_t body_bytes = 0;
  };
  Asked asked(uint64_t number);

 private:
  // A target with its fields ready, but for those that have placeholders.
  struct Ready {
    const Target* target = nullptr;
    std::vector<conn::Field> fields;
    struct Filled {
      size_t field = 0;
      const Template* value = nullptr;
      std::string text{};
    };
    std::vector<Filled> filled;
  };
  enum class Body : uint8_t { kNone, kFixed, kRendered, kReplayed };

  void add(const Target& target);
  Ready& ready_for(uint64_t number);
  std::string_view path(const Ready& ready, uint64_t number, std::string& out) const;
  conn::BodyLength body_length(const Ready& ready, std::string_view method, uint64_t number);

  const Plan& plan_;
  TargetChoice choice_;
  std::vector<Ready> ready_;
  std::string path_;
  std::string asked_path_;
  std::string body_;  // kRendered
  std::string_view fixed_body_;
  Body kind_ = Body::kNone;
  uint32_t replayed_bytes_ = 0;
  char traceparent_[base::TraceParent::kTextSize] = {};
};

}  // namespace giliran::client
