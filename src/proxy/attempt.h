// One try of an exchange on one endpoint: leases an upstream stream, tells its exchange what comes
// back. The slot on the endpoint is the exchange's.
#pragma once

#include <cstdint>

#include "cluster/snapshot.h"
#include "conn/upstream_pool.h"

namespace giliran::proxy {

class Exchange;

// What an attempt leaves for the record, also when it was cut.
struct AttemptFacts {
  conn::StreamFacts stream;
  base::Address local;
};

class Attempt final : private conn::ClientStreamEvents {
 public:
  explicit Attempt(Exchange& exchange) : exchange_(exchange) {}

  bool active() const { return stream_ != nullptr; }
  // The endpoint outlives the attempt and its record: the exchange holds its pool.
  void begin(conn::UpstreamPool& upstream, cluster::Endpoint& endpoint,
             const conn::LeaseOptions& lease);
  // Gives it up without an event to the exchange.
  void abandon();
  conn::ClientStream& stream() { return *stream_; }
  const AttemptFacts& facts();  // while active; afterwards, those of its end
  uint64_t held() const { return connection_ == nullptr ? 0 : connection_->held(); }
  cluster::Endpoint* endpoint() const { return endpoint_; }  // null before the first attempt

 private:
  void finish();
  void on_interim(const conn::ResponseHead& head) override;
  void on_response_head(const conn::ResponseHead& head) override;
  void on_response_data(base::Slice data) override;
  void on_response_end(const conn::Fields& trailers) override;
  void on_request_sent(uint32_t bytes) override;
  void on_closed(const conn::StreamClosed& closed) override;

  Exchange& exchange_;
  cluster::Endpoint* endpoint_ = nullptr;
  conn::ClientConnection* connection_ = nullptr;
  conn::ClientStream* stream_ = nullptr;
  AttemptFacts facts_;
};

}  // namespace giliran::proxy
