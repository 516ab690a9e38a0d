#include "proxy/proxy_status.h"

#include <cstring>

#include "base/assert.h"

namespace giliran::proxy {
namespace {

using telemetry::End;
using telemetry::Phase;

class Value {
 public:
  explicit Value(std::span<char> out) : out_(out) { put("giliran"); }

  void add(std::string_view key, std::string_view token) {
    if (token.empty()) return;
    put("; ");
    put(key);
    put("=");
    put(token);
  }
  // As an sf-string (RFC 8941, 3.3.3).
  void add_text(std::string_view key, std::string_view text) {
    if (text.empty()) return;
    put("; ");
    put(key);
    put("=\"");
    for (const char c : text.substr(0, kProxyStatusDetailsMax)) {
      if (c == '"' || c == '\\') put("\\");
      const char shown = c >= ' ' && c < '\x7f' ? c : '?';
      put({&shown, 1});
    }
    put("\"");
  }
  std::string_view text() const { return {out_.data(), size_}; }

 private:
  void put(std::string_view part) {
    GILIRAN_ASSERT(part.size() <= out_.size() - size_);
    std::memcpy(out_.data() + size_, part.data(), part.size());
    size_ += part.size();
  }

  std::span<char> out_;
  size_t size_ = 0;
};

std::string_view server_timeout_type(Phase phase) {
  switch (phase) {
    case Phase::kConnect:
      return "connection_timeout";
    case Phase::kSend:
      return "connection_write_timeout";
    case Phase::kData:
      return "connection_read_timeout";
    case Phase::kNone:
    case Phase::kRequest:
    case Phase::kQueue:
    case Phase::kWait:
      return "http_response_timeout";
  }
  return "";
}

}  // namespace

std::string_view proxy_error_type(End end, Phase phase, std::string_view reason) {
  switch (end) {
    case End::kOk:
      return "";
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kBodyTooLarge:
      return "http_request_error";
    case End::kNoServer:
      return "destination_unavailable";
    case End::kConnectRefused:
      return "connection_refused";
    case End::kConnectTimeout:
      return "connection_timeout";
    case End::kConnectFailed:
      return reason == "EHOSTUNREACH" || reason == "ENETUNREACH" ? "destination_ip_unroutable"
                                                                 : "destination_unavailable";
    case End::kServerClosed:
      return phase == Phase::kData ? "http_response_incomplete" : "connection_terminated";
    case End::kServerTimeout:
      return server_timeout_type(phase);
    case End::kBadResponse:
      return "http_protocol_error";
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
      return "connection_limit_reached";
    case End::kRateLimited:
      return "http_request_denied";
    case End::kDenied:
      return reason == "no-route" ? "destination_not_found" : "http_request_denied";
    case End::kTotalTimeout:
      return "http_response_timeout";
    case End::kIdleTimeout:
      return "connection_read_timeout";
    case End::kFault:
    case End::kShutdown:
    case End::kInternal:
      return "proxy_internal_error";
  }
  return "proxy_internal_error";
}

std::string_view format_proxy_status(End end, telemetry::By by, Phase phase,
                                     std::string_view reason,
                                     std::span<char, kProxyStatusBytesMax> out) {
  Value value(out);
  value.add("error", proxy_error_type(end, phase, reason));
  value.add_text("details", reason);
  value.add("end", telemetry::name(end));
  value.add("by", telemetry::name(by));
  value.add("phase", telemetry::name(phase));
  return value.text();
}

}  // namespace giliran::proxy
