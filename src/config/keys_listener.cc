// [[listener]] and its routes.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/host_port.h"
#include "config/key_of.h"
#include "config/keys.h"

namespace giliran::config {
namespace {

constexpr std::array<Choice<Forwarding>, 3> kForwardings = {{{"replace", Forwarding::kReplace},
                                                             {"append", Forwarding::kAppend},
                                                             {"off", Forwarding::kOff}}};

constexpr std::array<Choice<HalfClose>, 2> kHalfCloses = {
    {{"cancel", HalfClose::kCancel}, {"wait", HalfClose::kWait}}};

constexpr std::string_view kMethods[] = {"GET",     "HEAD",  "POST",  "PUT",    "DELETE",
                                         "OPTIONS", "TRACE", "PATCH", "CONNECT"};

base::Result<ListenSpec> to_listen(const Value& value) {
  const std::string text = GILIRAN_TRY(to_text(value));
  auto spec = parse_listen_spec(text);
  if (!spec) {
    return base::fail(
        without_prefix(spec.error().message, fmt::format("listen address '{}': ", text)));
  }
  return spec;
}

base::Result<base::Network> to_network(const Value& value) {
  const std::string text = GILIRAN_TRY(to_text(value));
  auto network = base::Network::parse(text);
  if (!network) {
    return base::fail(without_prefix(network.error().message, fmt::format("'{}': ", text)));
  }
  return network;
}

std::string write_network(const base::Network& network) {
  return quoted(network.text());
}

bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

base::Result<std::string> to_host(const Value& value) {
  std::string host = GILIRAN_TRY(to_text(value));
  for (char& c : host) c = base::to_lower(c);
  if (host.ends_with('.')) host.pop_back();  // as of the request's host
  std::string_view name = host;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.starts_with('[') && split_host_port(host + ":0")) return host;
  const bool clean = !name.empty() && name.size() <= 253 && name.front() != '.' &&
                     std::ranges::all_of(name, host_character);
  if (clean) return host;
  return base::fail(
      "expected a host without port, such as \"example.org\", \"*.example.org\" or \"[::1]\"");
}

base::Result<std::string> to_path_prefix(const Value& value) {
  std::string path = GILIRAN_TRY(to_text(value));
  if (path.starts_with('/') && is_visible(path) && path.find_first_of("?#") == std::string::npos) {
    return path;
  }
  return base::fail("expected the beginning of a path, such as \"/api\"; without query");
}

base::Result<std::string> to_method(const Value& value) {
  std::string method = GILIRAN_TRY(to_token(value));
  for (const std::string_view known : kMethods) {
    if (method != known && base::equals_ignoring_case(method, known)) {
      return base::fail(fmt::format("methods are case-sensitive: expected {}", known));
    }
  }
  return method;
}

void read_match(const Value& value, Route& out, Reader& reader) {
  if (value.kind != Value::Kind::kTable) {
    return reader.bad(value, "expected { Name = \"value\" } or { Name = true }");
  }
  for (const Value& member : value.children) {
    const Reader::Inside inside(reader, text_value(member.key).shown());
    const bool twice = std::ranges::any_of(out.headers, [&](const HeaderMatch& other) {
      return base::equals_ignoring_case(other.name, member.key);
    });
    if (!is_token(member.key)) {
      reader.error(member.key_at, "is not the name of a header field");
    } else if (twice) {
      reader.error(member.key_at, "is given twice: names are compared without case");
    } else if (member.kind == Value::Kind::kBool && member.boolean) {
      out.headers.push_back({.name = member.key, .value = std::nullopt});
    } else if (auto text = to_field_value(member); text) {
      out.headers.push_back({.name = member.key, .value = std::move(*text)});
    } else {
      reader.bad(member, member.kind == Value::Kind::kText
                             ? text.error().message
                             : "expected its value as a text, or true: it is enough that it is "
                               "there");
    }
  }
}

std::string write_match(const Route& route) {
  std::string text;
  for (const HeaderMatch& match : route.headers) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_key(match.name),
                        match.value ? quoted(*match.value) : "true");
  }
  return text.empty() ? text : "{ " + text + " }";
}

