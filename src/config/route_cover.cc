#include "config/route_cover.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"

namespace giliran::config {
namespace {

bool host_covers(std::string_view earlier, std::string_view host) {
  if (earlier == host) return true;
  // "*.example.org": its tail ".example.org", with something before it.
  return earlier.starts_with("*.") && host.size() > earlier.size() - 1 &&
         host.ends_with(earlier.substr(1));
}

// A slash at the end means nothing. No path is more than "/": "OPTIONS *" has none.
bool path_covers(std::string_view earlier, std::string_view path) {
  if (earlier.empty()) return true;
  if (path.empty()) return false;
  while (earlier.ends_with('/')) earlier.remove_suffix(1);
  return path.starts_with(earlier) &&
         (path.size() == earlier.size() || path[earlier.size()] == '/');
}

bool match_covers(const HeaderMatch& earlier, const HeaderMatch& match) {
  return base::equals_ignoring_case(earlier.name, match.name) &&
         (!earlier.value || earlier.value == match.value);
}

// Each of `items` is covered by one of `earlier`. None matches everything.
template <typename Item>
bool all_covered(const std::vector<Item>& earlier, const std::vector<Item>& items, auto one) {
  if (earlier.empty()) return true;
  if (items.empty()) return false;
  return std::ranges::all_of(items, [&](const Item& item) {
    return std::ranges::any_of(earlier, [&](const Item& each) { return one(each, item); });
  });
}

}  // namespace

bool covers(const Route& earlier, const Route& route) {
  const bool headers = std::ranges::all_of(earlier.headers, [&](const HeaderMatch& each) {
    return std::ranges::any_of(route.headers,
                               [&](const HeaderMatch& match) { return match_covers(each, match); });
  });
  return headers && path_covers(earlier.path, route.path) &&
         all_covered(earlier.hosts, route.hosts, host_covers) &&
         all_covered(earlier.methods, route.methods, std::equal_to<std::string>());
}

}  // namespace giliran::config
