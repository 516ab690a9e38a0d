// A lab in a word and a few sentences: what screen, page and result.json say alike.
#pragma once

#include <string>

#include "lab/result.h"

namespace giliran::lab {

struct LabVerdict {
  // FAILED; INTERRUPTED; NOT ACCOUNTED FOR or TURNS NOT EVEN (exit status 1); NOT AS EXPECTED (3);
  // IN DOUBT: as expected, but by numbers that are not to be trusted; AS EXPECTED; FINISHED where
  // nothing was expected.
  std::string word{};
  std::string text{};  // why, with the runs it is about
  bool good = false;   // AS EXPECTED or FINISHED
};

LabVerdict verdict_of(const LabResult& result);

}  // namespace giliran::lab
