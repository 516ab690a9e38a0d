// The request of a run: everything stays the same but its traceparent.
#pragma once

#include <vector>

#include "base/ids.h"
#include "client/plan.h"
#include "conn/stream.h"

namespace giliran::client {

// One a thread. Borrows the plan. Allocates at construction only.
class HttpRequest {
 public:
  explicit HttpRequest(const Plan& plan) : plan_(plan) {
    for (const Header& header : plan.headers) {
      fields_.push_back({header.name, header.value, wire::http1::name_of(header.name)});
    }
    fields_.push_back(
        {"traceparent", {traceparent_, sizeof traceparent_}, wire::http1::Name::kTraceparent});
  }
  HttpRequest(const HttpRequest&) = delete;
  HttpRequest& operator=(const HttpRequest&) = delete;

  // Valid until the next call.
  conn::RequestOut with(const base::TraceId& trace, const base::SpanId& span) {
    base::TraceParent{.trace = trace, .parent = span}.format(traceparent_);
    return {.method = plan_.method, .target = plan_.target, .fields = fields_, .body = length()};
  }

 private:
  // A POST or PUT without a body says so (RFC 9110, 8.6).
  conn::BodyLength length() const {
    const bool expects_body =
        plan_.method == "POST" || plan_.method == "PUT" || plan_.method == "PATCH";
    return plan_.body.empty() && !expects_body ? conn::BodyLength::none()
                                               : conn::BodyLength::known(plan_.body.size());
  }

  const Plan& plan_;
  std::vector<conn::Field> fields_;
  char traceparent_[base::TraceParent::kTextSize] = {};
};

}  // namespace giliran::client
