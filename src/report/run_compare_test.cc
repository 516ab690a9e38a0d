#include "report/run_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/printable.h"
#include "report/test_client_result.h"

namespace giliran::report {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class RunCompare : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("giliran_compare_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  std::string imagined(const std::string& name, const Imagined& is) const {
    return write(name, to_json(imagine(is)).dump());
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  int run(const CompareRun& what) {
    out_.str("");
    err_.str("");
    return run_compare(what, out_, err_);
  }

  std::filesystem::path folder_;
  std::ostringstream out_, err_;
};

TEST_F(RunCompare, ExitStatusTellsWorse) {
  const std::string a = imagined("a.json", {.seed = 1, .intervals = 15});
  const std::string same = imagined("same.json", {.seed = 2, .intervals = 15});
  const std::string slow = imagined("slow.json", {.seed = 3, .intervals = 15, .slow_factor = 2});
  EXPECT_EQ(run({.a = {a}, .b = {same}}), 0) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("no difference shown between A and B"));
  EXPECT_EQ(run({.a = {a}, .b = {slow}}), 3);
  EXPECT_THAT(out_.str(), HasSubstr("B is worse than A: response p50"));
  EXPECT_EQ(run({.a = {slow}, .b = {a}}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("B is better than A: response p50"));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(RunCompare, EveryBadFileIsNamed) {
  const std::string a = imagined("a.json", {.seed = 1, .intervals = 3});
  const std::string bad = write("bad.json", "{\"format\": 7}");
  EXPECT_EQ(run({.a = {a, bad}, .b = {path("none.json"), path("")}}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("Is a directory"));
  EXPECT_THAT(err_.str(), HasSubstr("giliran compare: " + bad + ": no result of giliran client"));
  EXPECT_THAT(err_.str(), HasSubstr("none.json: No such file or directory"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(RunCompare, WritesJsonAndPage) {
  const std::string a = imagined("a.json", {.seed = 1, .intervals = 15});
  EXPECT_EQ(run({.a = {a}, .b = {a}, .json_path = path("c.json"), .html_path = path("c.html")}), 0);
  const auto json = nlohmann::json::parse(read("c.json"));
  EXPECT_EQ(json["format"], "giliran-compare/1");
  EXPECT_THAT(read("c.html"), StartsWith("<!"));
  EXPECT_THAT(read("c.html"), HasSubstr("giliran-compare/1"));
  EXPECT_EQ(run({.a = {a}, .b = {a}, .json_path = "-"}), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str()), json);
  EXPECT_EQ(run({.a = {a}, .b = {a}, .json_path = path("no/such/folder.json")}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("--json " + path("no/such/folder.json") + ": No such file"));
}

TEST_F(RunCompare, MergesIntoAResultThatCanBeComparedAgain) {
  const std::string a = imagined("a.json", {.seed = 1, .intervals = 15});
  const std::string b = imagined("b.json", {.seed = 2, .intervals = 15});
  EXPECT_EQ(run({.a = {a, b}, .merge = true, .json_path = path("m.json")}), 0);
  EXPECT_THAT(out_.str(), StartsWith("2 results: "));
  const auto merged = read_client_result(path("m.json"));
  ASSERT_TRUE(merged) << merged.error().message;
  base::Histogram sum = imagine({.seed = 1, .intervals = 15}).response_time;
  ASSERT_TRUE(sum.add(imagine({.seed = 2, .intervals = 15}).response_time));
  EXPECT_TRUE(same(merged->response_time, sum));
  EXPECT_EQ(run({.a = {path("m.json")}, .b = {path("m.json")}}), 0);
  EXPECT_EQ(run({.a = {a, b}, .merge = true}), 0);  // to standard output
  EXPECT_EQ(nlohmann::json::parse(out_.str()), nlohmann::json::parse(read("m.json")));
  EXPECT_THAT(err_.str(), StartsWith("2 results: "));
}

// Results may come from anywhere, and servers chose some of the texts in them.
TEST_F(RunCompare, HostileTextStaysText) {
  const std::string hostile = "\u202E\u009b31m\x1b[2J\u2066";
  nlohmann::ordered_json result = to_json(imagine({.seed = 1, .intervals = 15}));
  result["url"] = "http://" + hostile;
  result["verdict"]["valid"] = false;
  result["verdict"]["reasons"] = {hostile};
  const std::string a = write(hostile + "a.json", result.dump());
  result["format"] = hostile;
  const std::string bad = write("bad.json", result.dump());
  for (const CompareRun& what : {CompareRun{.a = {a}, .b = {a}},
                                 {.a = {a}, .b = {a}, .json_path = "-"},
                                 {.a = {a, a}, .merge = true},
                                 {.a = {bad}, .b = {bad}}}) {
    run(what);
    for (const std::string& text : {out_.str(), err_.str()}) {
      EXPECT_EQ(text, base::printable_lines(text));
    }
    EXPECT_NE(out_.str() + err_.str(), "");
  }
}

}  // namespace
}  // namespace giliran::report
