// For tests: the logs of a run that went well, to be spoilt in one way each.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "telemetry/record.h"

namespace giliran::report {

// Records whose texts are literals, so that they can be kept.
struct SampleRun {
  std::vector<telemetry::Record> client, coordinator, server;

  // n exchanges over two servers ("s1", "s2"), one a millisecond: 5 ms at the client, of which 4 ms
  // are service, 0.1 ms the server's queue, 0.4 ms the coordinator.
  static SampleRun exchanges(size_t n);
  // n flows of ten messages each.
  static SampleRun flows(size_t n);
};

// A folder of logs that is gone at the end.
class SampleFolder {
 public:
  SampleFolder();
  SampleFolder(const SampleFolder&) = delete;
  SampleFolder& operator=(const SampleFolder&) = delete;
  ~SampleFolder();
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Appends the records, then `extra` as it is; returns the path.
  std::string write(const std::string& name, const std::vector<telemetry::Record>& records,
                    const std::string& extra = "") const;
  // client.log, coordinator.log, server.log.
  std::vector<std::string> write(const SampleRun& run) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace giliran::report
