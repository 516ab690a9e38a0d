#include "proxy/route.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace giliran::proxy {
namespace {

// --- hosts, methods, fields ---

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return base::equals_ignoring_case(pattern, host);
  const std::string_view suffix = pattern.substr(1);  // ".example.org"
  return host.size() > suffix.size() && host.front() != '.' &&
         base::equals_ignoring_case(host.substr(host.size() - suffix.size()), suffix);
}

bool field_matches(const config::HeaderMatch& match, const conn::Fields& fields) {
  return std::ranges::any_of(fields.all(), [&](const conn::Field& field) {
    return base::equals_ignoring_case(field.name, match.name) &&
           (!match.value || field.value == *match.value);
  });
}

// --- paths ---

// In a path that was decoded: an encoded slash that is not read as one. A path with a NUL is never
// decoded, so that it means nothing else.
constexpr char kEncodedSlash = '\0';

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = base::to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes one byte off the front of `text`, decoded. '%' without two digits is itself.
char take_byte(std::string_view& text, bool& encoded) {
  const char c = text.front();
  encoded = false;
  if (c == '%' && text.size() > 2) {
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    if (high >= 0 && low >= 0) {
      encoded = true;
      text.remove_prefix(3);
      return static_cast<char>(high * 16 + low);
    }
  }
  text.remove_prefix(1);
  return c;
}

// `path` was decoded; `prefix` is a route's path as written.
bool is_under(std::string_view prefix, std::string_view path) {
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!path.starts_with('/')) return false;  // "*", and CONNECT's
  while (!prefix.empty()) {
    bool encoded = false;
    char c = take_byte(prefix, encoded);
    if (encoded && c == '/') c = kEncodedSlash;
    if (path.empty() || path.front() != c) return false;
    path.remove_prefix(1);
  }
  return path.empty() || path.front() == '/';
}

struct Reading {
  bool resolved = false;
  bool merged = false;
  bool encoded_slash = false;
  bool windows = false;  // "\" is a slash, parameters are cut
};
// Besides the plain one, Reading{}.
constexpr Reading kOtherReadings[] = {
    {.encoded_slash = true},
    {.merged = true, .encoded_slash = true},
    {.resolved = true},
    {.resolved = true, .merged = true},
    {.resolved = true, .merged = true, .encoded_slash = true},
    {.resolved = true, .merged = true, .encoded_slash = true, .windows = true}};

// Writes a path as one kind of server reads it, segment by segment.
class Decoder {
 public:
  Decoder(Reading reading, RouteScratch& scratch) : reading_(reading), out_(scratch.path.data()) {}

  // At most as long as the path.
  std::string_view decode(std::string_view path) {
    while (!path.empty()) {
      bool encoded = false;
      const char c = take_byte(path, encoded);
      if (separates(c, encoded)) {
        end_segment();
        begin_segment();
      } else if (c == ';' && !encoded && reading_.windows) {
        in_parameters_ = true;
      } else if (!in_parameters_) {
        out_[size_++] = encoded && c == '/' ? kEncodedSlash : c;
      }
    }
    end_segment();
    if (size_ == 0) out_[size_++] = '/';
    return {out_, size_};
  }

 private:
  bool separates(char c, bool encoded) const {
    if (c == '/') return !encoded || reading_.encoded_slash;
    return c == '\\' && reading_.windows;
  }

  void begin_segment() {
    out_[size_++] = '/';
    segment_ = size_;
    in_parameters_ = false;
  }

  // Takes back what the segment, now complete, has removed. `segment_` is behind its slash.
  void end_segment() {
    if (segment_ == 0) return;
    const std::string_view segment(out_ + segment_, size_ - segment_);
    if (reading_.resolved && segment == "..") {
      size_ = segment_ - 1;
      while (size_ != 0 && out_[size_ - 1] != '/') --size_;
      if (size_ != 0) --size_;
    } else if ((reading_.resolved && segment == ".") || (reading_.merged && segment.empty())) {
      size_ = segment_ - 1;
    }
  }

