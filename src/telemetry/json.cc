#include "telemetry/json.h"

#include <array>
#include <chrono>
#include <cstring>

#include "base/decimal.h"
#include "base/utf8.h"

namespace giliran::telemetry {

namespace {

constexpr std::string_view kCutMark = "…";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr char kHex[] = "0123456789abcdef";

// True for the bytes that stand for themselves in a JSON string.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Whether all eight bytes do.
bool all_plain(uint64_t bytes) {
  constexpr uint64_t kEach = 0x0101'0101'0101'0101;
  constexpr uint64_t kHigh = 0x80 * kEach;
  const uint64_t low = bytes & ~kHigh;
  const uint64_t from_space = low + (0x80 - 0x20) * kEach;
  const uint64_t up_to_tilde = ~(low + (0x80 - 0x7F) * kEach);
  const uint64_t no_quote = (low ^ '"' * kEach) + 0x7F * kEach;
  const uint64_t no_backslash = (low ^ '\\' * kEach) + 0x7F * kEach;
  return (from_space & up_to_tilde & no_quote & no_backslash & ~bytes & kHigh) == kHigh;
}

constexpr size_t kEscapedMax = 6;  // bytes a byte of text may become
constexpr size_t kTexts = 15;
constexpr size_t kFixedMax = 2816;  // all keys, numbers, addresses, ids and words together

size_t put_two(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
  return 2;
}

// "2026-11-22T09:00:00" of a second, made anew only when the second changes.
struct SecondText {
  static constexpr size_t kSize = 19;
  int64_t second = INT64_MIN;
  char text[kSize];

  void set(int64_t s) {
    if (s == second) return;
    second = s;
    const std::chrono::sys_seconds time{std::chrono::seconds(s)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(time - day);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    char* at = text;
    at += put_two(at, year / 100 % 100);
    at += put_two(at, year % 100);
    *at++ = '-';
    at += put_two(at, static_cast<unsigned>(date.month()));
    *at++ = '-';
    at += put_two(at, static_cast<unsigned>(date.day()));
    *at++ = 'T';
    at += put_two(at, static_cast<unsigned>(clock.hours().count()));
    *at++ = ':';
    at += put_two(at, static_cast<unsigned>(clock.minutes().count()));
    *at++ = ':';
    put_two(at, static_cast<unsigned>(clock.seconds().count()));
  }
};

// Writes into memory the caller has bounded.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  char* at() const { return at_; }

