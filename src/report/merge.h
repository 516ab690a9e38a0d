// Results of several client processes or machines as one. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "report/client_result.h"

namespace giliran::report {

struct Merged {
  ClientResult result;
  std::vector<std::string> files;
  bool rates_add = true;           // they measured at the same time
  double overlap_s = 0;            // in which all of them measured
  std::vector<std::string> notes;  // what a reader should know; sentences
};

// Counts are added and histograms bucket by bucket: exactly what one client would have recorded.
// Percentiles are those of the sum. Rates add where all measured at the same time for nine tenths
// of the longest; else the rate is that of the time in which any of them did. Intervals are laid
// over each other by the machines' clocks, each where its middle falls. An error where a histogram
// has another precision. At least one result.
base::Result<Merged> merge(std::span<const ClientResult> results);

// A result in the client's format with a field `merged`: docs/formats/compare.md.
nlohmann::ordered_json to_json(const Merged& merged);

}  // namespace giliran::report
