// One record of every tier and kind, with everything set that applies: for golden files and tests.
#pragma once

#include <string>
#include <vector>

#include "telemetry/record.h"

namespace giliran::telemetry {

struct NamedRecord {
  std::string name;
  Record record;
};

const std::vector<NamedRecord>& sample_records();

}  // namespace giliran::telemetry
