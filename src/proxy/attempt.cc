#include "proxy/attempt.h"

#include "proxy/exchange.h"

namespace giliran::proxy {

void Attempt::begin(conn::UpstreamPool& upstream, cluster::Endpoint& endpoint,
                    const conn::LeaseOptions& options) {
  GILIRAN_ASSERT(!active());
  endpoint_ = &endpoint;
  endpoint_->live.chosen.fetch_add(1, std::memory_order_relaxed);
  const conn::UpstreamPool::Lease lease =
      upstream.lease(endpoint_->id, endpoint_->address, options, *this);
  connection_ = &lease.connection;
  stream_ = &lease.stream;
}

const AttemptFacts& Attempt::facts() {
  if (active()) {
    facts_.stream = stream_->facts();
    facts_.local = connection_->local();
  }
  return facts_;
}

void Attempt::finish() {
  facts();
  stream_ = nullptr;
  connection_ = nullptr;
}

void Attempt::abandon() {
  if (!active()) return;
  conn::ClientStream* stream = stream_;
  finish();
  stream->abort();
}

void Attempt::on_interim(const conn::ResponseHead& head) {
  exchange_.on_upstream_interim(head);
}

void Attempt::on_response_head(const conn::ResponseHead& head) {
  exchange_.on_upstream_head(head);
}

void Attempt::on_response_data(base::Slice data) {
  exchange_.on_upstream_data(std::move(data));
}

void Attempt::on_response_end(const conn::Fields& trailers) {
  exchange_.on_upstream_end(trailers);
}

void Attempt::on_request_sent(uint32_t bytes) {
  exchange_.on_upstream_credit(bytes);
}

void Attempt::on_closed(const conn::StreamClosed& closed) {
  finish();
  exchange_.on_attempt_closed(closed);
}

}  // namespace giliran::proxy
