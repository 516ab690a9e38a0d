#include "proxy/forward.h"

#include <cstring>

#include "base/decimal.h"
#include "base/text.h"
#include "proxy/forwarded_field.h"
#include "proxy/upgrade.h"
#include "wire/http1/writer.h"

namespace giliran::proxy {
namespace {

using config::Forwarding;
using wire::http1::Name;
using wire::http1::Version;

constexpr std::string_view kVia11 = "1.1 giliran";
constexpr std::string_view kVia10 = "1.0 giliran";
constexpr std::string_view kForwardedPort = "X-Forwarded-Port";
constexpr std::string_view kForwardedPrefix = "X-Forwarded-";
constexpr std::string_view kRealIp = "X-Real-IP";

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

// Fields that one hop owns, or that frame the message, do not. Asked of every field of every head:
// a call each would be 190 instructions an exchange.
[[gnu::always_inline]] inline bool passes(const conn::Fields& fields, const conn::Field& field,
                                          bool connection_present) {
  if (field.id == Name::kContentLength || field.id == Name::kTransferEncoding) return false;
  if (wire::http1::is_hop_by_hop(field)) return false;
  return !connection_present || !listed_in_connection(fields, field.name);
}

// --- texts made for fields ---

// Appends to the texts of a list; one that has not the room is given up as a whole.
class Text {
 public:
  explicit Text(FieldList& out, size_t room)
      : out_(out), begin_(out.text.data() + out.text_bytes), room_(room) {
    GILIRAN_ASSERT(out.text_bytes + room <= out.text.size());
  }

  void put(std::string_view part) {
    if (part.size() > room_ - size_) {
      overflowed_ = true;
      return;
    }
    std::memcpy(begin_ + size_, part.data(), part.size());
    size_ += part.size();
  }
  void put(char c) { put(std::string_view(&c, 1)); }
  bool empty() const { return size_ == 0; }

  // Makes it the value of a field; false, and no field, where it did not fit.
  bool add_as(std::string_view name) {
    if (overflowed_) return false;
    out_.text_bytes += static_cast<uint32_t>(size_);
    out_.add(name, {begin_, size_});
    return true;
  }

 private:
  FieldList& out_;
  char* begin_;
  size_t room_;
  size_t size_ = 0;
  bool overflowed_ = false;
};

// What each of them may take of a list's texts.
constexpr size_t kForwardedForBytesMax = 1152;
constexpr size_t kForwardedBytesMax = 608;
constexpr size_t kPortBytesMax = 5;
static_assert(kUpgradeBytesMax + kForwardedForBytesMax + kForwardedBytesMax + kPortBytesMax <=
              FieldList::kTextBytesMax);

// The protocols of all Upgrade fields that may pass, in one. False, and no field, where there are
// none.
bool add_upgrade(const conn::Fields& fields, FieldList& out) {
  Text text(out, kUpgradeBytesMax);
  for (const conn::Field& field : fields.all()) {
    if (field.id != Name::kUpgrade) continue;
    std::string_view list = field.value;
    std::string_view protocol;
    while (next_protocol(list, protocol)) {
      if (!text.empty()) text.put(", ");
      text.put(protocol);
    }
  }
  return !text.empty() && text.add_as("Upgrade");
}

// --- who asked ---

bool is_forwarded(const conn::Field& field) {
  if (field.id == Name::kOther) {
    return base::equals_ignoring_case(field.name.substr(0, kForwardedPrefix.size()),
                                      kForwardedPrefix) ||
           base::equals_ignoring_case(field.name, kRealIp);
  }
  return field.id == Name::kForwarded || field.id == Name::kXForwardedFor ||
         field.id == Name::kXForwardedProto || field.id == Name::kXForwardedHost;
}

// Of an IPv6 address: it means something to this machine only.
std::string_view without_scope(std::string_view host) {
  return host.substr(0, host.find('%'));
}

std::string_view client_name(const ForwardedBy& by) {
  if (by.client_host.empty()) return "unknown";
  return without_scope(by.client_host);
}

void add_forwarded_for(const conn::Fields& fields, bool keep, const ForwardedBy& by,
                       FieldList& out) {
  constexpr std::string_view kName = "X-Forwarded-For";
  Text text(out, kForwardedForBytesMax);
  if (keep) {
    for (const conn::Field& field : fields.all()) {
      if (field.id != Name::kXForwardedFor || field.value.empty()) continue;
      text.put(field.value);
      text.put(", ");
    }
  }
  if (text.empty() && !by.asker_host.empty()) {
    text.put(without_scope(by.asker_host));
    text.put(", ");
  }
  text.put(client_name(by));
  if (text.add_as(kName)) return;
  for (const conn::Field& field : fields.all()) {
    if (field.id == Name::kXForwardedFor) out.keep(field);
  }
  out.add(kName, client_name(by));
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    const char lower = base::to_lower(c);
    if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_') {
      return false;
    }
  }
  return !text.empty();
}

// What the message says of who asked, where that is believed.
struct Said {
  std::string_view proto = {};  // data() null: nothing
  bool host = false;
  bool port = false;
  bool forwarded = false;
  void note(const conn::Field& field) {
    if (field.id == Name::kXForwardedProto && proto.data() == nullptr) proto = field.value;
    host = host || field.id == Name::kXForwardedHost;
    forwarded = forwarded || field.id == Name::kForwarded;
    port = port || base::equals_ignoring_case(field.name, kForwardedPort);
  }
};

void put_node(std::string_view client, Text& text) {
  if (client.find(':') != std::string_view::npos) {
    text.put("for=\"[");
    text.put(client);
    text.put("]\"");
  } else {
    text.put("for=");
    text.put(client);
  }
}

