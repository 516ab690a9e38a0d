#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/parse.h"

namespace giliran::cli {
namespace {

base::Result<Parsed> parse_words(const std::vector<std::string>& words) {
  return parse(words);
}

report::CompareRun run_of(const std::vector<std::string>& words) {
  auto parsed = parse_words(words);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? std::get<report::CompareRun>(parsed->what) : report::CompareRun{};
}

std::string refused(const std::vector<std::string>& words) {
  const auto parsed = parse_words(words);
  return parsed ? "not refused" : parsed.error().message;
}

using Files = std::vector<std::string>;

TEST(CompareCommand, TakesTwoFiles) {
  const auto run = run_of({"compare", "a.json", "b.json", "--threshold", "10%", "--json", "-"});
  EXPECT_EQ(run.a, Files{"a.json"});
  EXPECT_EQ(run.b, Files{"b.json"});
  EXPECT_EQ(run.options.threshold, 0.1);
  EXPECT_EQ(run.json_path, "-");
  EXPECT_FALSE(run.merge);
  EXPECT_EQ(run_of({"compare", "a", "b"}).options.threshold, 0.05);
}

TEST(CompareCommand, TakesSeveralASide) {
  const auto run = run_of({"compare", "--a", "1", "--b", "2", "--a", "3"});
  EXPECT_EQ(run.a, (Files{"1", "3"}));
  EXPECT_EQ(run.b, Files{"2"});
}

TEST(CompareCommand, Merges) {
  const auto run = run_of({"compare", "--merge", "1", "2", "3", "--json", "out.json"});
  EXPECT_TRUE(run.merge);
  EXPECT_EQ(run.a, (Files{"1", "2", "3"}));
}

TEST(CompareCommand, SaysWhatIsMissing) {
  const std::string two =
      "giliran compare: give two results of giliran client --json: giliran compare A.json B.json";
  EXPECT_EQ(refused({"compare"}), two);
  EXPECT_EQ(refused({"compare", "a"}), two);
  EXPECT_EQ(refused({"compare", "a", "b", "c"}), two);
  EXPECT_EQ(refused({"compare", "--a", "1"}), "giliran compare: --a and --b: give both");
  EXPECT_EQ(refused({"compare", "--a", "1", "--b", "2", "c"}),
            "giliran compare: give either two files, or --a and --b");
  EXPECT_EQ(refused({"compare", "--merge", "a"}),
            "giliran compare: --merge: give two results of giliran client or more");
  EXPECT_NE(refused({"compare", "a", "b", "--threshold", "many"}), "not refused");
  EXPECT_EQ(refused({"compare", "a", "b", "--json", "-", "--html", "-"}),
            "giliran compare: --json and --html: only one of them can go to standard output");
}

}  // namespace
}  // namespace giliran::cli
