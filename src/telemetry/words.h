// The names of record.h, the other way.
#pragma once

#include <optional>
#include <string_view>

#include "telemetry/mark.h"
#include "telemetry/record.h"

namespace giliran::telemetry {

// The value whose name() is `word`, from the first up to `Last`; absent where there is none.
template <typename Enum, Enum Last>
std::optional<Enum> from_word(std::string_view word) {
  for (size_t i = 0; i <= static_cast<size_t>(Last); ++i) {
    const auto value = static_cast<Enum>(i);
    if (name(value) == word && !word.empty()) return value;
  }
  return std::nullopt;
}

inline std::optional<Tier> tier_from(std::string_view w) {
  return from_word<Tier, Tier::kServer>(w);
}
inline std::optional<Kind> kind_from(std::string_view w) {
  return from_word<Kind, Kind::kMessage>(w);
}
inline std::optional<By> by_from(std::string_view w) {
  return from_word<By, By::kServer>(w);
}
inline std::optional<Phase> phase_from(std::string_view w) {
  return from_word<Phase, Phase::kData>(w);
}
inline std::optional<Proto> proto_from(std::string_view w) {
  return from_word<Proto, Proto::kTcp>(w);
}
inline std::optional<Mark> mark_from(std::string_view w) {
  return from_word<Mark, Mark::kEnd>(w);
}
inline std::optional<End> end_from(std::string_view w) {
  return from_word<End, End::kInternal>(w);
}

}  // namespace giliran::telemetry