void put_host(std::string_view host, Text& text) {
  if (is_token(host)) {
    text.put(";host=");
    text.put(host);
  } else if (!host.empty()) {
    text.put(";host=\"");
    for (const char c : host) {
      if (c == '"' || c == '\\') text.put('\\');
      text.put(c);
    }
    text.put('"');
  }
}

// RFC 7239, 4: for="[2001:db8::1]";host="example.org:8080";proto=http
void add_forwarded(std::string_view host, const ForwardedBy& by, const Said& said, FieldList& out) {
  Text text(out, kForwardedBytesMax);
  if (!said.forwarded && !by.asker_host.empty()) {
    put_node(without_scope(by.asker_host), text);
    if (const std::string_view proto = known_proto(said.proto); !proto.empty()) {
      text.put(";proto=");
      text.put(proto);
    }
    text.put(", ");
  }
  put_node(client_name(by), text);
  put_host(host, text);
  text.put(";proto=");
  text.put(by.proto);
  text.add_as("Forwarded");
}

void add_port(uint16_t port, FieldList& out) {
  char digits[base::kDecimalMax];
  Text text(out, kPortBytesMax);
  text.put({digits, static_cast<size_t>(base::put_decimal(digits, port) - digits)});
  text.add_as(kForwardedPort);
}

void add_identity(const conn::RequestHead& head, const ForwardedBy& by, bool keep, const Said& said,
                  FieldList& out) {
  const std::string_view host =
      head.host.size() <= kForwardedHostBytesMax ? head.host : std::string_view();
  add_forwarded_for(head.fields, keep, by, out);
  if (said.proto.data() == nullptr) {
    out.add("X-Forwarded-Proto", by.asked_proto.empty() ? by.proto : by.asked_proto);
  }
  const bool asked = !by.asked_host.empty() && by.asked_host.size() <= kForwardedHostBytesMax;
  const std::string_view asked_host = asked ? by.asked_host : host;
  if (!said.host && !asked_host.empty()) out.add("X-Forwarded-Host", asked_host);
  if (!said.port && by.port != 0) add_port(by.port, out);
  if (by.forwarded) add_forwarded(host, by, said, out);
}

// `Proxy` becomes HTTP_PROXY where a server runs CGI (httpoxy); a tracestate belongs to a valid
// traceparent.
bool end_to_end(std::string_view name, bool keep_tracestate) {
  if (name.size() == 5) return !base::equals_ignoring_case(name, "Proxy");
  return keep_tracestate || !base::equals_ignoring_case(name, "tracestate");
}

// What is believed of a client.
struct Believed {
  bool identity = false;  // who asks
  bool tracestate = false;
};

// Whether a server may hear a field from the client, in the head or behind the body.
bool may_say(const conn::Field& field, Believed believed) {
  if (field.id == Name::kHost || field.id == Name::kTraceparent) return false;
  if (!believed.identity && is_forwarded(field)) return false;
  return field.id != Name::kOther || end_to_end(field.name, believed.tracestate);
}

}  // namespace

void forward_request(const conn::RequestHead& head, const ForwardedBy& by, FieldList& out) {
  out.clear();
  out.add("Host", head.host.empty() ? by.server_host : head.host);
  const bool connection_present = has_connection(head.fields);
  const bool add = by.forwarding != Forwarding::kOff;
  const bool keep = by.trusted || by.forwarding == Forwarding::kAppend;
  Said said;
  for (const conn::Field& field : head.fields.all()) {
    if (!may_say(field, {.identity = keep, .tracestate = by.keep_tracestate})) continue;
    if (add && field.id == Name::kXForwardedFor) continue;  // its list is made below
    if (field.id == Name::kExpect && head.version == Version::k10) continue;  // means nothing there
    if (!passes(head.fields, field, connection_present)) continue;
    said.note(field);
    out.keep(field);
  }
  if (by.upgrade && asks_for_upgrade(head)) add_upgrade(head.fields, out);
  if (add) add_identity(head, by, keep, said, out);
  out.add("traceparent", by.traceparent);
  out.add("Via", head.version == Version::k10 ? kVia10 : kVia11);
}

void forward_response(const conn::ResponseHead& head, FieldList& out) {
  out.clear();
  const bool connection_present = has_connection(head.fields);
  for (const conn::Field& field : head.fields.all()) {
    const bool switches = head.status == 101 && field.id == Name::kUpgrade;
    if (switches || passes(head.fields, field, connection_present)) out.keep(field);
  }
  out.add("Via", head.version == Version::k10 ? kVia10 : kVia11);
}

// Of a 426, which must say what it requires, also where Connection does not list it.
bool forward_offer(const conn::ResponseHead& head, FieldList& out) {
  if (head.status < 200 || head.fields.find(Name::kUpgrade).data() == nullptr) return false;
  if (head.status != 426 && !listed_in_connection(head.fields, "Upgrade")) return false;
  return add_upgrade(head.fields, out);
}

void forward_request_trailers(const conn::Fields& head, const conn::Fields& trailers,
                              FieldList& out) {
  out.clear();
  const bool connection_present = has_connection(head);
  for (const conn::Field& field : trailers.all()) {
    if (field.id == Name::kVia || !may_say(field, {})) continue;
    if (passes(head, field, connection_present)) out.keep(field);
  }
}

void forward_response_trailers(const conn::Fields& trailers, FieldList& out) {
  out.clear();
  for (const conn::Field& field : trailers.all()) {
    if (field.id != Name::kVia && passes(trailers, field, false)) out.keep(field);
  }
}

bool idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" ||
         method == "PUT" || method == "DELETE";
}

}  // namespace giliran::proxy
