#include "report/join.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace giliran::report {

namespace {

using telemetry::End;
using telemetry::Kind;
using telemetry::Line;
using telemetry::Phase;
using telemetry::Tier;

enum class Side : uint8_t { kLeft, kRight };

// What a join needs of a record.
struct Item {
  uint64_t key = 0;
  int64_t time_ns = 0;  // flows only
  uint64_t answer = 0;  // of an answer that may have been a refusal of what was not read, or 0
  uint64_t out = 0;     // bytes towards the server
  uint64_t in = 0;
  uint32_t line = 0;
  uint16_t file = 0;
  uint16_t attempts = 0;
  Side side = Side::kLeft;
  Tier tier = Tier::kClient;
  End end = End::kOk;
  Phase phase = Phase::kNone;

  bool ok() const { return end == End::kOk; }
};
static_assert(sizeof(Item) <= 56);

// A request that the coordinator could not read: its record names no parent.
struct Refused {
  uint64_t answer = 0;
  End end = End::kBadRequest;
};

uint64_t hash_text(std::string_view text) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

std::optional<uint64_t> address_key(std::string_view address) {
  // The clients of a Unix socket have no name.
  if (address.empty() || address.starts_with("unix:")) return std::nullopt;
  return hash_text(address);
}

std::optional<uint64_t> span_key(base::SpanId span) {
  if (span.none()) return std::nullopt;
  return span.value;
}

// Of the connection, by the client's end of it, and the status: what both sides know of a request
// that could not be read. A refusal is the last answer of its connection. The clients of a Unix
// socket are known by the status alone.
uint64_t answer_key(std::string_view client, uint16_t status) {
  return address_key(client).value_or(0) * 31 + status;
}

bool is_refused(const Line& line) {
  return line.tier == Tier::kCoordinator && line.kind == Kind::kExchange && line.parent.none() &&
         line.end != End::kOk && line.method.empty() && line.status != 0;
}

// Zero of an exchange that no refusal explains.
uint64_t answer_got(const Line& line) {
  const bool may_be = line.tier == Tier::kClient && line.kind == Kind::kExchange &&
                      line.end == End::kOk && line.status >= 400;
  return may_be ? answer_key(line.local, line.status) : 0;
}

Item make_item(const Line& line, Side side, uint64_t key, size_t file) {
  const bool left = side == Side::kLeft;
  return {.key = key,
          .time_ns = line.kind == Kind::kFlow ? line.arrived().ns : 0,
          .answer = left ? answer_got(line) : 0,
          .out = left ? line.up_out : line.down_in,
          .in = left ? line.up_in : line.down_out,
          .line = static_cast<uint32_t>(line.number),
          .file = static_cast<uint16_t>(file),
          .attempts = line.attempts,
          .side = side,
          .tier = line.tier,
          .end = line.end,
          .phase = line.phase};
}

// Whether a coordinator's record says that a server was never given the request.
bool never_handed_over(const Item& item) {
  if (item.ok()) return false;
  if (item.tier == Tier::kCoordinator && item.attempts == 0) return true;
  switch (item.end) {
    case End::kConnectRefused:
    case End::kConnectTimeout:
    case End::kConnectFailed:
    case End::kNoServer:
    case End::kRateLimited:
    case End::kDenied:
      return true;
    case End::kOk:
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kBadRequest:
    case End::kServerClosed:
    case End::kServerTimeout:
    case End::kBadResponse:
    case End::kFault:
    case End::kLimit:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kBodyTooLarge:
    case End::kTotalTimeout:
    case End::kIdleTimeout:
    case End::kShutdown:
    case End::kInternal:
      break;
  }
  return item.phase == Phase::kRequest || item.phase == Phase::kQueue ||
         item.phase == Phase::kConnect;
}

// Whether one that asked had stopped waiting, rather than lost or refused the answer.
bool gave_up(End end) {
  switch (end) {
    case End::kClientClosed:
    case End::kClientTimeout:
    case End::kServerTimeout:
    case End::kIdleTimeout:
    case End::kShutdown:
    case End::kLimit:
    case End::kBodyTooLarge:
    case End::kTotalTimeout:
      return true;
    case End::kOk:
    case End::kBadRequest:
    case End::kNoServer:
    case End::kConnectRefused:
    case End::kConnectTimeout:
    case End::kConnectFailed:
    case End::kServerClosed:
    case End::kBadResponse:
    case End::kFault:
    case End::kQueueTimeout:
    case End::kQueueFull:
    case End::kRateLimited:
    case End::kDenied:
    case End::kInternal:
      break;
  }
  return false;
}

class Joiner {
 public:
  Joiner(Comparison& comparison, std::span<const std::string> paths)
      : comparison_(comparison), paths_(paths) {
    comparison_.right_count = comparison_.foreign = 0;
    comparison_.left_out = comparison_.right_in = 0;
    comparison_.left_in = comparison_.right_out = 0;
  }

