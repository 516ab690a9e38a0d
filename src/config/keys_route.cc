// What a route does: redirects, answers of our own, changes to header fields. And [answers].
#include <algorithm>

#include "base/parse.h"
#include "base/text.h"
#include "config/key_of.h"
#include "config/keys.h"

namespace giliran::config {
namespace {

// --- redirect ---

constexpr uint16_t kRedirects[] = {301, 302, 303, 307, 308};

base::Result<uint16_t> to_redirect_status(const Value& value) {
  for (const uint16_t status : kRedirects) {
    if (value.kind == Value::Kind::kInteger && value.integer == status) return status;
  }
  return base::fail("expected 301, 302, 303, 307 or 308");
}

base::Result<std::string> to_target(const Value& value) {
  std::string to = GILIRAN_TRY(to_text(value));
  const bool begins = to.starts_with("http://") || to.starts_with("https://") ||
                      to.starts_with('/') || to.starts_with("{path}");
  if (!begins || !is_visible(to)) {
    return base::fail("expected a URL such as \"https://{host}{path}\", or a path; a space is %20");
  }
  for (size_t at = to.find_first_of("{}"); at != std::string::npos;
       at = to.find_first_of("{}", at + 1)) {
    const std::string_view rest = std::string_view(to).substr(at);
    const bool known = std::ranges::any_of(
        kRedirectPlaces, [rest](std::string_view place) { return rest.starts_with(place); });
    if (!known) {
      return base::fail(fmt::format("braces hold one of {}", fmt::join(kRedirectPlaces, ", ")));
    }
    at = to.find('}', at);
  }
  return to;
}

// --- answer ---

Key<Answer> status_key() {
  return key_of(
      {"status", "200", "a final status"}, "status", &Answer::status,
      [](const Value& value) { return to_number(value, {.min = 200, .max = 599}); }, from_number);
}

void read_body(const Value& value, Answer& out, Reader& reader) {
  auto text = to_text(value);
  if (!text) return reader.bad(value, text.error().message);
  if (text->size() > kAnswerBytesMax) {
    return reader.error(value.at,
                        fmt::format("is longer than {}", base::format_bytes(kAnswerBytesMax)));
  }
  out.body = std::move(*text);
}

void read_file(const Value& value, Answer& out, Reader& reader) {
  const auto path = to_text(value);
  if (!path) return reader.bad(value, path.error().message);
  auto content = reader.read_file(value, kAnswerBytesMax);
  if (!content) return;
  if (!is_utf8(*content)) return reader.bad(value, "expected a file of text in UTF-8");
  out.body = std::move(*content);
}

base::Result<std::string> to_content_type(const Value& value) {
  std::string text = GILIRAN_TRY(to_field_value(value));
  if (!text.empty() && text.size() <= kContentTypeBytesMax) return text;
  return base::fail("expected a type such as \"text/html; charset=utf-8\"");
}

std::vector<Key<Answer>> of_answer() {
  return {
      text_key({"content_type", "\"text/html; charset=utf-8\"", "of the body"}, "text",
               &Answer::content_type, to_content_type),
      {.name = "body",
       .form = "text",
       .example = "\"back at noon\\n\"",
       .meaning = "at most 32KiB",
       .read = read_body,
       .write = [](const Answer& from) { return from_text(from.body); },
       .absent = "empty"},
      {.name = "file",
       .form = "path",
       .example = "\"maintenance.html\"",
       .meaning =
           "instead of body: a file of UTF-8 text, at most 32KiB, read when the configuration is; "
           "a path that does not begin with / starts at the folder of the configuration file",
       .read = read_file,
       .absent = "none"},
  };
}

void read_any_answer(const Value& value, std::span<const Key<Answer>> keys, Answer& out,
                     Reader& reader) {
  read_table(value, keys, out, reader);
  if (value.find("body") != nullptr && value.find("file") != nullptr) {
    reader.error(value.find("file")->key_at, "has a body and a file; give one of them");
  }
  const bool bare = out.status == 204 || out.status == 205 || out.status == 304;
  if (bare && !out.body.empty()) {
    reader.error(value.at, fmt::format("an answer {} has no body", out.status));
  }
}

// --- changes to header fields ---

using Changes = std::vector<HeaderChange>;

// What we write ourselves, or what frames a message: changing it would make the two sides read
// different messages.
constexpr std::string_view kOurs[] = {
    "Connection",     "Content-Length",    "Expect",           "Host",
    "HTTP2-Settings", "Keep-Alive",        "Proxy-Connection", "TE",
    "Trailer",        "Transfer-Encoding", "Upgrade"};

bool good_name(std::string_view name, Position at, Reader& reader) {
  if (!is_token(name)) {
    reader.error(at, "is not the name of a header field");
    return false;
  }
  for (const std::string_view ours : kOurs) {
    if (!base::equals_ignoring_case(name, ours)) continue;
    reader.error(at, "is the connection's own, or frames the message, and cannot be changed");
    return false;
  }
  return true;
}

void read_values(const Value& value, HeaderChange::Kind kind, Changes& out, Reader& reader) {
  if (value.kind != Value::Kind::kTable) {
    return reader.bad(value, "expected { Name = \"value\" }");
  }
  for (const Value& member : value.children) {
    const Reader::Inside inside(reader, text_value(member.key).shown());
    if (!good_name(member.key, member.key_at, reader)) continue;
    const bool set = kind == HeaderChange::Kind::kSet;
    const bool twice =
        set && std::ranges::any_of(out, [&](const HeaderChange& other) {
          return other.kind == kind && base::equals_ignoring_case(other.name, member.key);
        });
    if (twice) {
      reader.error(member.key_at, "is set twice: names are compared without case");
      continue;
    }
    const auto values = set ? std::vector<const Value*>{&member} : items_of(member);
    for (const Value* each : values) {
      auto text = to_field_value(*each);
      if (!text) {
        reader.bad(*each, text.error().message);
      } else {
        out.push_back({.kind = kind, .name = member.key, .value = std::move(*text)});
      }
    }
  }
}

void read_names(const Value& value, Changes& out, Reader& reader) {
  for (const Value* item : items_of(value)) {
    const auto name = to_text(*item);
    if (!name) {
      reader.bad(*item, "expected the name of a header field");
      continue;
    }
    const Reader::Inside inside(reader, item->shown());
    if (!good_name(*name, item->at, reader)) continue;
    out.push_back({.kind = HeaderChange::Kind::kRemove, .name = *name, .value = {}});
  }
}

// { A = "1", B = ["2", "3"] }: several values of one name as a list.
std::string write_values(const Changes& changes, HeaderChange::Kind kind) {
  std::vector<std::pair<std::string, std::vector<std::string>>> names;
  for (const HeaderChange& change : changes) {
    if (change.kind != kind) continue;
    auto found = std::ranges::find(names, change.name, [](const auto& each) { return each.first; });
    if (found == names.end()) found = names.insert(found, {change.name, {}});
    found->second.push_back(quoted(change.value));
  }
  std::string text;
  for (const auto& [name, values] : names) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_key(name),
                        values.size() == 1 ? values.front() : from_list(values));
  }
  return text.empty() ? text : "{ " + text + " }";
}

