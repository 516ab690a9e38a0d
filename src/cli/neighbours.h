// The words of other programs (haproxy, nginx, envoy, wrk, wrk2, hey, oha, ab, k6, vegeta, curl) on
// our command line: what stands for each here. A table; the words of configuration files are in
// config/neighbours.h.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace giliran::cli {

struct Neighbour {
  enum class Is : uint8_t {
    kFlag,   // the same as our flag `here`: taken as that
    kOther,  // a flag that is not here: `here` says what is
    kValue,  // our flag of the same name means another thing there: said where its value is bad
    kWord,   // an argument that is not taken: `here` says what is
  };
  Is is;
  std::string_view names;  // "-k,--insecure"
  std::string_view here;   // a long name, or words for a person
};

// Of a subcommand, with what holds for all of them.
std::span<const Neighbour> neighbours_of(std::string_view command);

// The row of this kind that has the name; null where there is none. "-R100" is -R.
const Neighbour* find_neighbour(std::span<const Neighbour> table, Neighbour::Is is,
                                std::string_view name);

// What an argument that `command` does not take was meant to be, in words; empty: no idea.
std::string advice_on_argument(std::string_view command, std::string_view argument);
// The same for what stands in the place of a subcommand.
std::string advice_on_command(std::string_view argument);

}  // namespace giliran::cli