  void take(const Line& line, size_t file, size_t part, size_t parts) {
    if (line.kind != comparison_.kind) return;
    const auto add = [&](Side side, std::optional<uint64_t> key) {
      if (!key) {
        if (part != 0) return;
        if (side == Side::kLeft) {
          left_alone(make_item(line, side, 0, file));
        } else if (is_refused(line)) {
          refused_.push_back({.answer = answer_key(line.peer, line.status), .end = line.end});
        }
        return;
      }
      if ((*key >> 7) % parts == part) items_.push_back(make_item(line, side, *key, file));
    };
    if (line.tier == comparison_.left) add(Side::kLeft, asking_key(line));
    if (line.tier == comparison_.right) add(Side::kRight, asked_key(line));
  }

  // Joins what was taken.
  void join() {
    std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
      return std::tie(a.key, a.side, a.time_ns, a.file, a.line) <
             std::tie(b.key, b.side, b.time_ns, b.file, b.line);
    });
    for (size_t begin = 0; begin < items_.size();) {
      size_t middle = begin;
      while (middle < items_.size() && items_[middle].key == items_[begin].key &&
             items_[middle].side == Side::kLeft) {
        ++middle;
      }
      size_t end = middle;
      while (end < items_.size() && items_[end].key == items_[begin].key) ++end;
      const std::span<const Item> all(items_);
      const auto lefts = all.subspan(begin, middle - begin);
      const auto rights = all.subspan(middle, end - middle);
      if (comparison_.kind == Kind::kFlow) {
        join_flows(lefts, rights);
      } else {
        join_exchanges(lefts, rights);
      }
      begin = end;
    }
    items_.clear();
  }

  // What the right's logs say that they dropped, and whether one of them has no end.
  void finish(uint64_t dropped_right, bool unended_right) {
    match_refused();
    for (auto& [key, named] : named_) {
      if (key.first == kMissing && dropped_right != 0) {
        const uint64_t excused = std::min(named.count, dropped_right);
        comparison_.named.push_back({.name = "dropped records",
                                     .detail = std::string(name(comparison_.right)),
                                     .count = excused,
                                     .example = named.example,
                                     .accounted = true});
        named.count -= excused;
        if (named.count == 0) continue;
      }
      if (key.first == kMissing && unended_right) {
        named.name = kNoEndMark;
        named.detail = name(comparison_.right);
        named.accounted = true;
      }
      comparison_.named.push_back(std::move(named));
    }
  }

 private:
  static constexpr const char* kMissing = "answered but not recorded";

  // What is left alone only because the right could not read whose request it was.
  void match_refused() {
    std::sort(refused_.begin(), refused_.end(),
              [](const Refused& a, const Refused& b) { return a.answer < b.answer; });
    std::sort(unseen_.begin(), unseen_.end(), [](const Item& a, const Item& b) {
      return std::tie(a.answer, a.file, a.line) < std::tie(b.answer, b.file, b.line);
    });
    auto refused = refused_.begin();
    for (const Item& left : unseen_) {
      while (refused != refused_.end() && refused->answer < left.answer) ++refused;
      if (refused == refused_.end() || refused->answer != left.answer) {
        missing(left);
        continue;
      }
      ++comparison_.right_count;
      count("refused before it could be read", std::string(name(refused->end)), left, true);
      ++refused;
    }
  }

  void missing(const Item& left) {
    count(kMissing, fmt::format("no {} record", name(comparison_.right)), left, false);
  }

  void join_exchanges(std::span<const Item> lefts, std::span<const Item> rights) {
    if (lefts.empty()) {
      comparison_.foreign += rights.size();
      return;
    }
    for (const Item& again : lefts.subspan(1)) count("recorded twice", "", again, false);
    if (rights.empty()) return left_alone(lefts[0]);
    comparison_.right_count += rights.size();
    for (const Item& again : rights.subspan(1)) {
      count(comparison_.right == Tier::kServer ? "executed twice" : "sent twice", "", again, true);
    }
    if (rights.size() == 1) {
      pair(lefts[0], rights[0]);
    } else {
      matched_late(lefts[0], rights[0]);
    }
  }

  // Ports are reused: the same key may stand for several flows, one after the other.
  void join_flows(std::span<const Item> lefts, std::span<const Item> rights) {
    size_t i = 0;
    size_t j = 0;
    const auto gap = [&](size_t a, size_t b) {
      if (a >= lefts.size() || b >= rights.size()) return INT64_MAX;
      const int64_t d = lefts[a].time_ns - rights[b].time_ns;
      return d < 0 ? -d : d;
    };
    while (i < lefts.size() && j < rights.size()) {
      const size_t lefts_left = lefts.size() - i;
      const size_t rights_left = rights.size() - j;
      if (lefts_left > rights_left && gap(i + 1, j) < gap(i, j)) {
        left_alone(lefts[i++]);
      } else if (rights_left > lefts_left && gap(i, j + 1) < gap(i, j)) {
        ++comparison_.foreign;
        ++j;
      } else {
        ++comparison_.right_count;
        pair(lefts[i++], rights[j++]);
      }
    }
    for (; i < lefts.size(); ++i) left_alone(lefts[i]);
    comparison_.foreign += rights.size() - j;
  }

  void pair(const Item& left, const Item& right) {
    matched_late(left, right);
    if (!left.ok() || !right.ok() || left.attempts > 1) return;
    comparison_.left_out += left.out;
    comparison_.left_in += left.in;
    comparison_.right_in += right.out;
    comparison_.right_out += right.in;
    if (left.out != right.out || left.in != right.in) {
      count("bytes differ",
            fmt::format("{} sees {}/{}, {} sees {}/{}", name(left.tier), left.out, left.in,
                        name(right.tier), right.out, right.in),
            left, false);
    }
  }

  void matched_late(const Item& left, const Item& right) {
    if (left.ok() || !right.ok()) return;
    count(gave_up(left.end) ? "answered too late" : "answered but not received",
          std::string(name(left.end)), left, true);
  }

  void left_alone(const Item& left) {
    if (left.ok()) {
      const bool empty_flow = comparison_.kind == Kind::kFlow && left.out == 0 && left.in == 0;
      if (empty_flow) return count("connection without a byte", "", left, true);
      if (left.answer != 0 && comparison_.right == Tier::kCoordinator) {
        unseen_.push_back(left);
        return;
      }
      return missing(left);
    }
    const bool before = comparison_.right != Tier::kServer || never_handed_over(left);
    count(before ? "lost before hand-off" : "lost after hand-off", std::string(name(left.end)),
          left, true);
  }

  void count(const char* what, std::string detail, const Item& example, bool accounted) {
    // Byte differences are one name, however many numbers they show.
    const std::string key = accounted ? detail : "";
    Named& named = named_[{what, key}];
    if (named.count++ != 0) return;
    named.name = what;
    named.detail = std::move(detail);
    named.accounted = accounted;
    named.example = fmt::format("{}:{}", paths_[example.file], example.line);
    if (comparison_.kind == Kind::kExchange) {
      named.example += fmt::format(" span {:016x}", example.key);
    }
  }

  Comparison& comparison_;
  std::span<const std::string> paths_;
  std::vector<Item> items_;
  std::vector<Refused> refused_;  // on the right
  std::vector<Item> unseen_;      // of the left, which one of these may explain
  std::map<std::pair<std::string, std::string>, Named> named_;
};

}  // namespace

