#include "proxy/forwarded_field.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/text.h"
#include "proxy/client_address.h"
#include "wire/http1/authority.h"

namespace giliran::proxy {
namespace {

constexpr size_t kNodeBytesMax = 64;  // of an address with its port, brackets and all

// The quote at `at` stands for itself: an odd number of backslashes is in front of it.
bool is_escaped(std::string_view text, size_t at) {
  size_t backslashes = 0;
  while (backslashes < at && text[at - backslashes - 1] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// The value of one parameter: a token, or what stands between quotes.
struct Value {
  std::string_view text;
  bool quoted = false;  // may have escapes then
};

// Takes `name=value` off the front of an element, with the ';' behind it; none where that is
// something else.
struct Parameter {
  std::string_view name;
  Value value;
};
std::optional<Parameter> take_parameter(std::string_view& element) {
  const size_t equals = element.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  Parameter out{.name = base::trim(element.substr(0, equals)), .value = {}};
  element = base::trim(element.substr(equals + 1));
  size_t end = 0;
  if (element.starts_with('"')) {
    end = 1;
    while (end < element.size() && (element[end] != '"' || is_escaped(element, end))) ++end;
    if (end == element.size()) return std::nullopt;
    out.value = {.text = element.substr(1, end - 1), .quoted = true};
    ++end;
  } else {
    end = std::min(element.find(';'), element.size());
    out.value = {.text = base::trim(element.substr(0, end))};
    if (out.value.text.find('"') != std::string_view::npos) return std::nullopt;
  }
  element = base::trim(element.substr(end));
  if (element.empty()) return out;
  if (element.front() != ';') return std::nullopt;
  element = base::trim(element.substr(1));
  return out;
}

// Copies what a value means; none where there is no room.
std::optional<std::string_view> unescape(const Value& value, std::span<char> out) {
  size_t size = 0;
  for (size_t i = 0; i < value.text.size(); ++i) {
    if (value.quoted && value.text[i] == '\\' && ++i == value.text.size()) return std::nullopt;
    if (size == out.size()) return std::nullopt;
    out[size++] = value.text[i];
  }
  return std::string_view(out.data(), size);
}

// "_name" for a port hides it; the address is still one.
std::string_view without_hidden_port(std::string_view node) {
  const size_t hidden = node.rfind(":_");
  return hidden == std::string_view::npos ? node : node.substr(0, hidden);
}

base::Address parse_node(const Value& value) {
  std::array<char, kNodeBytesMax> room;
  const auto node = unescape(value, room);
  return node ? parse_client_address(without_hidden_port(*node)) : base::Address();
}

}  // namespace

std::string_view known_proto(std::string_view text) {
  for (const std::string_view known : {"http", "https"}) {
    if (base::equals_ignoring_case(text, known)) return known;
  }
  return {};
}

bool last_forwarded(std::string_view& list, std::string_view& element) {
  while (!list.empty()) {
    bool quoted = false;
    size_t begin = list.size();
    for (; begin > 0 && (quoted || list[begin - 1] != ','); --begin) {
      if (list[begin - 1] == '"' && !is_escaped(list, begin - 1)) quoted = !quoted;
    }
    element = base::trim(list.substr(begin));
    list = list.substr(0, begin == 0 ? 0 : begin - 1);
    if (!element.empty()) return true;
  }
  return false;
}

ForwardedElement parse_forwarded(std::string_view element) {
  ForwardedElement out;
  bool has_client = false;
  while (!element.empty()) {
    if (element.front() == ';') {  // an empty pair
      element = base::trim(element.substr(1));
      continue;
    }
    const auto parameter = take_parameter(element);
    if (!parameter) return {};
    const Value& value = parameter->value;
    if (base::equals_ignoring_case(parameter->name, "for")) {
      if (has_client) return {};  // at most once, so that nobody reads another one
      has_client = true;
      out.client = parse_node(value);
    } else if (base::equals_ignoring_case(parameter->name, "proto")) {
      out.proto = known_proto(value.text);
    } else if (base::equals_ignoring_case(parameter->name, "host")) {
      const bool good = wire::http1::is_authority(value.text, wire::http1::Port::kOptional);
      out.host = good ? value.text : std::string_view();
    }
  }
  return out;
}

}  // namespace giliran::proxy
