#include "report/machine.h"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "base/text.h"

namespace giliran::report {
namespace {

std::string system_name() {
  utsname name{};
  if (::uname(&name) != 0) return {};
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(':');
    if (colon != std::string::npos)
      return std::string(base::trim(std::string_view(line).substr(colon + 1)));
  }
  return {};
}

}  // namespace

Machine this_machine() {
  return {
      .cores = std::thread::hardware_concurrency(), .os = system_name(), .cpu = processor_name()};
}

}  // namespace giliran::report
