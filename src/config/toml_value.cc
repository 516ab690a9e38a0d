#include "config/toml_value.h"

#include <fmt/format.h>

namespace giliran::config {
namespace {

// Some malformed texts break assumptions of the library ("[[[" is one). Its assertions would abort;
// with NDEBUG they would become promises to the optimiser. Thrown and caught in this file.
struct LibraryBug {};

[[noreturn]] void library_bug() {
  throw LibraryBug();
}

}  // namespace
}  // namespace giliran::config

#undef NDEBUG
#define TOML_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::giliran::config::library_bug())
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <tuple>

#include "config/toml_text.h"

namespace giliran::config {
namespace {

constexpr size_t kShownMax = 60;
constexpr uint32_t kDotsMax = 32;

Position position(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

std::string one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

template <typename T>
std::string as_written(const toml::value<T>& value) {
  std::ostringstream out;
  out << *value;
  return out.str();
}

Value convert(const toml::node& node);

Value convert_table(const toml::table& table) {
  Value value{.kind = Value::Kind::kTable};
  for (const auto& [key, node] : table) {
    value.children.push_back(convert(node));
    value.children.back().key = std::string(key.str());
    value.children.back().key_at = position(key.source());
  }
  // The library orders by name.
  std::ranges::sort(value.children, [](const Value& a, const Value& b) {
    return std::tie(a.key_at, a.key) < std::tie(b.key_at, b.key);
  });
  return value;
}

Value convert_list(const toml::array& array) {
  Value value{.kind = Value::Kind::kList};
  for (const auto& node : array) value.children.push_back(convert(node));
  return value;
}

Value convert(const toml::node& node) {
  Value value;
  switch (node.type()) {
    case toml::node_type::table:
      value = convert_table(*node.as_table());
      break;
    case toml::node_type::array:
      value = convert_list(*node.as_array());
      break;
    case toml::node_type::string:
      value = text_value(node.as_string()->get());
      break;
    case toml::node_type::integer:
      value.kind = Value::Kind::kInteger;
      value.integer = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      value.kind = Value::Kind::kFloat;
      value.number = node.as_floating_point()->get();
      break;
    case toml::node_type::boolean:
      value.kind = Value::Kind::kBool;
      value.boolean = node.as_boolean()->get();
      break;
    case toml::node_type::date:
      value = {.kind = Value::Kind::kTime, .text = as_written(*node.as_date())};
      break;
    case toml::node_type::time:
      value = {.kind = Value::Kind::kTime, .text = as_written(*node.as_time())};
      break;
    case toml::node_type::date_time:
      value = {.kind = Value::Kind::kTime, .text = as_written(*node.as_date_time())};
      break;
    case toml::node_type::none:
      break;
  }
  value.at = position(node.source());
  return value;
}

// The library takes a dotted key apart into one table a dot and gives those back by recursion, so
// that a long enough one would exhaust the stack. Looks at what is outside of strings and comments.
class DotCounter {
 public:
  explicit DotCounter(std::string_view text) : text_(text) {}

  // The first line with more dots than any key has.
  std::optional<Position> too_many() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      ++at_;
      if (c == '\n') next_line();
      if (c == '.' && ++dots_ > kDotsMax) {
        return Position{line_, static_cast<uint32_t>(at_ - line_begin_)};
      }
    }
    return std::nullopt;
  }

 private:
  void next_line() {
    ++line_;
    dots_ = 0;
    line_begin_ = at_;
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool multi_line = text_.substr(at_).starts_with(three);
    at_ += multi_line ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (multi_line ? text_.substr(at_).starts_with(three) : c == quote) break;
      if (c == '\n' && !multi_line) return;  // not TOML: the library says so
      at_ += c == '\\' && quote == '"' ? 2 : 1;
      if (c == '\n') next_line();
    }
    at_ = std::min(at_ + (multi_line ? 3 : 1), text_.size());
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_begin_ = 0;
  uint32_t line_ = 1;
  uint32_t dots_ = 0;
};

// Absent where the library's assumptions do not hold.
std::optional<toml::parse_result> parse_guarded(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const LibraryBug&) {
    return std::nullopt;
  }
}

// The line on which the library's assumptions break: it reads from the front, so that the lines
// before do well without it.
uint32_t broken_line(std::string_view text) {
  std::vector<size_t> ends;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    ends.push_back(at + 1);
  }
  const auto good = [text](size_t end) { return parse_guarded(text.substr(0, end)).has_value(); };
  const auto found = std::ranges::partition_point(ends, good);
  return static_cast<uint32_t>(found - ends.begin()) + 1;
}

}  // namespace

const Value* Value::find(std::string_view name) const {
  const auto found = std::ranges::find(children, name, &Value::key);
  return found == children.end() ? nullptr : &*found;
}

std::string Value::shown() const {
  switch (kind) {
    case Kind::kText:
    case Kind::kTime: {
      if (text.size() <= kShownMax) return escaped(text);
      size_t end = kShownMax;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
      return escaped(text.substr(0, end)) + "...";
    }
    case Kind::kInteger:
      return fmt::format("{}", integer);
    case Kind::kFloat:
      return fmt::format("{}", number);
    case Kind::kBool:
      return boolean ? "true" : "false";
    case Kind::kList:
      return children.empty() ? "[]" : "[...]";
    case Kind::kTable:
      return children.empty() ? "{}" : "{...}";
  }
  return "";
}

Value text_value(std::string text) {
  return {.kind = Value::Kind::kText, .text = std::move(text)};
}

std::expected<Value, TomlError> read_toml(std::string_view text) {
  if (text.size() > kTomlBytesMax) return std::unexpected(TomlError{{1, 1}, "more than 1 MiB"});
  if (const auto at = DotCounter(text).too_many()) {
    return std::unexpected(TomlError{*at, "no key is nested so deep"});
  }
  auto parsed = parse_guarded(text);
  if (!parsed) return std::unexpected(TomlError{{broken_line(text), 1}, "this is no key"});
  if (!*parsed) {
    const toml::parse_error& error = parsed->error();
    return std::unexpected(TomlError{position(error.source()), one_line(error.description())});
  }
  Value root = convert_table(parsed->table());
  root.at = {1, 1};
  return root;
}

}  // namespace giliran::config
