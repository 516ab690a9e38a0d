// What bodies are made of: byte i of body `id` is known, so that a byte of another body, or one at
// another place, is noticed by whoever receives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace giliran::sim {

void append_content(std::string& out, uint64_t id, uint64_t from, uint64_t size);
bool is_content(std::string_view bytes, uint64_t id, uint64_t from);

}  // namespace giliran::sim
