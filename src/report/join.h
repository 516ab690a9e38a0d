// The second, exact pass of the conservation check: records of two tiers joined one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/conservation.h"
#include "telemetry/reader.h"

namespace giliran::report {

// The key by which the next tier down the line knows a record: its span, or a hash of the address
// of its connection (flows). Absent where the record has none.
std::optional<uint64_t> asking_key(const telemetry::Line& line);
// The key by which a record knows the tier before.
std::optional<uint64_t> asked_key(const telemetry::Line& line);

// Fills in what differs for every comparison of exchanges or flows in `comparisons`, reading
// `paths` once for every `items_max` records. `logs` says what the logs themselves say of what they
// lack.
base::Result<void> join_exactly(std::span<const std::string> paths, size_t items_total,
                                size_t items_max, const Conservation& logs,
                                std::vector<Comparison*> comparisons);

}  // namespace giliran::report
