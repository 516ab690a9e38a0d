#include "config/forms.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.h"
#include "base/text.h"
#include "config/toml_text.h"

namespace giliran::config {
namespace {

constexpr size_t kNameMax = 64;

// What base/parse.h says of a text, less the text, which the reader quotes itself.
template <typename T>
base::Result<T> unquoted(base::Result<T> outcome, std::string_view text) {
  if (!outcome) {
    outcome.error().message =
        without_prefix(std::move(outcome.error().message), fmt::format("'{}': ", text));
  }
  return outcome;
}

std::unexpected<base::Error> outside(const NumberRange& range, auto write) {
  const std::string_view zero = range.zero == Zero::kYes ? "0, or " : "";
  const std::string least = range.min == 0 ? "0" : write(range.min);
  if (range.max == UINT64_MAX) return base::fail(fmt::format("expected {}{} or more", zero, least));
  return base::fail(fmt::format("expected {}{} to {}", zero, least, write(range.max)));
}

bool within(uint64_t number, const NumberRange& range) {
  if (number == 0 && range.zero == Zero::kYes) return true;
  return number >= range.min && number <= range.max;
}

std::string time_text(base::Duration time) {
  return base::format_duration(time);
}

bool token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

}  // namespace

base::Result<base::Duration> to_duration(const Value& value, TimeRange range) {
  base::Duration time{-1};
  if (value.kind == Value::Kind::kText) {
    time = GILIRAN_TRY(unquoted(base::parse_duration(value.text), value.text));
  } else if (value.kind == Value::Kind::kInteger && value.integer == 0) {
    time = base::Duration(0);
  } else {
    return base::fail(
        "expected a time in quotes, with its unit, such as \"250ms\", \"5s\", \"2m\"");
  }
  const bool zero = time.count() == 0 && range.zero == Zero::kYes;
  if (zero || (time >= range.min && time <= range.max)) return time;
  if (range.min.count() == 1 && time.count() == 0) {
    return base::fail("expected a time above zero, such as 5s");
  }
  if (range.min.count() == 1) {
    return base::fail(fmt::format("expected at most {}", time_text(range.max)));
  }
  return base::fail(fmt::format("expected {}{} to {}", range.zero == Zero::kYes ? "0, or " : "",
                                time_text(range.min), time_text(range.max)));
}

base::Result<uint64_t> to_number(const Value& value, NumberRange range) {
  uint64_t number = 0;
  const auto text = [](uint64_t n) { return fmt::format("{}", n); };
  if (value.kind == Value::Kind::kText) {
    number = GILIRAN_TRY(unquoted(base::parse_count(value.text), value.text));
  } else if (value.kind != Value::Kind::kInteger) {
    return base::fail("expected a whole number such as 100 or \"20k\"");
  } else if (value.integer < 0) {
    return outside(range, text);
  } else {
    number = static_cast<uint64_t>(value.integer);
  }
  if (!within(number, range)) return outside(range, text);
  return number;
}

base::Result<uint64_t> to_bytes(const Value& value, NumberRange range) {
  uint64_t number = 0;
  if (value.kind == Value::Kind::kText) {
    number = GILIRAN_TRY(unquoted(base::parse_bytes(value.text), value.text));
  } else if (value.kind != Value::Kind::kInteger) {
    return base::fail("expected a size such as 512, \"16KiB\", \"100MiB\", \"1GiB\"");
  } else if (value.integer < 0) {
    return outside(range, base::format_bytes);
  } else {
    number = static_cast<uint64_t>(value.integer);
  }
  if (!within(number, range)) return outside(range, base::format_bytes);
  return number;
}

base::Result<double> to_fraction(const Value& value) {
  constexpr std::string_view kRange = "expected a part between 0 and 1, or 0% and 100%";
  if (value.kind == Value::Kind::kText) {
    return unquoted(base::parse_fraction(value.text), value.text);
  }
  double part = -1;
  if (value.kind == Value::Kind::kFloat) part = value.number;
  if (value.kind == Value::Kind::kInteger) part = static_cast<double>(value.integer);
  if (part >= 0 && part <= 1) return part;
  return base::fail(std::string(kRange));
}

base::Result<double> to_rate(const Value& value, double max) {
  double rate = -1;
  if (value.kind == Value::Kind::kText) {
    rate = GILIRAN_TRY(unquoted(base::parse_rate(value.text), value.text));
  } else if (value.kind == Value::Kind::kFloat) {
    rate = value.number;
  } else if (value.kind == Value::Kind::kInteger) {
    rate = static_cast<double>(value.integer);
  }
  if (rate >= 0 && rate <= max) return rate;
  return base::fail(
      fmt::format("expected a rate per second up to {}, such as 100, \"20k\", \"50/1s\"", max));
}

base::Result<bool> to_bool(const Value& value) {
  if (value.kind == Value::Kind::kBool) return value.boolean;
  return base::fail("expected true or false");
}

base::Result<std::string> to_text(const Value& value) {
  if (value.kind == Value::Kind::kText) return value.text;
  return base::fail("expected a text in quotes");
}

base::Result<std::string> to_name(const Value& value) {
  const std::string text = GILIRAN_TRY(to_text(value));
  const bool clean = is_visible(text) && text.find_first_of("\"\\") == std::string::npos;
  if (clean && text.size() <= kNameMax) return text;
  return base::fail(fmt::format(
      "expected a name of 1 to {} characters of ASCII without space and quotes", kNameMax));
}

base::Result<std::string> to_token(const Value& value) {
  std::string text = GILIRAN_TRY(to_text(value));
  if (is_token(text)) return text;
  return base::fail("expected letters, digits and !#$%&'*+-.^_`|~");
}

base::Result<std::string> to_field_value(const Value& value) {
  std::string text = GILIRAN_TRY(to_text(value));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) {
      return base::fail("expected no line ends or other control characters");
    }
  }
  if (base::trim(text).size() == text.size()) return text;
  return base::fail("expected no space at the ends");
}

std::string from_duration(base::Duration time) {
  return quoted(base::format_duration(time));
}

std::string from_number(uint64_t number) {
  const std::string text = fmt::format("{}", number);
  return number > static_cast<uint64_t>(INT64_MAX) ? quoted(text) : text;
}

std::string from_bytes(uint64_t bytes) {
  if (bytes < 1024) return from_number(bytes);
  const std::string text = base::format_bytes(bytes);
  const auto again = base::parse_bytes(text);
  return again && *again == bytes ? quoted(text) : from_number(bytes);
}

std::string from_fraction(double part) {
  const std::string percent = fmt::format("{:.6g}%", part * 100);
  const auto again = base::parse_fraction(percent);
  return again && *again == part ? quoted(percent) : from_double(part);
}

std::string from_double(double number) {
  return fmt::format("{}", number);
}

std::string from_bool(bool value) {
  return value ? "true" : "false";
}

std::string from_text(const std::string& text) {
  return text.empty() ? std::string() : quoted(text);
}

std::string from_list(std::span<const std::string> items) {
  std::string text;
  for (const std::string& item : items) text += fmt::format("{}{}", text.empty() ? "" : ", ", item);
  return text.empty() ? text : fmt::format("[{}]", text);
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, token_character);
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string without_prefix(std::string message, std::string_view prefix) {
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

std::vector<const Value*> items_of(const Value& value) {
  std::vector<const Value*> items;
  if (value.kind != Value::Kind::kList) return {&value};
  for (const Value& item : value.children) items.push_back(&item);
  return items;
}

}  // namespace giliran::config
