#include "server/character.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/parse.h"
#include "base/rng.h"
#include "config/key_of.h"
#include "config/toml_file.h"
#include "server/ask.h"

namespace giliran::server {
namespace {

using config::Key;
using config::Value;

// The message of a parser of flags quotes the value; that of a key's must not.
template <typename T>
base::Result<T> unquoted(base::Result<T> parsed, const Value& value) {
  if (parsed) return parsed;
  return base::fail(config::without_prefix(parsed.error().message, "'" + value.text + "': "));
}

base::Result<base::Distribution> to_distribution(const Value& value) {
  const bool zero = value.kind == Value::Kind::kInteger && value.integer == 0;
  if (zero) return base::Distribution();
  if (value.kind != Value::Kind::kText) {
    return base::fail("expected a text, such as \"5ms\" or \"exp(5ms)\"");
  }
  return unquoted(base::Distribution::parse(value.text), value);
}

base::Result<FaultSpec> to_fault(const Value& value) {
  if (value.kind != Value::Kind::kText) return base::fail("expected a text, such as \"1%:503\"");
  if (value.text == "none") return FaultSpec();
  return unquoted(FaultSpec::parse(value.text), value);
}

base::Duration times(base::Duration time, double factor) {
  return base::Duration(std::llround(static_cast<double>(time.count()) * factor));
}

base::Result<double> to_slowdown(const Value& value) {
  double factor = 0;
  if (value.kind == Value::Kind::kInteger) factor = static_cast<double>(value.integer);
  if (value.kind == Value::Kind::kFloat) factor = value.number;
  if (factor > 0 && factor <= kSlowdownMax) return factor;
  return base::fail(fmt::format("expected a number above 0 and up to {}", kSlowdownMax));
}

Key<Character> distribution_key(const config::KeyText& text,
                                base::Distribution Character::* member) {
  return config::key_of(text, "distribution", member, to_distribution,
                        [](const base::Distribution& d) { return config::quoted(d.text()); });
}

}  // namespace

Lot Character::draw(uint64_t seed, uint64_t number, const base::Distribution* asked_delay,
                    const base::Distribution* asked_work) const {
  const base::Distribution& delays = asked_delay == nullptr ? delay : *asked_delay;
  const base::Distribution& works = asked_work == nullptr ? work : *asked_work;
  Lot lot{.fault = fail.hits(seed, number),
          .needs_thread = blocking || !works.zero(),
          .fault_kind = fail.kind,
          .fault_status = fail.status};
  if (delays.zero() && works.zero()) return lot;
  base::Rng rng(seed ^ (number * 0x9e3779b97f4a7c15ULL));
  base::Duration waits = delays.sample(rng);
  lot.work = works.sample(rng);
  if (asked_delay != nullptr) waits = std::min(waits, kAskedTimeMax);
  if (asked_work != nullptr) lot.work = std::min(lot.work, kAskedTimeMax);
  waits = times(waits, slowdown);
  lot.work = times(lot.work, slowdown);
  (blocking ? lot.hold : lot.delay) = waits;
  return lot;
}

std::string Character::text() const {
  return fmt::format("delay {}{}, work {}, fail {}{}{}", delay.text(),
                     blocking ? " (blocking)" : "", work.text(), fail.text(),
                     body_bytes ? ", body " + base::format_bytes(*body_bytes) : "",
                     slowdown == 1 ? "" : fmt::format(", slowdown {}", slowdown));
}

std::span<const Key<Character>> character_keys() {
  static const std::vector<Key<Character>> keys = {
      distribution_key({"delay", "\"exp(5ms)\"", "wait before answering"}, &Character::delay),
      distribution_key({"work", "\"2ms\"", "CPU time burnt for each request, on a thread"},
                       &Character::work),
      config::bool_key<Character>(
          {"blocking", "true", "a delay holds its thread, as in a synchronous server"},
          &Character::blocking),
      config::key_of(
          {"fail", "\"1%:503\"", "so many fail on purpose: RATE, RATE:STATUS, RATE:reset"}, "fault",
          &Character::fail, to_fault,
          [](const FaultSpec& fail) { return config::quoted(fail.text()); }),
      config::key_of({"slowdown", "10",
                      "delay and work take so many times as long, those that requests ask for too"},
                     "number", &Character::slowdown, to_slowdown, config::from_double),
      config::absent(
          config::key_of(
              {"body", "\"16KiB\"", "answers have exactly so many bytes"}, "bytes",
              &Character::body_bytes,
              [](const Value& value) { return config::to_bytes(value, {.max = kBodyBytesMax}); },
              [](const std::optional<uint64_t>& bytes) {
                return bytes ? config::from_bytes(*bytes) : std::string();
              }),
          "the name and a line end"),
  };
  return keys;
}

base::Result<Character> parse_character(std::string_view text, std::string_view file) {
  return config::parse_toml_as<Character>(text, file, character_keys());
}

base::Result<Character> load_character(const std::string& path) {
  return parse_character(GILIRAN_TRY(config::read_toml_file(path)), path);
}

}  // namespace giliran::server