  Reading reading_;
  char* out_;
  size_t size_ = 0;
  size_t segment_ = 0;
  bool in_parameters_ = false;
};

// All readings of what was decoded are the same: it has no empty or hidden segments, no encoded
// slashes, no parameters.
bool has_one_reading(std::string_view decoded) {
  char before = '\0';
  for (const char c : decoded) {
    if (c == kEncodedSlash || c == '\\' || c == ';') return false;
    if (before == '/' && (c == '/' || c == '.')) return false;
    before = c;
  }
  return true;
}

bool has_nul(std::string_view path) {
  return path.find("%00") != std::string_view::npos;
}

constexpr uint32_t kNoRoute = UINT32_MAX;

// The first route from `from` on that matches with the path, as decoded.
uint32_t first_match(uint32_t from, uint32_t count, RouteAt route_at, const conn::RequestHead& head,
                     std::string_view path) {
  for (uint32_t i = from; i < count; ++i) {
    const config::Route& route = route_at(i);
    const bool path_matches = route.path.empty() || is_under(route.path, path);
    if (path_matches && matches_but_path(route, head)) return i;
  }
  return kNoRoute;
}

// --- redirects ---

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::string_view kUsualPort = "80";  // of http, where a Host names none

constexpr bool is_alphanumeric(char c) {
  const char lower = base::to_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

bool may_redirect_to(std::string_view host) {
  if (host.empty()) return false;
  const bool literal = host.front() == '[' && host.back() == ']';
  if (literal) host = host.substr(1, host.size() - 2);
  return std::ranges::all_of(host, [literal](char c) {
    if (literal) return hex_value(c) >= 0 || c == ':' || c == '.';
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
  });
}

constexpr bool may_stand_in_uri(char c) {
  constexpr std::string_view kNever = "\"<>\\^`{|}";
  return c > ' ' && c < '\x7f' && kNever.find(c) == std::string_view::npos;
}

class Expansion {
 public:
  explicit Expansion(std::span<char> out) : out_(out) {}
  void put(char c) {
    if (size_ < out_.size()) out_[size_] = c;
    ++size_;
  }
  void put(std::string_view text) {
    for (const char c : text) put_encoded(c);
  }
  void put_plain(std::string_view text) {
    for (const char c : text) put(c);
  }
  std::optional<std::string_view> text() const {
    if (size_ > out_.size()) return std::nullopt;
    return std::string_view(out_.data(), size_);
  }

 private:
  void put_encoded(char c) {
    if (may_stand_in_uri(c)) {
      put(c);
      return;
    }
    const auto byte = static_cast<unsigned char>(c);
    put('%');
    put(kHexDigits[byte / 16]);
    put(kHexDigits[byte % 16]);
  }

  std::span<char> out_;
  size_t size_ = 0;
};

// --- what stands in braces ---

bool put_host(const conn::RequestHead& head, Expansion& expansion) {
  const std::string_view host = host_without_port(head.host);
  if (!may_redirect_to(host)) return false;
  expansion.put_plain(host);
  return true;
}

// Behind the ':' of an authority; may be empty.
std::string_view port_of(std::string_view authority) {
  const size_t host = authority.find(']');
  const size_t colon = authority.find(':', host == std::string_view::npos ? 0 : host);
  return colon == std::string_view::npos ? std::string_view() : authority.substr(colon + 1);
}

bool put_port(const conn::RequestHead& head, Expansion& expansion) {
  const std::string_view port = port_of(head.host);
  expansion.put_plain(port.empty() ? kUsualPort : port);
  return port.empty() || base::all_digits(port);
}

bool put_authority(const conn::RequestHead& head, Expansion& expansion) {
  if (!put_host(head, expansion)) return false;
  const std::string_view port = port_of(head.host);
  if (port.empty()) return true;
  expansion.put(':');
  return put_port(head, expansion);
}

bool put_path(const conn::RequestHead& head, Expansion& expansion) {
  if (!head.path.starts_with('/')) expansion.put('/');  // "*", and "?query" alone
  if (head.path.starts_with('/') || head.path.starts_with('?')) expansion.put(head.path);
  return true;
}

// In the order of config::kRedirectPlaces; false: it cannot.
using Put = bool (*)(const conn::RequestHead& head, Expansion& expansion);
constexpr std::array<Put, 4> kPuts = {put_host, put_port, put_authority, put_path};
static_assert(kPuts.size() == config::kRedirectPlaces.size());

// "//evil.example/x", made of a path, would be the address of another site.
std::string_view on_this_site(std::string_view text) {
  while (text.starts_with("//")) text.remove_prefix(1);
  return text;
}

}  // namespace

