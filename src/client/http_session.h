// An http:// client: one request at a time on a connection that is kept, or on a new one each time.
#pragma once

#include <optional>

#include "base/ids.h"
#include "client/http_request.h"
#include "client/session.h"
#include "conn/client_connection.h"

namespace giliran::client {

// What the HTTP sessions of one thread share, besides their Station.
class HttpStation {
 public:
  explicit HttpStation(const Plan& plan);
  // How to connect next; the sources take turns.
  const conn::ClientOptions& next_options();
  HttpRequest request;

 private:
  std::vector<conn::ClientOptions> options_;  // one a source
  size_t next_ = 0;
};

class HttpSession final : public Session,
                          private conn::ClientConnectionOwner,
                          private conn::ClientStreamEvents {
 public:
  HttpSession(Station& station, HttpStation& http) : Session(station), http_(http) {}
  bool has_connection() const override { return connection_.has_value(); }

 private:
  void ask() override;
  void on_time_over() override;
  bool leave() override;

  void begin_stream();
  // error: an errno, or 0.
  void finish(telemetry::End end, telemetry::Phase phase, std::string_view reason, int error);
  telemetry::Phase phase() const;
  void read_tiers(std::string_view value);
  void write_record(const Ending& ending, base::Instant now, telemetry::Phase phase,
                    std::string_view reason);
  void put_phases(telemetry::Record& record, uint64_t body_bytes, base::Instant now) const;
  void put_last_phase(telemetry::Record& record, base::Instant now) const;

  // conn::ClientConnectionOwner
  void on_idle(conn::ClientConnection& connection) override;
  void on_connection_closed(conn::ClientConnection& connection) override;
  void on_unusable(conn::ClientConnection& connection) override;
  // conn::ClientStreamEvents
  void on_interim(const conn::ResponseHead& head) override;
  void on_response_head(const conn::ResponseHead& head) override;
  void on_response_data(base::Slice data) override;
  void on_response_end(const conn::Fields& trailers) override;
  void on_request_sent(uint32_t bytes) override;
  void on_closed(const conn::StreamClosed& closed) override;

  HttpStation& http_;
  std::optional<conn::ClientConnection> connection_;

  // The request in flight, and the attempt under way.
  enum class Attempt : uint8_t { kFirst, kSecondDue, kSecond } attempt_ = Attempt::kFirst;
  conn::ClientStream* stream_ = nullptr;
  base::TraceId trace_;
  base::SpanId span_;
  base::Instant asked_{};      // begin of the first attempt
  base::Instant head_done_{};  // zero: no head yet
  uint64_t first_attempt_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  uint32_t server_ = kNoServer;
  TierTimes tiers_;
  uint16_t status_ = 0;
  wire::http1::Version version_ = wire::http1::Version::k11;
};

}  // namespace giliran::client
