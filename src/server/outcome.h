// How the end of a stream reads in a server's record.
#pragma once

#include <string_view>

#include "conn/stream.h"
#include "server/loop.h"
#include "telemetry/record.h"

namespace giliran::server {

struct Outcome {
  telemetry::End end = telemetry::End::kOk;
  telemetry::By by = telemetry::By::kNobody;
  std::string_view reason{};  // static text
};

Outcome outcome_of(const conn::StreamClosed& closed);

// The name of an errno ("ECONNRESET"), or "" for 0 and for what has none.
std::string_view error_name(int error);

// Fills what the connection knows: addresses, numbers, idle time and bytes.
void set_connection(telemetry::Record& record, const conn::StreamFacts& facts,
                    const HttpPeer& peer);

}  // namespace giliran::server