Key<Route> match_key() {
  return {.name = "header",
          .form = "fields",
          .example = "{ X-Version = \"2\", X-Beta = true }",
          .meaning = "all of these header fields: with this value, or with any (true)",
          .read = read_match,
          .write = write_match,
          .absent = "any"};
}

Key<Route> redirect_key() {
  return {.name = "redirect",
          .form = "redirect",
          .example = "{ status = 308, to = \"https://{host}{path}\" }",
          .meaning = "the answer is a redirect: `redirect` below",
          .read =
              [](const Value& value, Route& out, Reader& reader) {
                read_table(value, redirect_keys(), out.redirect.emplace(), reader);
              },
          .write =
              [](const Route& from) {
                return from.redirect ? write_inline(*from.redirect, redirect_keys()) : "";
              },
          .absent = "none"};
}

Key<Route> answer_key() {
  return {.name = "answer",
          .form = "answer",
          .example = "{ status = 200, body = \"good\\n\" }",
          .meaning = "the answer is this one, and no server is asked: `answer` below",
          .read = [](const Value& value, Route& out,
                     Reader& reader) { read_route_answer(value, out.answer.emplace(), reader); },
          .write =
              [](const Route& from) {
                return from.answer ? write_inline(*from.answer, route_answer_keys()) : "";
              },
          .absent = "none"};
}

Key<Route> changes_key(const KeyText& text, std::vector<HeaderChange> Route::* member) {
  return {.name = text.name,
          .form = "changes",
          .example = text.example,
          .meaning = text.meaning,
          .read = [member](const Value& value, Route& out,
                           Reader& reader) { read_header_changes(value, out.*member, reader); },
          .write = [member](const Route& from) -> std::string {
            if ((from.*member).empty()) return "";
            return write_inline(from.*member, header_changes_keys());
          },
          .absent = "none"};
}

Key<Route> body_limit_key() {
  return {.name = "body_bytes_max",
          .form = "bytes",
          .example = "\"100MiB\"",
          .meaning = "the body of a request of this route; 0: no limit",
          .read =
              [](const Value& value, Route& out, Reader& reader) {
                const auto bytes = to_bytes(value, {.max = UINT64_MAX});
                if (!bytes) return reader.bad(value, bytes.error().message);
                out.body_bytes_max = *bytes;
              },
          .write =
              [](const Route& from) {
                return from.body_bytes_max ? from_bytes(*from.body_bytes_max) : "";
              },
          .absent = "what [limits] says"};
}

Key<Listener> address_key() {
  return absent(
      required(key_of({"address", "\"http://127.0.0.1:8080\"",
                       "[http://\\|tcp://]HOST:PORT; HOST empty or *: every IPv4 address; also "
                       "unix:/path and fd@N (an inherited descriptor)"},
                      "address", &Listener::listen, to_listen,
                      [](const ListenSpec& spec) { return quoted(spec.text()); })),
      "required");
}

Key<Listener> route_key() {
  return {.name = "route",
          .form = "sections",
          .example = "",
          .meaning = "",
          .read =
              [](const Value& value, Listener& out, Reader& reader) {
                for (const Value* item : items_of(value)) {
                  Route& route = out.routes.emplace_back();
                  read_table(*item, route_keys(), route, reader);
                  if (route.name.empty()) route.name = fmt::format("route-{}", out.routes.size());
                }
              },
          .write_tables =
              [](const Listener& from, const std::string& path, std::string& out) {
                for (const Route& route : from.routes) {
                  out += fmt::format("\n[[{}]]\n", path);
                  write_table(route, route_keys(), path, out);
                }
              }};
}

}  // namespace

