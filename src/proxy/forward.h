// What of a message is passed on, and what is added (RFC 9110, 7.6).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "base/ids.h"
#include "config/coordinator.h"
#include "conn/stream.h"
#include "wire/http1/head.h"

namespace giliran::proxy {

// Room for the fields of a message and those added to it, and for the texts made for them. 8 KiB:
// one a worker, used during a call.
struct FieldList {
  static constexpr uint32_t kForwardedMax = 12;  // what forward_request() adds at most
  static constexpr uint32_t kTextBytesMax = 2048;

  std::array<conn::Field, wire::http1::kFieldsMax + kForwardedMax + config::kHeaderChangesMax>
      items;
  uint32_t count = 0;
  std::array<char, kTextBytesMax> text;  // values that were made here
  uint32_t text_bytes = 0;

  void clear() { count = text_bytes = 0; }
  void add(std::string_view name, std::string_view value) {
    GILIRAN_ASSERT(count < items.size());
    items[count++] = {.name = name, .value = value, .id = wire::http1::Name::kOther};
  }
  void keep(const conn::Field& field) {
    GILIRAN_ASSERT(count < items.size());
    items[count++] = field;
  }
  std::span<const conn::Field> all() const { return {items.data(), count}; }
  std::span<conn::Field> every() { return {items.data(), count}; }
};

// What forward_request() adds to a head at most, names and line ends included, beside a Host of
// by.server_host where there is none. With config::kHeaderChangeBytesMax it has to fit beside the
// longest head in one block.
constexpr uint32_t kForwardBytesMax = 1536;
// Of a longer Host no X-Forwarded-Host and no host= is made. No name is longer than 253.
constexpr uint32_t kForwardedHostBytesMax = 262;

struct ForwardedBy {
  std::string_view client_host = {};  // of the client: its address without port; empty: not known
  // Who asked the first of the proxies, where the fields of one kind said so and those of the other
  // are to be made; and what a Forwarded field that is believed said of how.
  std::string_view asker_host = {}, asked_proto = {}, asked_host = {};
  std::string_view server_host = {};  // Host for a request that has none (HTTP/1.0)
  std::string_view traceparent = {};  // ours
  bool keep_tracestate =
      false;  // the client's traceparent was valid, so its tracestate belongs to ours
  config::Forwarding forwarding = config::Forwarding::kReplace;
  bool trusted = false;    // what the client says of who asks is believed
  bool forwarded = false;  // Forwarded too
  bool upgrade = false;    // passes Upgrade on, where asks_for_upgrade()
  uint16_t port = 0;       // X-Forwarded-Port: the one the client connected to; 0: no such field
  std::string_view proto = "http";
};

// Everything but hop-by-hop and framing fields, under the target's host, with Via, traceparent and
// who asked:
//   - X-Forwarded-For: its address at the end of the list, in one field where the room of a
//     FieldList allows (else in a field of its own, which means the same);
//   - X-Forwarded-Proto, -Host (the Host received), -Port: where the message has none that is
//     believed;
//   - Forwarded (RFC 7239), where `forwarded` says so: an element at the end of the list.
// What a proxy said in Forwarded alone is said in X-Forwarded-* too, for servers that read those,
// and the other way round where Forwarded is added.
// All X-Forwarded-*, Forwarded and X-Real-IP the client sent are removed first, unless it is
// trusted or `forwarding` is kAppend. kOff adds none of these. X-Real-IP is never made: it has no
// list.
//
// TE is dropped, because the connection, which is not told, would have to announce it. Of Upgrade
// pass the protocols that may (proxy/upgrade.h). The texts are in `out` and in `by`.
void forward_request(const conn::RequestHead& head, const ForwardedBy& by, FieldList& out);
// Keeps Upgrade in a 101.
void forward_response(const conn::ResponseHead& head, FieldList& out);
// Adds the Upgrade field of a final response that offers protocols (426, or a 200 that says what it
// could do), those that may pass. False where there is nothing to add.
bool forward_offer(const conn::ResponseHead& head, FieldList& out);
// Trailers of a request, by the rules of its head: a server may merge them into it. Of them nobody
// is believed who asked, and what the head's Connection lists goes too; nor passes what we add to a
// head.
void forward_request_trailers(const conn::Fields& head, const conn::Fields& trailers,
                              FieldList& out);
// Likewise of a response, but for what its Connection lists.
void forward_response_trailers(const conn::Fields& trailers, FieldList& out);

// RFC 9110, 9.2.2: may be sent twice with the effect of once.
bool idempotent(std::string_view method);

}  // namespace giliran::proxy
