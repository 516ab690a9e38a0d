// One server, one name: tiers know the same server by different ones.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"
#include "telemetry/reader.h"

namespace giliran::report {

// Which of the names that clients are told belongs to which of the coordinator's, found by spans
// in a random sample of records. Memory: 2 x kSampleMax entries and the names in them.
class NameSample {
 public:
  static constexpr size_t kSampleMax = 2048;
  void add(const telemetry::Line& line);
  // The clients' name of a server by the coordinator's; only those that are no other's, too.
  std::map<std::string, std::string> pairs() const;

 private:
  using Sample = std::map<uint64_t, std::string>;  // by a hash of the span
  static void keep(Sample& sample, base::SpanId span, std::string_view name);
  Sample told_;    // by servers, as clients saw it
  Sample chosen_;  // by the coordinator
};

// Gives the rows of every section that are one server the same `shown`: the coordinator's name and,
// where that is another one, the server's own in parentheses. The coordinator's address of a server
// says which log of a server is its.
void name_servers(const NameSample& sample, std::vector<Section>& sections);

}  // namespace giliran::report