std::span<const Key<Route>> route_keys() {
  using R = Route;
  static const std::vector<Key<R>> keys = {
      absent(text_key({"name", "\"api\"", "what records call it"}, "name", &R::name, to_name),
             "route-1, route-2, ..."),
      also(absent(list_key({"host", "[\"example.org\", \"*.example.org\"]",
                            "one of these hosts, as the request names it, without port; *. stands "
                            "for one label or more"},
                           "list of hosts", &R::hosts, to_host, quoted),
                  "any"),
           "hosts"),
      absent(text_key({"path", "\"/api\"",
                       "paths that begin with it, by whole segments: /api matches /api and "
                       "/api/x, not /apis"},
                      "path", &R::path, to_path_prefix),
             "any"),
      also(absent(list_key({"method", "[\"GET\", \"HEAD\"]", "one of these methods"},
                           "list of methods", &R::methods, to_method, quoted),
                  "any"),
           "methods"),
      also(match_key(), "headers"),
      absent(
          text_key({"pool", "\"app\"", "the request goes to this pool"}, "name", &R::pool, to_name),
          "none"),
      redirect_key(),
      answer_key(),
      changes_key({"request_headers", "{ set = { X-Tier = \"api\" }, remove = [\"Cookie\"] }",
                   "changes to the request's header fields: `request_headers` below"},
                  &R::request_headers),
      changes_key({"response_headers", "{ add = { Cache-Control = \"no-store\" } }",
                   "the same for the response"},
                  &R::response_headers),
      body_limit_key(),
  };
  return keys;
}

std::span<const Key<Listener>> listener_keys() {
  using L = Listener;
  static const std::vector<Key<L>> keys = {
      absent(text_key({"name", "\"front\"", "what records call it"}, "name", &L::name, to_name),
             "its address"),
      address_key(),
      absent(text_key({"pool", "\"app\"", "what no route matches goes there; without it: 404"},
                      "name", &L::pool, to_name),
             "none"),
      list_key({"trusted", "[\"10.0.0.0/8\", \"fd00::/8\", \"unix\"]",
                "networks whose X-Forwarded-* and X-Real-IP are passed on as they came, and whose "
                "X-Forwarded-For, or else Forwarded, says who asks"},
               "list of networks", &L::trusted, to_network, write_network),
      list_key({"proxy_protocol_from", "\"10.0.0.1\"",
                "networks whose connections begin with a PROXY header, v1 or v2"},
               "list of networks", &L::proxy_protocol_from, to_network, write_network),
      choice_key<L, Forwarding>(
          {"forwarding", "\"append\"",
           "X-Forwarded-For, -Proto and -Host: replace what a client says of itself (there, in "
           "Forwarded and in X-Real-IP) unless it is trusted, append to it, or add nothing (and "
           "remove it unless it is trusted)"},
          "replace, append or off", &L::forwarding, kForwardings),
      bool_key({"forwarded", "true",
                "Forwarded (RFC 7239) is added beside X-Forwarded-*; nothing is where "
                "forwarding is off"},
               &L::forwarded),
      bool_key({"server_timing", "true",
                "answers tell in Server-Timing how long they waited for a slot (gl-queue), for a "
                "connection (gl-connect) and for the server's head (gl-wait)"},
               &L::server_timing),
      choice_key<L, HalfClose>(
          {"half_close", "\"wait\"",
           "a client that closes, or half-closes, before a byte of its answer has given up and is "
           "cancelled; wait: it is answered (nc -N and others that half-close)"},
          "cancel or wait", &L::half_close, kHalfCloses),
      bool_key({"connect", "true", "CONNECT is passed on; otherwise it is refused"}, &L::connect),
      bool_key({"upgrade", "false",
                "Upgrade (WebSocket, docker exec) is passed on, but for more HTTP: h2c, h2, "
                "HTTP/2.0, TLS/1.0"},
               &L::upgrade),
      number_key(
          {"connections_max", "5000", "connections of this listener; 0: no limit of its own"},
          &L::connections_max, {.max = 10'000'000}),
      route_key(),
  };
  return keys;
}

}  // namespace giliran::config
