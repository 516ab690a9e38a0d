// The tables of keys, one for each section of the file.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "config/coordinator.h"
#include "config/key.h"

namespace giliran::config {

// Single values: each is a flag of the coordinator too.
std::span<const Key<Coordinator>> top_keys();
std::span<const Key<Coordinator>> log_keys();      // [log]
std::span<const Key<Coordinator>> timeout_keys();  // [timeouts]
std::span<const Key<Coordinator>> limit_keys();    // [limits]

// The whole file: the values of the top and the sections.
std::span<const Key<Coordinator>> file_keys();

std::span<const Key<Listener>> listener_keys();                         // [[listener]]
std::span<const Key<Route>> route_keys();                               // [[listener.route]]
std::span<const Key<Redirect>> redirect_keys();                         // redirect = { ... }
std::span<const Key<Answer>> route_answer_keys();                       // answer = { ... }
std::span<const Key<Answer>> answer_keys();                             // the same without a status
std::span<const Key<std::vector<HeaderChange>>> header_changes_keys();  // request_headers = { ... }
std::span<const Key<Pool>> pool_keys();                                 // [[pool]]
std::span<const Key<Server>> server_keys();                             // servers = [{ ... }]

// [answers]: the keys are statuses.
void read_answers(const Value& value, std::map<uint16_t, Answer>& out, Reader& reader);
void write_answers(const std::map<uint16_t, Answer>& answers, std::string& out);

// The same for `answer = { ... }` of a route.
void read_route_answer(const Value& value, Answer& out, Reader& reader);

// Removed, then set, then added, in this order whatever the order of the text.
void read_header_changes(const Value& value, std::vector<HeaderChange>& out, Reader& reader);

// What stands in the head of an answer has to fit its block, whatever else does.
constexpr uint32_t kContentTypeBytesMax = 256;
constexpr uint32_t kCookieNameBytesMax = 128;

constexpr uint32_t kHeadBytesLeast = 1024;
constexpr uint32_t kHeadBytesMost = 56 * 1024;
constexpr uint32_t kFieldsMost = 128;  // what a parsed head has room for

}  // namespace giliran::config
