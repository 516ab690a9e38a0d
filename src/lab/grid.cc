#include "lab/grid.h"

#include <fmt/format.h>

#include <algorithm>

namespace giliran::lab {
namespace {

using config::Value;

bool plain(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kText:
    case Value::Kind::kInteger:
    case Value::Kind::kFloat:
    case Value::Kind::kBool:
      return true;
    case Value::Kind::kTime:
    case Value::Kind::kList:
    case Value::Kind::kTable:
      break;
  }
  return false;
}

bool list_of_tables(const Value& value) {
  return value.kind == Value::Kind::kList &&
         std::ranges::all_of(value.children,
                             [](const Value& item) { return item.kind == Value::Kind::kTable; });
}

Value* member(Value& table, std::string_view name) {
  const auto found = std::ranges::find(table.children, name, &Value::key);
  return found == table.children.end() ? nullptr : &*found;
}

bool is_named(const Value& table, std::string_view name) {
  const Value* const its = table.find("name");
  return its != nullptr && its->kind == Value::Kind::kText && its->text == name;
}

// Where a table itself stands for a list of one.
void put_into(Value& table, std::string_view path, const Varied& where, const Value& value) {
  const size_t dot = path.find('.');
  const std::string_view first = path.substr(0, dot);
  Value* found = member(table, first);
  if (found == nullptr) {
    table.children.push_back({.kind = Value::Kind::kTable});
    found = &table.children.back();
    found->key = std::string(first);
    found->key_at = found->at = where.at;
  }
  if (dot == std::string_view::npos) {
    *found = value;
    found->key = std::string(first);
    found->key_at = where.at;
    return;
  }
  const std::string_view rest = path.substr(dot + 1);
  const std::string_view next = rest.substr(0, rest.find('.'));
  const bool deeper = next.size() < rest.size();
  std::vector<Value*> tables;
  if (found->kind == Value::Kind::kTable) tables.push_back(found);
  if (list_of_tables(*found)) {
    for (Value& item : found->children) tables.push_back(&item);
  }
  if (tables.empty()) {  // no table: the reader will say so of this
    found->kind = Value::Kind::kTable;
    tables.push_back(found);
  }
  const bool named =
      deeper && std::ranges::any_of(tables, [&](Value* item) { return is_named(*item, next); });
  for (Value* item : tables) {
    if (!named) {
      put_into(*item, rest, where, value);
    } else if (is_named(*item, next)) {
      put_into(*item, rest.substr(next.size() + 1), where, value);
    }
  }
}

// Letters and digits; what is between them, as one '-'.
std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || upper) {
      out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  if (out.ends_with('-')) out.pop_back();
  return out;
}

}  // namespace

std::vector<Varied> read_vary(const Value& table, config::Reader& reader) {
  std::vector<Varied> axes;
  if (table.kind != Value::Kind::kTable) {
    reader.bad(table, "expected a table, such as { \"servers.threads\" = [1, 4] }");
    return axes;
  }
  for (const Value& each : table.children) {
    const config::Reader::Inside inside(reader, each.key);
    if (each.kind != Value::Kind::kList || !std::ranges::all_of(each.children, plain)) {
      reader.bad(each, "expected a list of numbers, texts or true and false, such as [1, 4, 16]");
    } else if (each.children.empty()) {
      reader.bad(each, "expected at least one value");
    } else if (each.key.empty() || each.key.starts_with('.') || each.key.ends_with('.') ||
               each.key.find("..") != std::string::npos) {
      reader.error(each.key_at, "expected the path of a key, such as \"servers.threads\"");
    } else {
      axes.push_back({.path = each.key, .at = each.key_at, .values = each.children});
    }
  }
  return axes;
}

void overlay(Value& under, const Value& over) {
  using enum Value::Kind;
  if (under.kind == kList && over.kind == kTable && list_of_tables(under)) {
    for (Value& item : under.children) overlay(item, over);
    return;
  }
  if (under.kind != kTable || over.kind != kTable) {
    under = over;
    return;
  }
  for (const Value& each : over.children) {
    if (Value* const same = member(under, each.key); same != nullptr) {
      overlay(*same, each);
      same->key = each.key;
      same->key_at = each.key_at;
    } else {
      under.children.push_back(each);
    }
  }
}

void put(Value& root, const Varied& where, const Value& value) {
  put_into(root, where.path, where, value);
}

uint64_t combinations(const std::vector<Varied>& axes) {
  uint64_t all = 1;
  for (const Varied& axis : axes) {
    if (__builtin_mul_overflow(all, axis.values.size(), &all)) return UINT64_MAX;
  }
  return all;
}

std::vector<size_t> combination(const std::vector<Varied>& axes, uint64_t number) {
  std::vector<size_t> indices(axes.size());
  for (size_t i = axes.size(); i-- > 0;) {
    indices[i] = number % axes[i].values.size();
    number /= axes[i].values.size();
  }
  return indices;
}

// A value that begins with a digit, true and false say little without their key.
std::string point_name(std::string_view case_name, const std::vector<Label>& labels) {
  std::string name(case_name);
  for (const Label& label : labels) {
    const std::string value = slug(label.value);
    const bool bare = value.empty() || (value.front() >= '0' && value.front() <= '9') ||
                      value == "true" || value == "false";
    const bool alone =
        labels.size() == 1 && !case_name.empty() && value != "true" && value != "false";
    if (!name.empty()) name += '-';
    if (bare && !alone) name += slug(label.key.substr(label.key.rfind('.') + 1)) + "-";
    name += value;
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "run" : name;
}

std::vector<Place> interleaved(size_t points, uint32_t repetitions) {
  std::vector<Place> order;
  const size_t step = std::max<size_t>(points / std::max(repetitions, 1U), 1);
  for (uint32_t repetition = 0; repetition < repetitions; ++repetition) {
    for (size_t i = 0; i < points; ++i) {
      order.push_back({.point = (i + repetition * step) % points, .repetition = repetition});
    }
  }
  return order;
}

}  // namespace giliran::lab
