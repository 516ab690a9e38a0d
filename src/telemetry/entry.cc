#include "telemetry/entry.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "telemetry/json.h"

namespace giliran::telemetry {

namespace {

static_assert(std::is_trivially_copyable_v<Record> && std::is_standard_layout_v<Record>);
constexpr size_t kPlainSize = offsetof(Record, process_name);

using Text = std::string_view Record::*;
constexpr std::array<Text, 15> kTexts = {
    &Record::process_name, &Record::route,   &Record::pool,   &Record::policy, &Record::server,
    &Record::tried,        &Record::method,  &Record::target, &Record::host,   &Record::user_agent,
    &Record::referer,      &Record::upgrade, &Record::sent,   &Record::got,    &Record::reason};
static_assert(kPlainSize + kTexts.size() * sizeof(std::string_view) == sizeof(Record));

struct Head {
  uint64_t dropped = 0;
  std::array<uint16_t, kTexts.size()> sizes{};
};

// One byte more than the bound, so that the encoder sees that it was longer.
constexpr size_t text_max(Text text) {
  return (text == &Record::target ? kTargetMax : kTextMax) + 1;
}
static_assert(sizeof(Head) + kPlainSize + kTargetMax + (kTextMax + 1) * kTexts.size() <
              Ring::kBytesMin / 2 - 64);

}  // namespace

bool put_entry(const Record& record, uint64_t dropped, Ring& ring) {
  Head head;
  head.dropped = dropped;
  size_t size = sizeof head + kPlainSize;
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const size_t text_size = std::min((record.*kTexts[i]).size(), text_max(kTexts[i]));
    head.sizes[i] = static_cast<uint16_t>(text_size);
    size += text_size;
  }
  char* at = ring.reserve(size);
  if (at == nullptr) return false;
  std::memcpy(at, &head, sizeof head);
  at += sizeof head;
  std::memcpy(at, static_cast<const void*>(&record), kPlainSize);
  at += kPlainSize;
  for (size_t i = 0; i < kTexts.size(); ++i) {
    if (head.sizes[i] != 0) std::memcpy(at, (record.*kTexts[i]).data(), head.sizes[i]);
    at += head.sizes[i];
  }
  ring.commit();
  return true;
}

void read_entry(std::string_view bytes, Entry& out) {
  Head head;
  const char* at = bytes.data();
  std::memcpy(&head, at, sizeof head);
  at += sizeof head;
  out.dropped = head.dropped;
  std::memcpy(static_cast<void*>(&out.record), at, kPlainSize);
  at += kPlainSize;
  for (size_t i = 0; i < kTexts.size(); ++i) {
    out.record.*kTexts[i] = std::string_view(at, head.sizes[i]);
    at += head.sizes[i];
  }
}

}  // namespace giliran::telemetry
