// The last screen of a lab.
#pragma once

#include <string>

#include "lab/result.h"

namespace giliran::lab {

// Several lines of plain text, without control characters. Tables are at most 80 columns wide with
// the built-in scenarios; running text is folded at 80.
std::string summary_text(const LabResult& result);

// About a finished run: for progress on a pipe, and what stays of the live line. One line; where
// what is wrong with it does not fit, two.
std::string run_line(const LabResult& result, const RunResult& run);

// Whether everything is accounted for, over all runs: one sentence, then what differs.
std::string conservation_text(const LabResult& result);

// A text of several lines, folded anew: a line that ends a sentence ends a paragraph.
std::string folded_lines(const std::string& text, size_t indent);

// Text in lines of at most `columns`, broken at spaces, each after `indent` spaces.
std::string folded(const std::string& text, size_t indent, size_t columns = 80);

}  // namespace giliran::lab
