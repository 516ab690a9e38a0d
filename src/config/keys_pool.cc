// [[pool]] and its servers.
#include <array>

#include "config/key_of.h"
#include "config/keys.h"
#include "config/server_spec.h"

namespace giliran::config {
namespace {

constexpr std::array<Choice<ProxyProtocol>, 3> kProxyProtocols = {
    {{"none", ProxyProtocol::kNone}, {"v1", ProxyProtocol::kV1}, {"v2", ProxyProtocol::kV2}}};

constexpr uint64_t kMany = 1'000'000;

std::string why(const base::Error& error, std::string_view text) {
  return without_prefix(error.message, fmt::format("server '{}': ", text));
}

base::Result<std::string> to_cookie_name(const Value& value) {
  std::string name = GILIRAN_TRY(to_token(value));
  if (name.size() <= kCookieNameBytesMax) return name;
  return base::fail(fmt::format("expected at most {} bytes", kCookieNameBytesMax));
}

void read_server(const Value& value, Server& out, Reader& reader) {
  if (value.kind == Value::Kind::kTable) return read_table(value, server_keys(), out, reader);
  if (value.kind != Value::Kind::kText) {
    return reader.bad(value, "expected \"HOST:PORT\", \"HOST:PORT=WEIGHT\" or { address = ... }");
  }
  auto spec = parse_server_spec(value.text);
  if (!spec) return reader.bad(value, why(spec.error(), value.text));
  out.spec = std::move(*spec);
}

std::string write_server(const Server& server) {
  if (!server.name.empty() || server.in_flight_max != 0) return write_inline(server, server_keys());
  // A Unix path may hold a '=', which a weight behind it makes plain.
  if (server.spec.weight == 1 && server.spec.host_port.find('=') == std::string::npos) {
    return quoted(server.spec.host_port);
  }
  return quoted(fmt::format("{}={}", server.spec.host_port, server.spec.weight));
}

Key<Pool> servers_key() {
  return {
      .name = "servers",
      .form = "list of servers",
      .example = "[\"10.0.0.1:80\", \"10.0.0.2:80=3\"]",
      .meaning =
          "HOST:PORT or HOST:PORT=WEIGHT (1 to 256, a larger share); a name with several "
          "addresses is several servers; or { address = \"10.0.0.1:80\", ... } with the keys of "
          "`servers` below",
      .read =
          [](const Value& value, Pool& out, Reader& reader) {
            for (const Value* item : items_of(value)) {
              read_server(*item, out.servers.emplace_back(), reader);
            }
          },
      .write = [](const Pool& from) -> std::string {
        std::string text = "[";
        for (const Server& server : from.servers) {
          text += fmt::format("\n  {},", write_server(server));
        }
        return text + (from.servers.empty() ? "]" : "\n]");
      },
      .absent = "required",
      .required = true};
}

base::Result<uint16_t> to_error_status(const Value& value) {
  return static_cast<uint16_t>(GILIRAN_TRY(to_number(value, {.min = 400, .max = 599})));
}

struct RetryWord {
  std::string_view name;
  bool RetryOn::* member;
};
constexpr std::array<RetryWord, 4> kRetryWords = {{{"connect", &RetryOn::connect},
                                                   {"reset", &RetryOn::reset},
                                                   {"timeout", &RetryOn::timeout},
                                                   {"bad-response", &RetryOn::bad_response}}};

void read_retry_status(const Value& value, RetryOn& out, Reader& reader) {
  const auto status = to_error_status(value);
  if (!status) return reader.bad(value, status.error().message);
  if (!out.names(*status)) out.statuses.push_back(*status);
}

void read_retry(const Value& value, RetryOn& out, Reader& reader) {
  if (value.kind != Value::Kind::kText) return read_retry_status(value, out, reader);
  const auto word = std::ranges::find(kRetryWords, value.text, &RetryWord::name);
  if (word != kRetryWords.end()) {
    out.*word->member = true;
  } else {
    reader.bad(value, "expected connect, reset, timeout, bad-response or a status such as 503");
  }
}

std::string write_retry_on(const Pool& from) {
  std::vector<std::string> items;
  for (const RetryWord& word : kRetryWords) {
    if (from.retry_on.*word.member) items.push_back(quoted(word.name));
  }
  for (const uint16_t status : from.retry_on.statuses) items.push_back(from_number(status));
  return items.empty() ? "[]" : from_list(items);
}

Key<Pool> retry_on_key() {
  return {.name = "retry_on",
          .form = "list of causes",
          .example = "[\"connect\", \"reset\", 502, 503]",
          .meaning =
              "after what another server is tried: connect (nothing was sent), and for idempotent "
              "requests reset (closed or reset before an answer), timeout (no answer in time), "
              "bad-response, and answers of these statuses; []: never",
          .read =
              [](const Value& value, Pool& out, Reader& reader) {
                for (const RetryWord& word : kRetryWords) out.retry_on.*word.member = false;
                for (const Value* item : items_of(value)) read_retry(*item, out.retry_on, reader);
              },
          .write = write_retry_on};
}

Key<Pool> retry_statuses_key() {
  return {.name = "retry_statuses",
          .form = "list of statuses",
          .example = "[502, 503]",
          .meaning = "an older way to write statuses: they are added to those of retry_on",
          .read =
              [](const Value& value, Pool& out, Reader& reader) {
                for (const Value* item : items_of(value)) {
                  read_retry_status(*item, out.retry_on, reader);
                }
              },
          .absent = "none"};
}

Key<Server> address_key() {
  return {.name = "address",
          .form = "address",
          .example = "\"10.0.0.1:80\"",
          .meaning = "HOST:PORT or unix:/path",
          .read =
              [](const Value& value, Server& out, Reader& reader) {
                const auto text = to_text(value);
                if (!text) return reader.bad(value, text.error().message);
                const auto checked = parse_server_address(*text);
                if (!checked) return reader.bad(value, why(checked.error(), *text));
                out.spec.host_port = *text;
              },
          .write = [](const Server& from) { return quoted(from.spec.host_port); },
          .absent = "required",
          .required = true};
}

Key<Server> weight_key() {
  return lift(number_key<ServerSpec, uint32_t>({"weight", "3", "a larger share of the requests"},
                                               &ServerSpec::weight, {.min = 1, .max = kWeightMax}),
              &Server::spec);
}

}  // namespace

std::span<const Key<Server>> server_keys() {
  using S = Server;
  static const std::vector<Key<S>> keys = {
      address_key(),
      absent(text_key({"name", "\"green\"",
                       "what records, messages and sticky cookies call it; servers with the same "
                       "address need one each"},
                      "name", &S::name, to_name),
             "its address"),
      weight_key(),
      number_key({"in_flight_max", "100",
                  "exchanges or connections on it at a time; 0: what the pool says"},
                 &S::in_flight_max, {.max = kMany}),
  };
  return keys;
}

std::span<const Key<Pool>> pool_keys() {
  using P = Pool;
  static const std::vector<Key<P>> keys = {
      absent(required(text_key({"name", "\"app\"", "what listeners, routes and records call it"},
                               "name", &P::name, to_name)),
             "required"),
      text_key({"policy", "\"least-requests\"",
                "whose turn it is: giliran coordinator --help lists the policies"},
               "name", &P::policy, to_name),
      servers_key(),
      number_key({"in_flight_max", "100",
                  "exchanges or tcp:// connections on one server at a time; 0: no limit"},
                 &P::in_flight_max, {.max = kMany}),
      number_key({"queue_max", "100",
                  "so many may wait for a server that is under its limit, first come first "
                  "served; 0: none"},
                 &P::queue_max, {.max = kMany}),
      time_key({"queue_timeout", "\"1s\"", "how long one waits there"}, &P::queue_timeout),
      number_key({"retries_max", "2", "attempts after the first, each on another server"},
                 &P::retries_max, {.max = 255}),
      retry_on_key(),
      retry_statuses_key(),
      key_of({"retry_budget", "\"10%\"", "retries at most, as a part of the pool's requests"},
             "part", &P::retry_budget, to_fraction, from_fraction),
      number_key({"retry_budget_floor", "3", "and so many a second, however few the requests"},
                 &P::retry_budget_floor, {.max = kMany}),
      absent(text_key({"sticky_cookie", "\"giliran\"",
                       "name of a cookie that brings a client back to the server it had"},
                      "token", &P::sticky_cookie, to_cookie_name),
             "none"),
      number_key({"mark_down_after", "3",
                  "so many failures in a row (no answer, or one that was cut) leave a server out "
                  "for a while; 0: never"},
                 &P::mark_down_after, {.max = kMany}),
      bool_key({"mark_down_on_5xx", "true", "an answer of 500 and above is such a failure too"},
               &P::mark_down_on_5xx),
      choice_key<P, ProxyProtocol>(
          {"proxy_protocol", "\"v2\"", "a PROXY header is sent to the servers"}, "none, v1 or v2",
          &P::proxy_protocol, kProxyProtocols),
  };
  return keys;
}

}  // namespace giliran::config
