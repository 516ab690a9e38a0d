#include "control/meter.h"

#include <gtest/gtest.h>

#include <vector>

namespace giliran::control {
namespace {

using telemetry::End;
using telemetry::Record;

struct Kept final : telemetry::RecordSink {
  void write(const Record& record) override { statuses.push_back(record.status); }
  std::vector<uint16_t> statuses;
};

Record answered(uint16_t status, std::chrono::milliseconds total, End end = End::kOk) {
  Record r;
  r.status = status;
  r.total = total;
  r.end = end;
  return r;
}

TEST(Meter, CountsWhatItPassesOn) {
  Kept kept;
  Meter meter(kept);
  meter.write(answered(200, std::chrono::milliseconds(1)));
  meter.write(answered(404, std::chrono::milliseconds(2)));
  meter.write(answered(502, std::chrono::milliseconds(3)));
  meter.write(answered(200, std::chrono::milliseconds(100), End::kServerClosed));
  EXPECT_EQ(kept.statuses, (std::vector<uint16_t>{200, 404, 502, 200}));
  const Seen seen = meter.take();
  EXPECT_EQ(seen.records, 4u);
  EXPECT_EQ(seen.errors, 2u);
  EXPECT_EQ(seen.total.max(), 100'000'000u);
  EXPECT_EQ(meter.take().records, 0u);
}

TEST(Meter, ARecordWithoutATimeIsCounted) {
  Kept kept;
  Meter meter(kept);
  meter.write(Record{});
  EXPECT_EQ(meter.take().records, 1u);
}

}  // namespace
}  // namespace giliran::control
