// What a scenario varies: trees of TOML put over each other, and all combinations of values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"
#include "config/toml_value.h"
#include "lab/scenario.h"

namespace giliran::lab {

// A key that varies, as it is written: path and list of plain values.
struct Varied {
  std::string path;
  config::Position at{};
  std::vector<config::Value> values{};
};

// The members of a table `vary`; what is no list of plain values is a problem.
std::vector<Varied> read_vary(const config::Value& table, config::Reader& reader);

// `over` instead of `under`: tables member by member, anything else as a whole. Where one is a
// table and the other a list of tables, the table is put over each of the list.
void overlay(config::Value& under, const config::Value& over);

// Puts a value at a dotted path, making tables on the way. In a list of tables, a part of the path
// that is the `name` of items goes into these, any other into all.
void put(config::Value& root, const Varied& where, const config::Value& value);

// How many combinations there are; UINT64_MAX where that is more.
uint64_t combinations(const std::vector<Varied>& axes);
// The index of the value of each axis in combination `number`: the last axis goes round first.
std::vector<size_t> combination(const std::vector<Varied>& axes, uint64_t number);

// "http-block-16" of case "http-block" and threads 16: made of letters, digits and '-'.
std::string point_name(std::string_view case_name, const std::vector<Label>& labels);

// The order of running: for each repetition all points, beginning with another one each time.
struct Place {
  size_t point = 0;
  uint32_t repetition = 0;
};
std::vector<Place> interleaved(size_t points, uint32_t repetitions);

}  // namespace giliran::lab
