#include "report/run.h"

#include <cerrno>

#include "base/printable.h"
#include "report/analysis.h"
#include "report/json.h"
#include "report/json_text.h"
#include "report/text.h"

namespace giliran::report {

int run_report(const ReportOptions& options, std::ostream& out, std::ostream& err) {
  if (options.paths.empty()) {
    err << "giliran report: no log given; try: giliran report coordinator.log\n";
    return 2;
  }
  Analysis analysis({.slowest = options.slowest});
  uint64_t records = 0;
  for (const std::string& path : options.paths) {
    auto read = telemetry::read_log(
        {.path = path}, [&](const telemetry::Line& line) { analysis.add(line); },
        [&](telemetry::Tier tier, uint64_t count) { analysis.add_dropped(tier, count); });
    if (!read) {
      err << "giliran report: " << base::printable(read.error().message) << '\n';
      return read.error().code == EIO ? 1 : 2;
    }
    records += read->records;
    analysis.add_unended(read->unended);
    analysis.add_file({.path = path, .stats = std::move(*read)});
  }
  auto checked = conservation(analysis.tally(), options.paths, {.complete = options.complete});
  if (!checked) {
    err << "giliran report: " << base::printable(checked.error().message) << '\n';
    return 1;
  }
  const Report report = analysis.finish(std::move(*checked));
  if (options.json) {
    out << json_text(to_json(report), 2) << '\n';
  } else {
    print_text(report, out);
  }
  if (records == 0) {
    err << "giliran report: no record of ours in what was given\n";
    return 1;
  }
  return report.conservation.conserved() ? 0 : 1;
}

}  // namespace giliran::report
