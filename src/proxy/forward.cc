#include "proxy/forward.h"

#include "base/text.h"
#include "wire/http1/writer.h"

namespace giliran::proxy {
namespace {

using wire::http1::Name;
using wire::http1::Version;

constexpr std::string_view kVia11 = "1.1 giliran";
constexpr std::string_view kVia10 = "1.0 giliran";

// A message may name fields in any of several Connection fields.
bool listed_in_connection(const conn::Fields& fields, std::string_view name) {
  for (const conn::Field& f : fields.all()) {
    if (f.id == Name::kConnection && wire::http1::connection_lists(f.value, name)) return true;
  }
  return false;
}

bool has_connection(const conn::Fields& fields) {
  return fields.find(Name::kConnection).data() != nullptr;
}

// Fields that one hop owns, or that frame the message.
bool passes(const conn::Fields& fields, const conn::Field& field, bool connection_present) {
  if (field.id == Name::kContentLength || field.id == Name::kTransferEncoding) return false;
  if (wire::http1::is_hop_by_hop(field)) return false;
  return !connection_present || !listed_in_connection(fields, field.name);
}

// What a client says about itself is not believed; ours takes its place.
bool replaced_by_us(Name id) {
  return id == Name::kHost || id == Name::kTraceparent || id == Name::kForwarded ||
         id == Name::kXForwardedFor || id == Name::kXForwardedProto || id == Name::kXForwardedHost;
}

}  // namespace

void forward_request(const conn::RequestHead& head, const ForwardedBy& by, FieldList& out) {
  out.count = 0;
  out.add("Host", head.host.empty() ? by.server_host : head.host);
  const bool connection_present = has_connection(head.fields);
  for (const conn::Field& field : head.fields.all()) {
    if (replaced_by_us(field.id)) continue;
    if (!by.keep_tracestate && base::equals_ignoring_case(field.name, "tracestate")) continue;
    if (passes(head.fields, field, connection_present)) out.items[out.count++] = field;
  }
  out.add("X-Forwarded-For", by.client_host);
  out.add("X-Forwarded-Proto", "http");
  out.add("traceparent", by.traceparent);
  out.add("Via", head.version == Version::k10 ? kVia10 : kVia11);
}

void forward_response(const conn::ResponseHead& head, FieldList& out) {
  out.count = 0;
  const bool connection_present = has_connection(head.fields);
  for (const conn::Field& field : head.fields.all()) {
    if (passes(head.fields, field, connection_present)) out.items[out.count++] = field;
  }
  out.add("Via", head.version == Version::k10 ? kVia10 : kVia11);
}

void forward_trailers(const conn::Fields& trailers, FieldList& out) {
  out.count = 0;
  for (const conn::Field& field : trailers.all()) {
    if (passes(trailers, field, false)) out.items[out.count++] = field;
  }
}

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

}  // namespace giliran::proxy
