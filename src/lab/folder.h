// The folder a lab writes to: taken for itself, an earlier lab's leavings removed, nobody else's
// touched.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "lab/scenario.h"
#include "net/descriptor.h"

namespace giliran::lab {

class Folder {
 public:
  // Where none is named.
  struct Unnamed {
    std::string name = "giliran-demo";
    bool only_new = false;  // NAME-2 on, and none that an earlier lab has written
  };
  // `named` (what --out says), or, where it is empty, the first of NAME, NAME-2, … that may be
  // used: one that is absent or empty, or that an earlier lab has written and no lab uses now.
  // result.json, with "finished": false, marks it from now on.
  static base::Result<Folder> take(const std::string& named, const Scenario& scenario,
                                   const Unnamed& unnamed);
  static base::Result<Folder> take(const std::string& named, const Scenario& scenario) {
    return take(named, scenario, {});
  }

  const std::string& path() const { return path_; }
  // Makes the folder of a run; its path.
  base::Result<std::string> make_run(const RunPlan& plan) const;
  base::Result<void> write_result(std::string_view json) const;
  base::Result<void> write(const std::string& name, std::string_view text) const;
  // The logs of a run that were read; what is not there is no error.
  void remove_logs(const RunPlan& plan) const;

 private:
  Folder(std::string path, net::Descriptor mark) : path_(std::move(path)), mark_(std::move(mark)) {}
  static base::Result<Folder> try_take(const std::string& path, bool only_new);

  std::string path_;
  net::Descriptor mark_;  // result.json, locked while this lab lives
};

// Of all runs, each once: the names of their logs and files.
std::vector<std::string> server_names(const Scenario& scenario);

// Writes a file that others may be reading: they see the old one or the new one, whole.
base::Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace giliran::lab