std::optional<uint64_t> asking_key(const Line& line) {
  switch (line.kind) {
    case Kind::kExchange:
      return span_key(line.span);
    case Kind::kFlow:
      return address_key(line.tier == Tier::kClient ? line.local : line.upstream_local);
    case Kind::kMessage:
      break;
  }
  return std::nullopt;
}

std::optional<uint64_t> asked_key(const Line& line) {
  if (line.tier == Tier::kClient) return std::nullopt;
  switch (line.kind) {
    case Kind::kExchange:
      return span_key(line.parent);
    case Kind::kFlow:
      return address_key(line.peer);
    case Kind::kMessage:
      break;
  }
  return std::nullopt;
}

base::Result<void> join_exactly(std::span<const std::string> paths, size_t items_total,
                                size_t items_max, const Conservation& logs,
                                std::vector<Comparison*> comparisons) {
  std::vector<Joiner> joiners;
  for (Comparison* c : comparisons) joiners.emplace_back(*c, paths);
  const size_t parts = items_total / std::max<size_t>(items_max, 1) + 1;
  for (size_t part = 0; part < parts; ++part) {
    for (size_t file = 0; file < paths.size(); ++file) {
      const auto read = telemetry::read_log(
          {.path = paths[file]},
          [&](const Line& line) {
            for (Joiner& joiner : joiners) joiner.take(line, file, part, parts);
          },
          [](Tier, uint64_t) {});
      if (!read) return std::unexpected(read.error());
    }
    for (Joiner& joiner : joiners) joiner.join();
  }
  for (size_t i = 0; i < joiners.size(); ++i) {
    const auto right = static_cast<size_t>(comparisons[i]->right);
    joiners[i].finish(logs.dropped[right], logs.unended[right] != 0);
  }
  return {};
}

}  // namespace giliran::report
