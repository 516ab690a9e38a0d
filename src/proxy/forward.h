// What of a message is passed on, and what is added (RFC 9110, 7.6).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "conn/stream.h"
#include "wire/http1/head.h"

namespace giliran::proxy {

// Room for the fields of a message and those added to it. 5 KiB: one a worker, used during a call.
struct FieldList {
  std::array<conn::Field, wire::http1::kFieldsMax + 8> items;
  uint32_t count = 0;
  void add(std::string_view name, std::string_view value) {
    items[count++] = {.name = name, .value = value, .id = wire::http1::Name::kOther};
  }
  std::span<const conn::Field> all() const { return {items.data(), count}; }
};

struct ForwardedBy {
  std::string_view client_host;  // the client's address without port
  std::string_view server_host;  // Host for a request that has none (HTTP/1.0)
  std::string_view traceparent;  // ours
  bool keep_tracestate =
      false;  // the client's traceparent was valid, so its tracestate belongs to ours
};

// Everything but hop-by-hop and framing fields; X-Forwarded-* of the client replaced.
void forward_request(const conn::RequestHead& head, const ForwardedBy& by, FieldList& out);
void forward_response(const conn::ResponseHead& head, FieldList& out);
// Fields that may stand in a trailer section that is passed on.
void forward_trailers(const conn::Fields& trailers, FieldList& out);

// RFC 9110, 9.2.2: may be sent twice with the effect of once.
bool idempotent(std::string_view method);

}  // namespace giliran::proxy
