#include "lab/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lab/built_in.h"
#include "lab/commands.h"
#include "lab/test_folder.h"

namespace giliran::lab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class FolderTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directory(out_); }
  static void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  base::Result<Folder> take() { return Folder::take(out_, scenario_); }
  // What an earlier lab leaves, without its lock.
  void earlier_lab() {
    const auto folder = take();
    ASSERT_TRUE(folder) << folder.error().message;
    const auto run = folder->make_run(scenario_.runs[0]);
    ASSERT_TRUE(run);
    for (const std::string& log : logs_of(scenario_.runs[0], *run)) put(log, "x");
    ASSERT_TRUE(folder->write("summary.txt", "old"));
  }

  TestFolder temporary_;
  std::string out_ = temporary_.path("out");
  Scenario scenario_ = *built_in("demo", 2);
};

TEST_F(FolderTest, AbsentAndEmptyOnesAreTaken) {
  EXPECT_TRUE(take());
  const auto absent = Folder::take(out_ + "/a/b", scenario_);
  ASSERT_TRUE(absent) << absent.error().message;
  EXPECT_TRUE(fs::exists(out_ + "/a/b/result.json"));
}

TEST_F(FolderTest, SomebodyElsesIsLeftAlone) {
  put(out_ + "/thesis.txt", "precious");
  const auto folder = take();
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().message, HasSubstr("was not written by a lab"));
  EXPECT_THAT(folder.error().message, HasSubstr("--out"));
  EXPECT_FALSE(fs::exists(out_ + "/result.json"));
}

TEST_F(FolderTest, AResultOfSomethingElseIsLeftAlone) {
  put(out_ + "/result.json", R"({"format":"other/1"})");
  EXPECT_FALSE(take());
  EXPECT_EQ(fs::file_size(out_ + "/result.json"), 20U);
}

TEST_F(FolderTest, AnEarlierLabIsReplacedAndWhatElseIsThereStays) {
  earlier_lab();
  const std::string run = out_ + "/" + scenario_.runs[0].name;
  put(run + "/notes.txt", "mine");
  put(out_ + "/plot.png", "mine");
  const auto again = take();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE(fs::exists(run + "/client.log"));
  EXPECT_FALSE(fs::exists(run + "/server-3.log"));
  EXPECT_FALSE(fs::exists(out_ + "/summary.txt"));
  EXPECT_TRUE(fs::exists(run + "/notes.txt"));
  EXPECT_TRUE(fs::exists(out_ + "/plot.png"));
}

TEST_F(FolderTest, RunsOfAForgedMarkCannotLeaveTheFolder) {
  fs::create_directory(temporary_.path("other"));
  put(temporary_.path("other") + "/client.log", "mine");
  put(out_ + "/result.json", R"({"format":"giliran-lab/1","planned":["../other",7]})");
  EXPECT_TRUE(take());
  EXPECT_TRUE(fs::exists(temporary_.path("other") + "/client.log"));
}

TEST_F(FolderTest, OneThatIsInUseIsNotTaken) {
  const auto mine = take();
  ASSERT_TRUE(mine);
  const auto other = take();
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("in use"));
}

TEST_F(FolderTest, WithoutANameTheNextFreeOneIsTaken) {
  const fs::path before = fs::current_path();
  fs::current_path(out_);
  fs::create_directory("giliran-demo");
  put("giliran-demo/thesis.txt", "precious");
  const auto folder = Folder::take("", scenario_);
  fs::current_path(before);
  ASSERT_TRUE(folder) << folder.error().message;
  EXPECT_EQ(folder->path(), "giliran-demo-2");
}

TEST_F(FolderTest, TheResultIsRewrittenWhole) {
  const auto folder = take();
  ASSERT_TRUE(folder);
  ASSERT_TRUE(folder->write_result("{}\n"));
  EXPECT_EQ(fs::file_size(out_ + "/result.json"), 3U);
}

}  // namespace
}  // namespace giliran::lab
