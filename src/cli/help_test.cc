#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "cli/parse.h"
#include "report/table.h"

namespace giliran::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;

constexpr size_t kColumns = 80;
constexpr size_t kScreen = 40;  // lines of a terminal that is not small

const char* const kAll[] = {"coordinator", "server", "client", "lab", "report", "compare", "check"};

std::string text_of(const std::vector<std::string>& args) {
  const auto parsed = parse(args);
  EXPECT_TRUE(parsed) << parsed.error().message;
  const Text* text = parsed ? std::get_if<Text>(&parsed->what) : nullptr;
  return text == nullptr ? "" : text->text;
}

void expect_fits(const std::string& text, const std::string& of) {
  EXPECT_FALSE(text.empty()) << of;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_THAT(report::width(line), Le(kColumns)) << of << ": " << line;
    EXPECT_FALSE(line.ends_with(' ')) << of << ": " << line;
  }
}

TEST(Help, FitsTheScreen) {
  expect_fits(text_of({"help"}), "help");
  for (const std::string name : kAll) {
    const std::string first = text_of({name, "--help"});
    expect_fits(first, name + " --help");
    expect_fits(text_of({name, "--help-all"}), name + " --help-all");
    EXPECT_THAT(std::ranges::count(first, '\n'), Le(kScreen)) << name;
  }
}

// The flag of each line that has one: "--connections".
std::vector<std::string> flags_in(const std::string& help) {
  std::vector<std::string> flags;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("--");
    if (at == std::string::npos || at > 6 || !line.starts_with("  ")) continue;
    flags.push_back(line.substr(at, line.find_first_of(" ,", at) - at));
  }
  return flags;
}

TEST(Help, IsShortAndNamesTheLongOne) {
  const std::string first = text_of({"client", "--help"}), all = text_of({"client", "--help-all"});
  EXPECT_THAT(flags_in(first).size(), Le(16U));
  EXPECT_THAT(first, HasSubstr("--help-all"));
  EXPECT_THAT(first, HasSubstr("--connections N"));
  EXPECT_THAT(first, Not(HasSubstr("--hgrm")));
  EXPECT_THAT(all, HasSubstr("--hgrm PATH"));
  EXPECT_THAT(all, HasSubstr("\nLoad:\n"));
  EXPECT_EQ(text_of({"help", "client"}), first);
  EXPECT_EQ(text_of({"client", "help"}), first);
  EXPECT_EQ(text_of({"help", "version"}), text_of({"help"}));
  EXPECT_EQ(text_of({"help", "client", "--help-all"}), all);
  EXPECT_EQ(text_of({"client", "-c", "5", "--help-all"}), all);
}

// Every name in Command::first and Command::headings is one of a flag: a typing error there would
// hide a flag.
void expect_names_are_flags(const Command& command) {
  const auto is_flag = [&](std::string_view name) {
    return std::ranges::any_of(command.flags,
                               [&](const Flag& flag) { return long_name(flag) == name; });
  };
  for (const auto name : command.first) EXPECT_TRUE(is_flag(name)) << command.name << name;
  for (const Heading& each : command.headings) EXPECT_TRUE(is_flag(each.before)) << each.before;
}

TEST(Help, OfTheFirstHourAreFlags) {
  std::vector<std::string> warnings;
  CoordinatorFlags coordinator;
  server::ServerOptions server;
  client::ClientOptions client;
  lab::LabOptions lab;
  expect_names_are_flags(coordinator_command(coordinator));
  expect_names_are_flags(server_command(server, warnings));
  expect_names_are_flags(client_command(client, warnings));
  expect_names_are_flags(lab_command(lab));
}

}  // namespace
}  // namespace giliran::cli
