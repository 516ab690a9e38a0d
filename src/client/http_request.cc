#include "client/http_request.h"

#include <algorithm>
#include <array>

namespace giliran::client {
namespace {

constexpr size_t kChunkBytes = 64 << 10;

// What the bodies of a replay are made of, as a log tells their sizes only.
std::string_view filler() {
  static const auto bytes = [] {
    std::array<char, kChunkBytes> made{};
    made.fill('x');
    return made;
  }();
  return {bytes.data(), bytes.size()};
}

// A POST or PUT without a body says so (RFC 9110, 8.6).
bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

HttpRequest::HttpRequest(const Plan& plan) : plan_(plan), choice_(plan.targets) {
  ready_.reserve(plan.targets.size());
  size_t path_max = 0;
  size_t body_max = 0;
  for (const Target& target : plan.targets) {
    add(target);
    path_max = std::max(path_max, target.path.size_max());
    if (!target.body.constant()) body_max = std::max(body_max, target.body.size_max());
  }
  path_.reserve(path_max);
  asked_path_.reserve(path_max);
  body_.reserve(body_max);
}

void HttpRequest::add(const Target& target) {
  Ready& ready = ready_.emplace_back();
  ready.target = &target;
  for (const HeaderTemplate& header : target.headers) {
    if (!header.value.constant()) {
      ready.filled.push_back({.field = ready.fields.size(), .value = &header.value});
      ready.filled.back().text.reserve(header.value.size_max());
    }
    ready.fields.push_back({header.name, header.value.text(), wire::http1::name_of(header.name)});
  }
  ready.fields.push_back(
      {"traceparent", {traceparent_, sizeof traceparent_}, wire::http1::Name::kTraceparent});
}

HttpRequest::Ready& HttpRequest::ready_for(uint64_t number) {
  return ready_[choice_.of({.seed = plan_.seed, .number = number})];
}

std::string_view HttpRequest::path(const Ready& ready, uint64_t number, std::string& out) const {
  if (ready.target->path.constant()) return ready.target->path.text();
  out.clear();
  ready.target->path.append({.seed = plan_.seed, .number = number}, out);
  return out;
}

conn::RequestOut HttpRequest::with(uint64_t number, const base::TraceId& trace,
                                   const base::SpanId& span) {
  base::TraceParent{.trace = trace, .parent = span}.format(traceparent_);
  Ready& ready = ready_for(number);
  for (Ready::Filled& filled : ready.filled) {
    filled.text.clear();
    filled.value->append({.seed = plan_.seed, .number = number}, filled.text);
    ready.fields[filled.field].value = filled.text;
  }
  std::string_view method = ready.target->method;
  std::string_view target;
  if (plan_.replay) {
    const Replay::Request& request = plan_.replay->requests[number - 1];
    method = plan_.replay->methods[request.method];
    target = plan_.replay->targets[request.target];
  } else {
    target = path(ready, number, path_);
  }
  const conn::BodyLength length = body_length(ready, method, number);
  return {.method = method, .target = target, .fields = ready.fields, .body = length};
}

conn::BodyLength HttpRequest::body_length(const Ready& ready, std::string_view method,
                                          uint64_t number) {
  size_t size = 0;
  if (plan_.replay) {
    replayed_bytes_ = plan_.replay->requests[number - 1].body_bytes;
    kind_ = Body::kReplayed;
    size = replayed_bytes_;
  } else if (ready.target->body.constant()) {
    fixed_body_ = ready.target->body.text();
    kind_ = Body::kFixed;
    size = fixed_body_.size();
  } else {
    body_.clear();
    ready.target->body.append({.seed = plan_.seed, .number = number}, body_);
    kind_ = Body::kRendered;
    size = body_.size();
  }
  if (size == 0) kind_ = Body::kNone;
  return size == 0 && !expects_body(method) ? conn::BodyLength::none()
                                            : conn::BodyLength::known(size);
}

void HttpRequest::send_body(conn::ClientStream& stream, base::BufferPool& pool) const {
  switch (kind_) {
    case Body::kNone:
      return;
    case Body::kFixed:
      return stream.send_data(base::Slice::of_static(fixed_body_));
    case Body::kRendered:
      for (std::string_view left = body_; !left.empty();) {
        const std::string_view chunk = left.substr(0, kChunkBytes);
        stream.send_data(pool.copy(chunk));
        left.remove_prefix(chunk.size());
      }
      return;
    case Body::kReplayed:
      for (size_t left = replayed_bytes_; left != 0;) {
        const std::string_view chunk = filler().substr(0, left);
        stream.send_data(base::Slice::of_static(chunk));
        left -= chunk.size();
      }
      return;
  }
}

HttpRequest::Asked HttpRequest::asked(uint64_t number) {
  const Ready& ready = ready_for(number);
  const Target& target = *ready.target;
  if (plan_.replay) {
    const Replay::Request& request = plan_.replay->requests[number - 1];
    return {.method = plan_.replay->methods[request.method],
            .target = plan_.replay->targets[request.target],
            .host = target.host,
            .body_bytes = request.body_bytes};
  }
  uint64_t body_bytes = target.body.text().size();
  if (!target.body.constant()) {
    body_.clear();  // sent already, or about to be rendered again
    target.body.append({.seed = plan_.seed, .number = number}, body_);
    body_bytes = body_.size();
  }
  return {.method = target.method,
          .target = path(ready, number, asked_path_),
          .host = target.host,
          .body_bytes = body_bytes};
}

}  // namespace giliran::client
