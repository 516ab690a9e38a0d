// The runs of one scenario, one after the other, and what each of them proves.
#pragma once

#include <string>

#include "lab/folder.h"
#include "lab/result.h"
#include "lab/screen.h"
#include "net/io.h"

namespace giliran::lab {

class Runs {
 public:
  // All are borrowed. program: path of giliran. keep_logs: of every run; else, once they were read,
  // those of the scenario's telling run and of runs in which something is odd.
  Runs(net::Io& io, const Folder& folder, std::string program, Screen& screen, bool keep_logs)
      : io_(io),
        folder_(folder),
        program_(std::move(program)),
        screen_(screen),
        keep_logs_(keep_logs) {}

  // Fills result.runs; ends early where a run fails. Runs the loop.
  void execute(LabResult& result);
  // Called on the loop: ends the run under way, the second time at once.
  void on_signal();

 private:
  base::Result<void> one(LabResult& result, size_t index);
  base::Result<void> judge(LabResult& result, RunResult& run, const Ran& ran,
                           const std::string& folder);
  base::Result<void> write_words(const RunPlan& plan, const Ran& ran) const;

  net::Io& io_;
  const Folder& folder_;
  std::string program_;
  Screen& screen_;
  bool keep_logs_;
  Run* run_ = nullptr;  // the one that is under way
};

}  // namespace giliran::lab
