#include "lab/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lab/built_in.h"

namespace giliran::lab {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

LabResult good() {
  LabResult result{.scenario = *built_in("clients", 2), .cores = 2};
  for (size_t i = 0; i < result.scenario.runs.size(); ++i) {
    result.runs.push_back({.index = i});
    result.runs.back().evidence.turns = {{"server-1", 5}, {"server-2", 5}};
  }
  result.claims = {{.text = "rate of a > rate of b", .measured = "2/s > 1/s", .met = true}};
  return result;
}

std::string word(const LabResult& result) {
  return verdict_of(result).word;
}

TEST(LabVerdict, AsExpectedTakesAnExpectation) {
  LabResult result = good();
  EXPECT_EQ(word(result), "AS EXPECTED");
  EXPECT_TRUE(verdict_of(result).good);
  EXPECT_EQ(result.exit_status(), 0);
  result.claims.clear();
  EXPECT_EQ(word(result), "FINISHED");
  EXPECT_TRUE(verdict_of(result).good);
}

TEST(LabVerdict, AsExpectedNeverStandsBesideAViolatedLaw) {
  LabResult result = good();
  result.runs[2].little = report::Little{.checked = true, .holds = false};
  const LabVerdict verdict = verdict_of(result);
  EXPECT_EQ(verdict.word, "IN DOUBT");
  EXPECT_FALSE(verdict.good);
  EXPECT_EQ(verdict.text,
            "1 of 1 expectation met. Little's law is violated in connections-100: something was "
            "measured wrongly.");
  const auto json = nlohmann::json::parse(result_json(result));
  EXPECT_EQ(json["verdict"]["word"], "IN DOUBT");
  EXPECT_EQ(json["verdict"]["good"], false);
}

TEST(LabVerdict, NorBesideOtherDoubts) {
  LabResult limited = good(), late = good(), missed = good();
  limited.runs[0].client.valid = false;
  late.runs[1].marks = {{.t_s = 2, .planned_s = 1, .text = "kill server-1", .late = true}};
  missed.runs[1].missed = {"kill server-1"};
  for (const LabResult* result : {&limited, &late, &missed}) EXPECT_EQ(word(*result), "IN DOUBT");
  EXPECT_THAT(verdict_of(limited).text, HasSubstr("The client was the limit in connections-1:"));
}

TEST(LabVerdict, TheGravestGivesTheWordAndTheOthersAreSaid) {
  LabResult result = good();
  result.runs[0].client.valid = false;
  result.claims[0].met = false;
  EXPECT_EQ(word(result), "NOT AS EXPECTED");
  EXPECT_THAT(verdict_of(result).text,
              AllOf(HasSubstr("0 of 1 expectation met."), HasSubstr("The client was the limit")));
  for (RunResult& run : result.runs) run.evidence.turns[0].count = 9;
  EXPECT_EQ(word(result), "TURNS NOT EVEN");
  result.runs[3].evidence.not_understood = 1;
  EXPECT_EQ(word(result), "NOT ACCOUNTED FOR");
  EXPECT_EQ(result.exit_status(), 1);
  result.interrupted = true;
  EXPECT_EQ(word(result), "INTERRUPTED");
  result.failure = "x";
  EXPECT_EQ(word(result), "FAILED");
}

TEST(LabVerdict, NamesAreBounded) {
  LabResult result = good();
  while (result.runs.size() < 8) result.runs.push_back(result.runs.back());
  for (RunResult& run : result.runs) run.client.valid = false;
  EXPECT_THAT(verdict_of(result).text, AllOf(HasSubstr("connections-2000 and 3 more"),
                                             Not(HasSubstr("connections-2000, "))));
}

}  // namespace
}  // namespace giliran::lab