  template <size_t N>
  void literal(const char (&text)[N]) {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void raw(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void number(uint64_t n) { at_ = base::put_decimal(at_, n); }

  template <size_t N>
  void word(const char (&key)[N], std::string_view value) {
    if (value.empty()) return;
    literal(key);
    raw(value);
    *at_++ = '"';
  }
  template <size_t N>
  void count(const char (&key)[N], uint64_t n) {
    literal(key);
    number(n);
  }
  template <size_t N>
  void count_unless_zero(const char (&key)[N], uint64_t n) {
    if (n != 0) count(key, n);
  }
  template <size_t N>
  void address(const char (&key)[N], const base::Address& address) {
    if (address.none()) return;
    literal(key);
    if (address.is_unix()) {
      char text[base::Address::kTextMax];
      escaped({text, address.format(text)});
    } else {
      at_ += address.format(at_);
    }
    *at_++ = '"';
  }
  template <size_t N>
  void text(const char (&key)[N], std::string_view value, size_t max = kTextMax,
            bool even_empty = false) {
    if (value.empty() && !even_empty) return;
    literal(key);
    if (value.size() <= max) {
      escaped(value);
    } else {
      escaped(base::utf8_prefix(value, max - kCutMark.size()));
      raw(kCutMark);
    }
    *at_++ = '"';
  }
  // Microseconds, up to three decimals.
  template <size_t N>
  void duration(const char (&key)[N], base::Duration d) {
    if (d.count() < 0) return;
    literal(key);
    const auto ns = static_cast<uint64_t>(d.count());
    number(ns / 1000);
    const auto rest = static_cast<unsigned>(ns % 1000);
    if (rest == 0) return;
    *at_++ = '.';
    *at_++ = static_cast<char>('0' + rest / 100);
    if (rest % 100 == 0) return;
    *at_++ = static_cast<char>('0' + rest / 10 % 10);
    if (rest % 10 != 0) *at_++ = static_cast<char>('0' + rest % 10);
  }
  void timestamp(base::WallTime time) {
    static thread_local SecondText second;
    constexpr int64_t kSecond = 1'000'000'000;
    int64_t s = time.ns / kSecond;
    int64_t ns = time.ns % kSecond;
    if (ns < 0) {
      ns += kSecond;
      --s;
    }
    second.set(s);
    raw({second.text, SecondText::kSize});
    auto us = static_cast<unsigned>(ns / 1000);
    at_[0] = '.';
    for (size_t i = 6; i > 0; --i, us /= 10) at_[i] = static_cast<char>('0' + us % 10);
    at_[7] = 'Z';
    at_ += 8;
  }

 private:
  void escaped(std::string_view text) {
    if (copied_plain(text)) return;
    while (!text.empty()) {
      const auto c = static_cast<unsigned char>(text.front());
      if (kPlain[c]) {
        *at_++ = text.front();
        text.remove_prefix(1);
      } else {
        text.remove_prefix(escape_one(text, c));
      }
    }
  }
  // Copies it where nothing needs an escape, eight bytes at a time, the last ones with some of
  // those before; else leaves what is not copied yet.
  bool copied_plain(std::string_view& text) {
    constexpr size_t kWord = sizeof(uint64_t);
    uint64_t word = 0;
    if (text.size() < kWord / 2) return false;
    if (text.size() < kWord) {
      constexpr size_t kHalf = kWord / 2;
      const size_t last = text.size() - kHalf;
      uint32_t halves[2];
      std::memcpy(&halves[0], &text[0], kHalf);
      std::memcpy(&halves[1], &text[last], kHalf);
      if (!all_plain(uint64_t{halves[0]} << 32 | halves[1])) return false;
      std::memcpy(at_, &halves[0], kHalf);
      std::memcpy(at_ + last, &halves[1], kHalf);
      at_ += text.size();
      return true;
    }
    for (; text.size() >= kWord; text.remove_prefix(kWord), at_ += kWord) {
      std::memcpy(&word, text.data(), kWord);
      if (!all_plain(word)) return false;
      std::memcpy(at_, &word, kWord);
    }
    if (text.empty()) return true;
    const size_t before = kWord - text.size();
    std::memcpy(&word, text.data() - before, kWord);
    if (!all_plain(word)) return false;
    std::memcpy(at_ - before, &word, kWord);
    at_ += text.size();
    return true;
  }
  void escaped_unit(char32_t unit) {
    literal("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) *at_++ = kHex[unit >> shift & 0xF];
  }
  // Writes what stands for the sequence at the front; returns its bytes in the text.
  size_t escape_one(std::string_view text, unsigned char c) {
    if (c >= 0x80) {
      const size_t size = base::utf8_sequence(text);
      if (size == 0) {
        raw(kReplacement);
        return 1;
      }
      const char32_t value = base::code_point(text.substr(0, size));
      if (!base::is_hidden(value)) {
        raw(text.substr(0, size));
      } else if (value < 0x10000) {
        escaped_unit(value);
      } else {
        escaped_unit(0xD800 + ((value - 0x10000) >> 10));
        escaped_unit(0xDC00 + ((value - 0x10000) & 0x3FF));
      }
      return size;
    }
    *at_++ = '\\';
    if (c == '"' || c == '\\') {
      *at_++ = static_cast<char>(c);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      *at_++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
    } else {
      literal("u00");
      *at_++ = kHex[c >> 4];
      *at_++ = kHex[c & 0xF];
    }
    return 1;
  }

  char* at_;
};

void put_identity(Writer& w, const Record& r) {
  if (!r.trace.none()) {
    w.literal(",\"trace\":\"");
    char hex[32];
    r.trace.format(hex);
    w.raw({hex, sizeof hex});
    w.literal("\"");
  }
  const auto span = [&](const auto& key, base::SpanId id) {
    if (id.none()) return;
    w.literal(key);
    char hex[16];
    id.format(hex);
    w.raw({hex, sizeof hex});
    w.literal("\"");
  };
  span(",\"span\":\"", r.span);
  span(",\"parent\":\"", r.parent);
  w.count_unless_zero(",\"id\":", r.id);
  w.text(",\"name\":\"", r.process_name);
  w.address(",\"peer\":\"", r.peer);
  w.address(",\"local\":\"", r.local);
  w.address(",\"client\":\"", r.client);
  w.count_unless_zero(",\"conn\":", r.connection);
  w.count_unless_zero(",\"seq\":", r.sequence);
}

void put_choice(Writer& w, const Record& r) {
  w.text(",\"route\":\"", r.route);
  w.text(",\"pool\":\"", r.pool);
  w.text(",\"policy\":\"", r.policy);
  w.text(",\"server\":\"", r.server);
  w.address(",\"upstream\":\"", r.upstream);
  w.address(",\"upstream_local\":\"", r.upstream_local);
  if (r.tier == Tier::kCoordinator) w.count(",\"attempts\":", r.attempts);
  w.text(",\"tried\":\"", r.tried);
  if (r.reused) w.literal(",\"reused\":true");
}

void put_content(Writer& w, const Record& r) {
  w.text(",\"method\":\"", r.method);
  w.text(",\"target\":\"", r.target, kTargetMax);
  w.text(",\"host\":\"", r.host);
  w.text(",\"user_agent\":\"", r.user_agent);
  w.text(",\"referer\":\"", r.referer);
  w.word(",\"proto\":\"", name(r.proto));
  w.text(",\"upgrade\":\"", r.upgrade);
  w.count_unless_zero(",\"status\":", r.status);
  const bool clients_message = r.tier == Tier::kClient && r.kind == Kind::kMessage;
  w.text(",\"sent\":\"", r.sent, kTextMax, clients_message);
  w.text(",\"got\":\"", r.got, kTextMax, clients_message && r.end == End::kOk);
  if (r.kind == Kind::kFlow && r.tier != Tier::kCoordinator) w.count(",\"messages\":", r.messages);
}

void put_durations(Writer& w, const Record& r) {
  w.duration(",\"idle_us\":", r.idle);
  w.duration(",\"head_us\":", r.head);
  w.duration(",\"queue_us\":", r.queue);
  w.duration(",\"connect_us\":", r.connect);
  w.duration(",\"send_us\":", r.send);
  w.duration(",\"wait_us\":", r.wait);
  w.duration(",\"service_us\":", r.service);
  w.duration(",\"data_us\":", r.data);
  w.duration(",\"total_us\":", r.total);
  w.duration(",\"lag_us\":", r.lag);
}

void put_bytes(Writer& w, const Record& r) {
  if (r.tier != Tier::kClient) {
    w.count(",\"down_in\":", r.down_in);
    w.count(",\"down_out\":", r.down_out);
  }
  if (r.tier != Tier::kServer) {
    w.count(",\"up_out\":", r.up_out);
    w.count(",\"up_in\":", r.up_in);
  }
  if (r.kind == Kind::kExchange) {
    w.count(",\"body_in\":", r.body_in);
    w.count(",\"body_out\":", r.body_out);
  }
}

char* encode(const Record& r, char* at) {
  Writer w(at);
  w.literal("{\"ts\":\"");
  w.timestamp(r.arrived);
  w.word("\",\"tier\":\"", name(r.tier));
  w.word(",\"kind\":\"", name(r.kind));
  w.word(",\"end\":\"", name(r.end));
  if (r.end != End::kOk) {
    w.word(",\"by\":\"", name(r.by));
    w.word(",\"phase\":\"", name(r.phase));
  }
  put_identity(w, r);
  put_choice(w, r);
  put_content(w, r);
  put_durations(w, r);
  put_bytes(w, r);
  w.text(",\"reason\":\"", r.reason);
  w.literal("}\n");
  return w.at();
}

size_t line_max(const Record& r) {
  static_assert(kFixedMax > 2048 + kTexts * 3);
  const auto bounded = [](std::string_view s, size_t max) { return std::min(s.size(), max + 3); };
  size_t text = bounded(r.target, kTargetMax);
  for (const std::string_view s :
       {r.process_name, r.route, r.pool, r.policy, r.server, r.tried, r.method, r.host,
        r.user_agent, r.referer, r.upgrade, r.sent, r.got, r.reason}) {
    text += bounded(s, kTextMax);
  }
  for (const base::Address* a : {&r.peer, &r.local, &r.client, &r.upstream, &r.upstream_local}) {
    if (a->is_unix()) text += base::Address::kTextMax;
  }
  return kFixedMax + text * kEscapedMax;
}

}  // namespace

void append_json(const Record& record, std::string& out) {
  const size_t before = out.size();
  out.resize_and_overwrite(before + line_max(record), [&](char* text, size_t) {
    return static_cast<size_t>(encode(record, text + before) - text);
  });
}

void append_mark_json(Tier tier, Mark mark, uint32_t process, base::WallTime now,
                      std::string& out) {
  char line[192];
  Writer w(line);
  w.literal("{\"ts\":\"");
  w.timestamp(now);
  w.word("\",\"tier\":\"", name(tier));
  w.word(",\"kind\":\"", name(mark));
  w.count(",\"pid\":", process);
  w.literal("}\n");
  out.append(line, static_cast<size_t>(w.at() - line));
}

void append_dropped_json(Tier tier, uint64_t count, base::WallTime now, std::string& out) {
  char line[192];
  Writer w(line);
  w.word("{\"tier\":\"", name(tier));
  w.count(",\"kind\":\"dropped\",\"count\":", count);
  w.literal(",\"ts\":\"");
  w.timestamp(now);
  w.literal("\"}\n");
  out.append(line, static_cast<size_t>(w.at() - line));
}

}  // namespace giliran::telemetry
