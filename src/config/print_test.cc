// Whatever can be configured, the effective configuration says it: parse(print(c)) == c.
#include <limits>

#include "base/rng.h"
#include "config/test_config.h"

namespace giliran::config {
namespace {

class Any {
 public:
  explicit Any(uint64_t seed) : random_(seed) {}

  Coordinator coordinator() {
    Coordinator c{.threads = number(64), .drain_timeout = time(), .quiet = maybe(), .seed = 0};
    c.seed = maybe() ? random_.next() : number(9);
    c.log = {.path = maybe() ? text() + "x" : "",
             .format = static_cast<LogFormat>(number(6)),
             .full = static_cast<LogFull>(number(2))};
    c.timeouts.connect_timeout = time();
    c.timeouts.total_timeout = maybe() ? time() : base::Duration(0);
    c.timeouts.keepalive_idle = std::chrono::seconds(number(30000));
    c.backoff_first = std::chrono::nanoseconds(1 + number(1'000'000));
    c.limits.head_bytes_max = 8192 + number(49000);
    c.limits.body_bytes_max = random_.next() >> number(64);
    c.limits.memory_max = maybe() ? 0 : (1 << 20) + random_.next() / 2;
    c.limits.request_rate_max = random_.uniform() * number(1'000'000);
    c.limits.connections_max = number(10'000'000);
    for (uint32_t i = number(3); i > 0; --i) {
      const auto status = static_cast<uint16_t>(400 + number(200));
      c.answers[status] = answer(status);
    }
    const uint32_t pools = 1 + number(3);
    for (uint32_t i = 0; i < pools; ++i) c.pools.push_back(pool(i));
    for (uint32_t i = number(4); i > 0; --i) c.listeners.push_back(listener(i, pools));
    return c;
  }

 private:
  uint32_t number(uint64_t below) { return static_cast<uint32_t>(random_.below(below)); }
  bool maybe() { return number(2) == 1; }
  base::Duration time() {
    const auto most = std::chrono::nanoseconds(std::chrono::hours(8760)).count();
    return base::Duration(
        1 + static_cast<int64_t>(random_.below(static_cast<uint64_t>(most)) >> number(50)));
  }
  // Whatever a string of TOML has to escape, and what it must not.
  std::string text() {
    static constexpr std::string_view kPieces[] = {
        "a",   "\"", "\\", "\n", "\r\n", "\t", "\x01",    "\x7f",    "\xc3\xa9", "\xf0\x9f\x98\x80",
        "'''", "#",  "=",  " ",  "{",    "]",  "\\u0041", "\xc2\x85"};
    std::string out;
    for (uint32_t i = number(12); i > 0; --i) out += kPieces[number(std::size(kPieces))];
    return out;
  }
  std::string field_value() {
    static constexpr std::string_view kValues[] = {"", "1", "a \"b\"", "\\", "a\tb", "\xc3\xa9"};
    return std::string(kValues[number(std::size(kValues))]);
  }
  std::string field_name(uint32_t i) {
    static constexpr std::string_view kNames[] = {"X-A", "x!", "Set-Cookie", "a.b", "1"};
    return std::string(kNames[number(std::size(kNames))]) + std::to_string(i);
  }
  Answer answer(uint16_t status) {
    const bool bare = status == 204 || status == 205 || status == 304;
    return {.status = status,
            .content_type = "text/" + std::to_string(number(9)),
            .body = bare ? "" : text()};
  }
  std::vector<HeaderChange> changes() {
    using Kind = HeaderChange::Kind;
    std::vector<HeaderChange> all;
    for (const Kind kind : {Kind::kRemove, Kind::kSet, Kind::kAdd}) {
      for (uint32_t i = number(3); i > 0; --i) {
        const std::string name = field_name(i);
        const uint32_t values = kind == Kind::kAdd ? 1 + number(3) : 1;
        for (uint32_t v = 0; v < values; ++v) {
          all.push_back(
              {.kind = kind, .name = name, .value = kind == Kind::kRemove ? "" : field_value()});
        }
      }
    }
    return all;
  }
  Route route(uint32_t i, uint32_t pools) {
    Route r;
    r.name = "r" + std::to_string(i);
    if (maybe()) r.hosts = {"*.example.org", "[::1]"};
    if (maybe()) r.path = "/%41\"\\x";
    if (maybe()) r.methods = {"GET", "M-SEARCH"};
    for (uint32_t n = number(3); n > 0; --n) {
      r.headers.push_back({.name = field_name(n), .value = std::nullopt});
      if (maybe()) r.headers.back().value = field_value();
    }
    switch (number(3)) {
      case 0:
        r.pool = "p" + std::to_string(number(pools));
        break;
      case 1:
        r.redirect = Redirect{.status = 308, .to = "https://{host}{path}\"\\"};
        break;
      default:
        r.answer = answer(static_cast<uint16_t>(200 + number(400)));
    }
    r.request_headers = changes();
    r.response_headers = changes();
    if (maybe()) r.body_bytes_max = random_.next() >> number(64);
    return r;
  }
  Listener listener(uint32_t i, uint32_t pools) {
    Listener l;
    if (maybe()) l.name = "l" + std::to_string(i);
    l.pool = "p" + std::to_string(number(pools));
    l.listen.scheme = maybe() ? Scheme::kHttp : Scheme::kTcp;
    static constexpr std::string_view kHosts[] = {"fd@", ":8", "[::1]:", "unix:/run/\"x\\"};
    l.listen.host_port = std::string(kHosts[number(4)]) + std::to_string(i + 2);
    if (maybe()) l.trusted = {*base::Network::parse("fd00::/8"), *base::Network::parse("unix")};
    l.forwarding = static_cast<Forwarding>(number(3));
    l.forwarded = maybe();
    l.connect = maybe();
    l.upgrade = maybe();
    if (l.listen.scheme == Scheme::kTcp) return l;
    for (uint32_t n = number(4); n > 0; --n) l.routes.push_back(route(n, pools));
    return l;
  }
  Pool pool(uint32_t i) {
    Pool p;
    p.name = "p" + std::to_string(i);
    for (uint32_t n = 1 + number(3); n > 0; --n) {
      Server server{
          .spec = {.host_port = maybe() ? "h:" : "unix:/a=b\"", .weight = 1 + number(256)},
          .name = maybe() ? "s" + std::to_string(n) : "",
          .in_flight_max = maybe() ? number(9) : 0};
      server.spec.host_port += std::to_string(n);
      p.servers.push_back(std::move(server));
    }
    p.queue_timeout = time();
    if (maybe()) p.retry_on = {.connect = maybe(), .reset = maybe(), .timeout = maybe()};
    if (maybe()) p.retry_on.bad_response = true;
    if (maybe()) p.retry_on.statuses = {429, 503};
    p.retry_budget = maybe() ? number(101) / 100.0 : random_.uniform();
    if (maybe()) p.sticky_cookie = "c!#";
    p.mark_down_on_5xx = maybe();
    p.proxy_protocol = static_cast<ProxyProtocol>(number(3));
    return p;
  }

  base::Rng random_;
};

TEST(Print, WhateverCanBeConfigured) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    const Coordinator config = Any(seed).coordinator();
    const std::string printed = print_coordinator(config);
    const auto again = parse_test(printed);
    ASSERT_TRUE(again) << "seed " << seed << ": " << again.error().message << "\n" << printed;
    ASSERT_TRUE(*again == config) << "seed " << seed << "\n" << printed;
  }
}

}  // namespace
}  // namespace giliran::config
