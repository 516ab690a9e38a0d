// How a failed attempt, or a client that went away, is recorded and answered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/coordinator.h"
#include "conn/stream.h"
#include "telemetry/record.h"

namespace giliran::proxy {

// Of an attempt: as its exchange is recorded if it stays the last.
telemetry::End end_of_attempt(conn::StreamEnd end);
// Of the client's stream; who ended it is the client unless by_coordinator().
telemetry::End end_of_client(conn::StreamEnd end);
bool by_coordinator(telemetry::End end);

// Nothing was sent: the server could not be connected.
bool is_connect_failure(conn::StreamEnd end);

// Whether retry_on names an attempt that ended so, by a word (statuses are another matter).
bool is_named(const config::RetryOn& on, conn::StreamEnd end);

// Why a server is left out: how an attempt on it failed, or what it answered.
struct Trouble {
  conn::StreamClosed closed = {};
  uint16_t status = 0;  // of an answer that counts as a failure
};
// What an operator reads behind the server's name: "refuses connections".
std::string describe(const Trouble& trouble);

// The status we answer with.
uint16_t status_of(telemetry::End end);

// One more word: the parser's problem or the name of the errno; may be empty.
std::string_view reason_of(const conn::StreamClosed& closed);

}  // namespace giliran::proxy
