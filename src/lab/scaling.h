// How throughput grew with a number of threads: speed-up, efficiency, and where enough points were
// tried the Universal Scalability Law.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/points.h"
#include "report/usl.h"

namespace giliran::lab {

struct ScalePoint {
  uint32_t threads = 1;
  std::string point{};  // its name
  report::Median rate{};
  double speed_up = 1;    // of medians, against the least number of threads
  double efficiency = 1;  // speed-up per thread, those of the least number being 1
};

struct Scaling {
  std::string of;    // "servers" or "coordinator"
  std::string name;  // what tells this set of points from all others; empty: there is one
  std::vector<ScalePoint> points{};  // at least two, by threads
  std::optional<report::Usl> usl{};  // of five points or more
  std::string words{};
};

// Of every set of points that differ in nothing but a number of threads.
std::vector<Scaling> scalings_of(const LabResult& result);

// A plot of speed-up against threads for a terminal, the ideal dotted; at most 72 columns.
std::string speed_up_plot(const Scaling& scaling);

// Threads, rate with its interval, speed-up, efficiency; then the law; then the words.
std::string scaling_text(const Scaling& scaling);

}  // namespace giliran::lab