std::string write_names(const Changes& changes) {
  std::vector<std::string> names;
  for (const HeaderChange& change : changes) {
    if (change.kind == HeaderChange::Kind::kRemove) names.push_back(quoted(change.name));
  }
  return from_list(names);
}

Key<Changes> values_key(const KeyText& text, HeaderChange::Kind kind) {
  return {.name = text.name,
          .form = "fields",
          .example = text.example,
          .meaning = text.meaning,
          .read = [kind](const Value& value, Changes& out,
                         Reader& reader) { read_values(value, kind, out, reader); },
          .write = [kind](const Changes& from) { return write_values(from, kind); },
          .absent = "none"};
}

// Removed, then set, then added; within each as they were.
Changes in_order(const Changes& changes) {
  using Kind = HeaderChange::Kind;
  Changes ordered;
  for (const Kind kind : {Kind::kRemove, Kind::kSet, Kind::kAdd}) {
    std::ranges::copy_if(changes, std::back_inserter(ordered),
                         [kind](const HeaderChange& change) { return change.kind == kind; });
  }
  return ordered;
}

}  // namespace

std::span<const Key<Redirect>> redirect_keys() {
  static const std::vector<Key<Redirect>> keys = {
      key_of({"status", "308", "301, 302, 303, 307 or 308"}, "status", &Redirect::status,
             to_redirect_status, from_number),
      absent(required(text_key({"to", "\"https://{host}{path}\"",
                                "of the request stand: {host} (without its port), {port} (80 "
                                "where its Host has none), {authority} (both as it has them: "
                                "for a redirect to the same place), {path} (with its query)"},
                               "URL", &Redirect::to, to_target)),
             "required"),
  };
  return keys;
}

