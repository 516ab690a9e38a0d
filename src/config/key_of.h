// Keys of each kind, made from a member of the struct they fill.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "config/forms.h"
#include "config/key.h"

namespace giliran::config {

struct KeyText {
  std::string_view name;
  std::string_view example;
  std::string_view meaning;
};

// convert: Value -> Result of something that Field is made of. write: Field -> TOML.
template <typename T, typename Field>
Key<T> key_of(const KeyText& text, std::string_view form, Field T::* member, auto convert,
              auto write) {
  return {.name = text.name,
          .form = form,
          .example = text.example,
          .meaning = text.meaning,
          .read =
              [member, convert](const Value& value, T& out, Reader& reader) {
                auto outcome = convert(value);
                if (!outcome) return reader.bad(value, outcome.error().message);
                out.*member = static_cast<Field>(std::move(*outcome));
              },
          .write = [member, write](const T& from) -> std::string { return write(from.*member); }};
}

template <typename T>
Key<T> time_key(const KeyText& text, base::Duration T::* member, TimeRange range = {}) {
  return key_of(
      text, "time", member, [range](const Value& value) { return to_duration(value, range); },
      from_duration);
}

template <typename T, typename Number>
Key<T> number_key(const KeyText& text, Number T::* member, NumberRange range) {
  return key_of(
      text, "number", member, [range](const Value& value) { return to_number(value, range); },
      from_number);
}

template <typename T, typename Number>
Key<T> bytes_key(const KeyText& text, Number T::* member, NumberRange range) {
  return key_of(
      text, "bytes", member, [range](const Value& value) { return to_bytes(value, range); },
      from_bytes);
}

template <typename T>
Key<T> bool_key(const KeyText& text, bool T::* member) {
  return key_of(text, "true or false", member, to_bool, from_bool);
}

template <typename T>
Key<T> text_key(const KeyText& text, std::string_view form, std::string T::* member, auto convert) {
  return key_of(text, form, member, convert, from_text);
}

template <typename Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

// choices: lives as long as the program.
template <typename T, typename Enum>
Key<T> choice_key(const KeyText& text, std::string_view form, Enum T::* member,
                  std::span<const Choice<Enum>> choices) {
  const auto convert = [choices, form](const Value& value) -> base::Result<Enum> {
    for (const Choice<Enum>& choice : choices) {
      if (value.kind == Value::Kind::kText && value.text == choice.name) return choice.value;
    }
    return base::fail(fmt::format("expected {}", form));
  };
  const auto write = [choices](Enum now) -> std::string {
    for (const Choice<Enum>& choice : choices) {
      if (choice.value == now) return quoted(choice.name);
    }
    return "";
  };
  return key_of(text, form, member, convert, write);
}

// A list, or one of it. convert: Value -> Result<Item>; write: Item -> TOML.
template <typename T, typename Item>
Key<T> list_key(const KeyText& text, std::string_view form, std::vector<Item> T::* member,
                auto convert, auto write) {
  return {.name = text.name,
          .form = form,
          .example = text.example,
          .meaning = text.meaning,
          .read =
              [member, convert](const Value& value, T& out, Reader& reader) {
                for (const Value* item : items_of(value)) {
                  auto outcome = convert(*item);
                  if (!outcome) {
                    reader.bad(*item, outcome.error().message);
                  } else {
                    (out.*member).push_back(static_cast<Item>(std::move(*outcome)));
                  }
                }
              },
          .write =
              [member, write](const T& from) {
                std::vector<std::string> items;
                for (const Item& item : from.*member) items.push_back(write(item));
                return from_list(items);
              },
          .absent = "none"};
}

// A table of keys of its own: [name].
template <typename T, typename Part>
Key<T> table_key(const KeyText& text, Part T::* member, std::span<const Key<Part>> keys) {
  return {.name = text.name,
          .form = "table",
          .example = text.example,
          .meaning = text.meaning,
          .read = [=](const Value& value, T& out,
                      Reader& reader) { read_table(value, keys, out.*member, reader); },
          .write_tables =
              [=](const T& from, const std::string& path, std::string& out) {
                out += fmt::format("\n[{}]\n", path);
                write_table(from.*member, keys, path, out);
              }};
}

// [[name]], or [name] for one of it. Each item becomes one element, whatever was wrong in it:
// checks find the one by the index of the other.
template <typename T, typename Item>
Key<T> tables_key(const KeyText& text, std::vector<Item> T::* member,
                  std::span<const Key<Item>> keys) {
  return {.name = text.name,
          .form = "tables",
          .example = text.example,
          .meaning = text.meaning,
          .read =
              [=](const Value& value, T& out, Reader& reader) {
                for (const Value* item : items_of(value)) {
                  read_table(*item, keys, (out.*member).emplace_back(), reader);
                }
              },
          .write_tables =
              [=](const T& from, const std::string& path, std::string& out) {
                for (const Item& item : from.*member) {
                  out += fmt::format("\n[[{}]]\n", path);
                  write_table(item, keys, path, out);
                }
              }};
}

// A key of what `get` finds in the whole: get(Whole&) -> Part&, get(const Whole&) -> const Part&.
template <typename Whole, typename Part>
Key<Whole> lift_by(const Key<Part>& key, auto get) {
  Key<Whole> lifted{
      .name = key.name,
      .form = key.form,
      .example = key.example,
      .meaning = key.meaning,
      .read = [read = key.read, get](const Value& value, Whole& out,
                                     Reader& reader) { read(value, get(out), reader); },
      .absent = key.absent,
      .also = key.also,
      .required = key.required};
  if (key.write) {
    lifted.write = [write = key.write, get](const Whole& from) { return write(get(from)); };
  }
  if (key.write_tables) {
    lifted.write_tables = [write = key.write_tables, get](
                              const Whole& from, const std::string& path, std::string& out) {
      write(get(from), path, out);
    };
  }
  return lifted;
}

// With words for what holds where the key is absent.
template <typename T>
Key<T> absent(Key<T> key, std::string_view words) {
  key.absent = words;
  return key;
}

template <typename T>
Key<T> also(Key<T> key, std::string_view spelling) {
  key.also = spelling;
  return key;
}

template <typename T>
Key<T> required(Key<T> key) {
  key.required = true;
  return key;
}

}  // namespace giliran::config