std::string_view host_without_port(std::string_view authority) {
  const size_t bracket = authority.find(']');  // of an IPv6 address
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool matches_but_path(const config::Route& route, const conn::RequestHead& head) {
  if (!route.methods.empty() &&
      std::ranges::find(route.methods, head.method) == route.methods.end())
    return false;
  if (!route.hosts.empty()) {
    const std::string_view host = host_without_port(head.host);
    const auto fits = [host](const std::string& pattern) { return host_matches(pattern, host); };
    if (host.empty() || std::ranges::none_of(route.hosts, fits)) return false;
  }
  return std::ranges::all_of(route.headers, [&](const config::HeaderMatch& match) {
    return field_matches(match, head.fields);
  });
}

RouteFound find_route(uint32_t count, RouteAt route_at, const conn::RequestHead& head,
                      RouteScratch& scratch) {
  using Kind = RouteFound::Kind;
  uint32_t first = 0;
  while (first < count && !matches_but_path(route_at(first), head)) ++first;
  if (first == count) return {.kind = Kind::kNone};
  if (route_at(first).path.empty()) return {.kind = Kind::kRoute, .index = first};

  std::string_view path = head.path.substr(0, head.path.find('?'));
  if (head.path.starts_with('?')) path = "/";
  const std::string_view sent = path;
  if (path.find('%') != std::string_view::npos) {
    if (path.size() > scratch.path.size() || has_nul(path)) return {.kind = Kind::kAmbiguous};
    path = Decoder({}, scratch).decode(path);
  }
  const bool one_reading = has_one_reading(path);
  if (!one_reading && sent.size() > scratch.path.size()) return {.kind = Kind::kAmbiguous};
  const uint32_t found = first_match(first, count, route_at, head, path);
  if (!one_reading) {
    for (const Reading& reading : kOtherReadings) {
      path = Decoder(reading, scratch).decode(sent);
      if (first_match(first, count, route_at, head, path) != found) {
        return {.kind = Kind::kAmbiguous};
      }
    }
  }
  if (found == kNoRoute) return {.kind = Kind::kNone};
  return {.kind = Kind::kRoute, .index = found};
}

RouteFound find_route(std::span<const config::Route> routes, const conn::RequestHead& head,
                      RouteScratch& scratch) {
  const auto at = [routes](uint32_t i) -> const config::Route& { return routes[i]; };
  return find_route(static_cast<uint32_t>(routes.size()), at, head, scratch);
}

std::optional<std::string_view> expand_redirect(std::string_view to, const conn::RequestHead& head,
                                                std::span<char> out) {
  const bool other_site = to.starts_with("//");
  Expansion expansion(out);
  while (!to.empty()) {
    size_t place = 0;
    while (place < kPuts.size() && !to.starts_with(config::kRedirectPlaces[place])) ++place;
    if (place == kPuts.size()) {
      expansion.put(to.substr(0, 1));
      to.remove_prefix(1);
      continue;
    }
    if (!kPuts[place](head, expansion)) return std::nullopt;
    to.remove_prefix(config::kRedirectPlaces[place].size());
  }
  const auto text = expansion.text();
  if (!text || other_site) return text;
  return on_this_site(*text);
}

}  // namespace giliran::proxy
