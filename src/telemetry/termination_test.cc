#include "telemetry/termination.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "telemetry/words.h"

namespace giliran::telemetry {
namespace {

std::string state(End end, Phase phase, std::string_view reason = {}) {
  Record r;
  r.end = end;
  r.phase = phase;
  r.attempts = 1;
  r.reason = reason;
  const Termination t = termination(r);
  return {t.cause, t.phase};
}

constexpr std::array kPhases = {Phase::kRequest, Phase::kQueue, Phase::kConnect,
                                Phase::kSend,    Phase::kWait,  Phase::kData};

// By phase, in the order of kPhases.
const std::map<End, std::array<std::string, kPhases.size()>> kExpected = {
    {End::kClientClosed, {"CR", "CQ", "CC", "CH", "CH", "CD"}},
    {End::kClientTimeout, {"cR", "cQ", "cC", "cH", "cH", "cD"}},
    {End::kBadRequest, {"PR", "PQ", "PC", "PH", "PH", "PD"}},
    {End::kNoServer, {"SC", "SC", "SC", "SC", "SC", "SC"}},
    {End::kConnectRefused, {"SC", "SC", "SC", "SC", "SC", "SC"}},
    {End::kConnectTimeout, {"sC", "sC", "sC", "sC", "sC", "sC"}},
    {End::kConnectFailed, {"SC", "SC", "SC", "SC", "SC", "SC"}},
    {End::kServerClosed, {"SR", "SQ", "SC", "SH", "SH", "SD"}},
    {End::kServerTimeout, {"sR", "sQ", "sC", "sH", "sH", "sD"}},
    {End::kBadResponse, {"PR", "PQ", "PC", "PH", "PH", "PD"}},
    {End::kFault, {"SR", "SQ", "SC", "SH", "SH", "SD"}},
    {End::kLimit, {"PR", "PC", "PC", "PH", "PH", "PD"}},
    {End::kQueueTimeout, {"sQ", "sQ", "sQ", "sQ", "sQ", "sQ"}},
    {End::kQueueFull, {"SQ", "SQ", "SQ", "SQ", "SQ", "SQ"}},
    {End::kRateLimited, {"PR", "PR", "PR", "PR", "PR", "PR"}},
    {End::kBodyTooLarge, {"PR", "PQ", "PC", "PH", "PH", "PD"}},
    {End::kTotalTimeout, {"cR", "sQ", "sC", "sH", "sH", "sD"}},
    {End::kDenied, {"PR", "PR", "PR", "PR", "PR", "PR"}},
    {End::kIdleTimeout, {"cR", "cQ", "cC", "cH", "cH", "cD"}},
    {End::kShutdown, {"KR", "KQ", "KC", "KH", "KH", "KD"}},
    {End::kInternal, {"IR", "IQ", "IC", "IH", "IH", "ID"}},
};

TEST(Termination, EveryEndInEveryPhase) {
  for (size_t i = 1; i <= static_cast<size_t>(End::kInternal); ++i) {
    const auto end = static_cast<End>(i);
    ASSERT_TRUE(kExpected.contains(end)) << name(end);
    for (size_t p = 0; p < kPhases.size(); ++p) {
      EXPECT_EQ(state(end, kPhases[p]), kExpected.at(end)[p])
          << name(end) << " in " << name(kPhases[p]);
    }
  }
}

TEST(Termination, AGoodEnd) {
  EXPECT_EQ(state(End::kOk, Phase::kNone), "--");
  Record redirect;
  EXPECT_EQ(termination(redirect), (Termination{'L', 'R'}));
  redirect.kind = Kind::kFlow;
  EXPECT_EQ(termination(redirect), (Termination{'-', '-'}));
}

TEST(Termination, OurOwnResources) {
  for (const char* reason : {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"}) {
    EXPECT_EQ(state(End::kConnectFailed, Phase::kConnect, reason), "RC");
  }
  EXPECT_EQ(state(End::kConnectFailed, Phase::kConnect, "EHOSTUNREACH"), "SC");
}

// The cells of a row of a Markdown table, without spaces and backquotes.
std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> found;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
    found.push_back(cell);
  }
  return found;
}

// The document's table is the tested one. It leaves out what cannot occur.
TEST(Termination, TheDocumentSaysTheSame) {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "../../docs/formats/logs.md");
  const std::string heading = "| `end` | request | queue | connect | send, wait | data |";
  std::string line;
  while (std::getline(in, line) && line != heading) {
  }
  ASSERT_EQ(line, heading);
  std::getline(in, line);
  constexpr std::array kColumns = {Phase::kRequest, Phase::kQueue, Phase::kConnect, Phase::kWait,
                                   Phase::kData};
  std::map<std::string, size_t> states;
  while (std::getline(in, line) && line.starts_with("|")) {
    const auto row = cells(line);
    ASSERT_EQ(row.size(), 1 + kColumns.size()) << line;
    const auto end = end_from(row[0]);
    ASSERT_TRUE(end.has_value()) << line;
    for (size_t i = 0; i < kColumns.size(); ++i) {
      if (row[i + 1].empty()) continue;
      ++states[row[0]];
      EXPECT_EQ(row[i + 1].substr(0, 2), state(*end, kColumns[i])) << line;
    }
  }
  for (const auto& [end, expected] : kExpected) {
    if (end == End::kFault) continue;  // a server's own
    EXPECT_GT(states[std::string(name(end))], 0) << name(end);
  }
}

}  // namespace
}  // namespace giliran::telemetry
