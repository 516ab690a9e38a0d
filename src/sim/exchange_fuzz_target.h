// What the fuzzer of whole exchanges does with an input, so that a test can do it with the corpus:
// a client and a server say what the input holds, with a real worker between them.
//
//   line 1                  any text: where the network cuts, how long it takes, what is allowed
//   up to a line of "====="  what the client sends
//   then, likewise          what the server says to the first, second, ... request; then the last
//
// Lines of the messages end as the input has them.
#pragma once

#include <string_view>

namespace giliran::sim {

// Aborts where something does not hold: one record for each request, nothing left behind, and what
// reached the server reads as requests, no more of them than were made.
void fuzz_exchange(std::string_view input);

}  // namespace giliran::sim