std::span<const Key<Answer>> answer_keys() {
  static const std::vector<Key<Answer>> keys = of_answer();
  return keys;
}

std::span<const Key<Answer>> route_answer_keys() {
  static const std::vector<Key<Answer>> keys = [] {
    std::vector<Key<Answer>> all = {status_key()};
    std::ranges::move(of_answer(), std::back_inserter(all));
    return all;
  }();
  return keys;
}

std::span<const Key<Changes>> header_changes_keys() {
  static const std::vector<Key<Changes>> keys = {
      {.name = "remove",
       .form = "list of names",
       .example = "[\"Cookie\"]",
       .meaning = "first, all fields of these names go",
       .read = read_names,
       .write = write_names,
       .absent = "none"},
      values_key({"set", "{ X-Tier = \"api\" }", "then these take the place of all of their name"},
                 HeaderChange::Kind::kSet),
      values_key({"add", "{ Link = [\"</a.css>\", \"</b.js>\"] }",
                  "then these are added to those of their name"},
                 HeaderChange::Kind::kAdd),
  };
  return keys;
}

void read_route_answer(const Value& value, Answer& out, Reader& reader) {
  read_any_answer(value, route_answer_keys(), out, reader);
}

void read_header_changes(const Value& value, Changes& out, Reader& reader) {
  read_table(value, header_changes_keys(), out, reader);
  out = in_order(out);
  if (out.size() > kHeaderChangesMax) {
    reader.error(value.at,
                 fmt::format("has {} changes, at most {}", out.size(), kHeaderChangesMax));
  }
  size_t bytes = 0;
  for (const HeaderChange& change : out) bytes += change.name.size() + change.value.size();
  if (bytes > kHeaderChangeBytesMax) {
    reader.error(value.at, fmt::format("has {} bytes of names and values, at most {}", bytes,
                                       kHeaderChangeBytesMax));
  }
}

void read_answers(const Value& value, std::map<uint16_t, Answer>& out, Reader& reader) {
  if (value.kind != Value::Kind::kTable) {
    return reader.bad(value, "expected a table such as { 503 = { body = \"...\" } }");
  }
  for (const Value& member : value.children) {
    const Reader::Inside inside(reader, text_value(member.key).shown());
    const auto status = base::parse_uint(member.key, 599);
    if (!status || *status < 400 || member.key.size() != 3) {
      reader.error(member.key_at, "expected the status of an error, 400 to 599");
      continue;
    }
    Answer& answer = out[static_cast<uint16_t>(*status)];
    answer.status = static_cast<uint16_t>(*status);
    read_any_answer(member, answer_keys(), answer, reader);
  }
}

void write_answers(const std::map<uint16_t, Answer>& answers, std::string& out) {
  if (answers.empty()) return;
  out += "\n[answers]\n";
  for (const auto& [status, answer] : answers) {
    out += fmt::format("{} = {}\n", status, write_inline(answer, answer_keys()));
  }
}

}  // namespace giliran::config
