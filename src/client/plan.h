// What a run will do: everything derived from the options before the start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "client/options.h"

namespace giliran::client {

enum class Protocol : uint8_t { kHttp, kTcp };

struct Header {
  std::string name;
  std::string value;
};

struct Plan {
  std::string url;
  Protocol protocol = Protocol::kHttp;
  std::string host;                      // of the Host header
  std::string target;                    // path and query
  std::vector<base::Address> addresses;  // to connect to, at least one; the first is tried first
  std::vector<base::Address> sources;    // to connect from, in turn; may be empty
  std::string method;
  std::vector<Header> headers;  // all that stay the same, Host included
  std::string body;
  std::string line;  // what a tcp:// client sends, with its '\n'
  uint32_t connections = 0;
  uint32_t threads = 0;
  uint64_t requests = 0;      // 0: no bound
  base::Duration duration{};  // 0: no bound; never both
  bool new_connection = false;
  base::Duration timeout{};
  uint64_t seed = 0;
};

// Checks the options, reads the body file, resolves the host (which may block). An error says which
// flag to mend. The seed is left as given.
base::Result<Plan> make_plan(const ClientOptions& options, unsigned processors);

// One line for people: "2 threads, 50 connections, 10s, closed loop, keep-alive, URL, seed 7".
std::string text(const Plan& plan);

}  // namespace giliran::client
