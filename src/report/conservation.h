// Whether the logs of a whole run account for everything: docs/formats/record.md, "Conservation".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "telemetry/reader.h"
#include "telemetry/record.h"

namespace giliran::report {

// The name of what a process took along that was killed: its last records.
inline constexpr const char* kNoEndMark = "log without its end mark";

// Something that differs between two tiers, with its name.
struct Named {
  std::string name;    // "lost before hand-off", "executed twice", ...
  std::string detail;  // how it ended where that explains it: "connect-refused"
  uint64_t count = 0;
  std::string example{};  // "client.log:17 span b7ad6b7169203331"
  // True where a record says what happened. False where none does: then nothing is conserved.
  bool accounted = true;
};

// One kind of record compared between the tier that asked (left) and the one that was asked.
struct Comparison {
  telemetry::Kind kind = telemetry::Kind::kExchange;
  telemetry::Tier left = telemetry::Tier::kClient;
  telemetry::Tier right = telemetry::Tier::kCoordinator;
  uint64_t left_count = 0;
  uint64_t right_count = 0;  // with a known parent, or refused unread on a known connection
  uint64_t foreign = 0;      // on the right, whose parent is in no log of the left: not counted
  // Bytes towards the server and back, of the records compared byte by byte (all where every
  // record is ok; otherwise those that are ok on both sides).
  uint64_t left_out = 0, right_in = 0;
  uint64_t left_in = 0, right_out = 0;
  bool exact = false;  // joined record by record; otherwise the sets' hashes are equal
  std::vector<Named> named{};
  bool conserved() const;
};

struct Conservation {
  std::vector<Comparison> comparisons;
  std::array<uint64_t, 3> dropped{};  // by tier: records that the logs say they dropped
  std::array<uint64_t, 3> unended{};  // by tier: processes whose log stops without its end mark
  // What kept differences from being named, for example a log on standard input.
  std::string note;
  bool compared() const { return !comparisons.empty(); }
  bool conserved() const;
};

struct ConservationOptions {
  // Logs of every process are given: a tier without records is one that recorded nothing.
  bool complete = false;
  // Memory bound of the second pass: 56 bytes each; more records mean more passes. A request that
  // the coordinator could not read takes 72 bytes more, of all passes together.
  size_t items_max = size_t{2} << 20;
};

// An order-independent hash of a multiset of 64-bit keys. Two that are equal hold the same keys,
// but for a chance of about 2^-64.
struct SetHash {
  uint64_t count = 0;
  uint64_t sum = 0;
  uint64_t exclusive = 0;
  void add(uint64_t key);
  bool operator==(const SetHash&) const = default;
};

// The first pass: constant memory, any order of lines and files.
class ConservationTally {
 public:
  void add(const telemetry::Line& line);
  void add_dropped(telemetry::Tier tier, uint64_t count);
  void add_unended(const std::array<uint64_t, 3>& processes);

  struct Set {
    uint64_t records = 0;
    uint64_t ok = 0;
    uint64_t messages = 0;  // of flows
    SetHash asking;         // keys by which the next tier knows these
    SetHash asked;          // keys by which these know the tier before
    uint64_t up_out = 0, up_in = 0;
    uint64_t down_in = 0, down_out = 0;  // of those that know the tier before
  };
  const Set& of(telemetry::Tier tier, telemetry::Kind kind) const {
    return sets_[static_cast<size_t>(tier)][static_cast<size_t>(kind)];
  }
  uint64_t dropped(telemetry::Tier tier) const { return dropped_[static_cast<size_t>(tier)]; }
  uint64_t unended(telemetry::Tier tier) const { return unended_[static_cast<size_t>(tier)]; }

 private:
  std::array<std::array<Set, 3>, 3> sets_{};
  std::array<uint64_t, 3> dropped_{};
  std::array<uint64_t, 3> unended_{};
};

// Compares what the first pass saw; where it differs, reads the logs again to name the differences.
base::Result<Conservation> conservation(const ConservationTally& tally,
                                        std::span<const std::string> paths,
                                        const ConservationOptions& options = {});
// Both passes.
base::Result<Conservation> conservation(std::span<const std::string> paths,
                                        const ConservationOptions& options = {});

}  // namespace giliran::report
