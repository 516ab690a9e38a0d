// Logs in, report out: one pass, bounded memory.
#pragma once

#include <array>
#include <memory>

#include "report/conservation.h"
#include "report/report.h"
#include "report/section_tally.h"
#include "report/server_names.h"

namespace giliran::report {

struct AnalysisOptions {
  size_t slowest = 10;  // records listed a section
};

class Analysis {
 public:
  explicit Analysis(const AnalysisOptions& options) : options_(options) {}
  void add(const telemetry::Line& line);
  void add_dropped(telemetry::Tier tier, uint64_t count) { tally_.add_dropped(tier, count); }
  void add_unended(const std::array<uint64_t, 3>& processes) { tally_.add_unended(processes); }
  void add_file(FileRead file) { files_.push_back(std::move(file)); }

  const ConservationTally& tally() const { return tally_; }
  // Everything but the conservation of the report is filled in from what was added; `conservation`
  // (see conservation.h) is taken over and has its place in the findings.
  Report finish(Conservation conservation) const;

 private:
  const SectionTally* section(telemetry::Tier tier, telemetry::Kind kind) const {
    return sections_[static_cast<size_t>(tier)][static_cast<size_t>(kind)].get();
  }
  void add_where(telemetry::Kind kind, std::vector<WhereTimeGoes>& out) const;

  AnalysisOptions options_;
  std::array<std::array<std::unique_ptr<SectionTally>, 3>, 3> sections_;
  ConservationTally tally_;
  NameSample names_;
  RunTally runs_;
  std::vector<FileRead> files_;
};

}  // namespace giliran::report
