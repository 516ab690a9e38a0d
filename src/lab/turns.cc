#include "lab/turns.h"

#include <algorithm>

#include "base/assert.h"

namespace giliran::lab {

TurnCount::TurnCount(std::vector<std::string> names, std::vector<std::string> addresses)
    : addresses_(std::move(addresses)) {
  GILIRAN_ASSERT(names.size() == addresses_.size());
  for (std::string& name : names) turns_.push_back({.server = std::move(name)});
}

void TurnCount::add(const telemetry::Line& line) {
  // "127.0.0.1:9001 connect-refused; 127.0.0.1:9002 …"
  const std::string_view first =
      line.tried.empty() ? line.server : line.tried.substr(0, line.tried.find(' '));
  const auto found = std::find(addresses_.begin(), addresses_.end(), first);
  if (found == addresses_.end()) {
    ++without_server_;
  } else {
    ++turns_[static_cast<size_t>(found - addresses_.begin())].count;
  }
}

bool even(const std::vector<Turn>& turns) {
  if (turns.empty()) return true;
  const auto [least, most] = std::minmax_element(
      turns.begin(), turns.end(), [](const Turn& a, const Turn& b) { return a.count < b.count; });
  return most->count - least->count <= 1;
}

}  // namespace giliran::lab
