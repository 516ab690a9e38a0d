#include "client/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "client/fuzz_targets.h"

namespace giliran::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TargetSpec line(std::string_view text) {
  return parse_target_line(text).value();
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_target_line(text);
  return parsed ? "accepted" : parsed.error().message;
}

std::string path_of(const Target& target, uint64_t number) {
  std::string out;
  target.path.append({.seed = 1, .number = number}, out);
  return out;
}

class TargetFile : public testing::Test {
 protected:
  TargetFile() { std::filesystem::create_directories(folder_); }
  ~TargetFile() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "giliran_targets";
};

TEST(TargetLine, WeightAndMethodAreOptional) {
  EXPECT_EQ(line("http://h:1/a").url, "http://h:1/a");
  EXPECT_EQ(line("http://h:1/a").weight, 1u);
  EXPECT_EQ(line("http://h:1/a").method, "");
  EXPECT_EQ(line("  /a?b={{rand:1..9}} ").url, "/a?b={{rand:1..9}}");
  const TargetSpec all = line("9 POST /orders");
  EXPECT_EQ(all.weight, 9u);
  EXPECT_EQ(all.method, "POST");
  EXPECT_EQ(all.url, "/orders");
  EXPECT_EQ(line("3 http://h/").weight, 3u);
  EXPECT_EQ(line("/?d={{dist:lognormal(5ms, p99=40ms)}}").url,
            "/?d={{dist:lognormal(5ms, p99=40ms)}}");
}

TEST(TargetLine, Refusals) {
  EXPECT_THAT(refusal("orders"), HasSubstr("the scheme is missing"));
  EXPECT_THAT(refusal("POST orders x"), HasSubstr("expected [WEIGHT] [METHOD] URL"));
  EXPECT_THAT(refusal(""), HasSubstr("the scheme is missing"));
  EXPECT_THAT(refusal("GET"), HasSubstr("the scheme is missing"));
  EXPECT_THAT(refusal("0 /a"), HasSubstr("expected a weight from 1 to"));
  EXPECT_THAT(refusal("99999999999 /a"), HasSubstr("expected a weight"));
}

TEST(TargetFileFormat, IsVegetas) {
  const auto specs = parse_targets(
                         "# a comment\n"
                         "GET http://goku:9090/path/to/dragon?item=ball\n"
                         "GET http://goku:9090/path/to\r\n"
                         "X-Account-ID: 99\n"
                         "Accept: a: b\n"
                         "\n"
                         "5 POST /things\n"
                         "Content-Type: text/plain\n"
                         "@body.txt\n",
                         "t")
                         .value();
  ASSERT_EQ(specs.size(), 3u);
  EXPECT_EQ(specs[1].url, "http://goku:9090/path/to");
  EXPECT_THAT(specs[1].headers, ElementsAre("X-Account-ID: 99", "Accept: a: b"));
  EXPECT_EQ(specs[2].weight, 5u);
  EXPECT_EQ(specs[2].body_file, "body.txt");
  EXPECT_EQ(specs[2].where, "t:7");
}

TEST(TargetFileFormat, RefusalsNameTheLine) {
  const auto why = [](std::string_view text) {
    const auto parsed = parse_targets(text, "t");
    return parsed ? "accepted" : parsed.error().message;
  };
  EXPECT_THAT(why("X-A: 1\n"), HasSubstr("t:1: 'X-A: 1': expected a target line in front of it"));
  EXPECT_THAT(why("/a\n\n@b\n"), HasSubstr("t:3"));
  EXPECT_THAT(why("/a\nnonsense\n"), HasSubstr("t:2: URL 'nonsense': the scheme is missing"));
  EXPECT_THAT(why("# nothing\n\n"), HasSubstr("no target"));
}

TEST_F(TargetFile, DefaultsHoldWhereATargetSaysNothing) {
  const std::vector<std::string> common = {"Accept: x", "X-Run: {{id}}"};
  const std::vector<TargetSpec> specs = {line("http://127.0.0.1:8080/a#frag"),
                                         {.weight = 2,
                                          .method = "PUT",
                                          .url = "/b",
                                          .headers = {"accept: y"},
                                          .body_file = file("body", "n={{seq}}")}};
  const Targets made = make_targets(specs, {.headers = common}).value();
  EXPECT_EQ(made.url.host_port, "127.0.0.1:8080");
  ASSERT_EQ(made.list.size(), 2u);
  EXPECT_EQ(made.list[0].method, "GET");
  EXPECT_EQ(path_of(made.list[0], 1), "/a");
  ASSERT_EQ(made.list[0].headers.size(), 4u);
  EXPECT_EQ(made.list[0].headers[0].name, "Host");
  EXPECT_EQ(made.list[0].headers[0].value.text(), "127.0.0.1:8080");
  EXPECT_EQ(made.list[0].headers[1].name, "User-Agent");
  EXPECT_FALSE(made.list[0].headers[3].value.constant());
  EXPECT_EQ(made.list[1].method, "PUT");
  EXPECT_EQ(made.list[1].url, "http://127.0.0.1:8080/b");
  ASSERT_EQ(made.list[1].headers.size(), 4u);
  EXPECT_EQ(made.list[1].headers[3].value.text(), "y");
  EXPECT_FALSE(made.list[1].body.constant());
}

TEST(Targets, ABodyMakesAPost) {
  EXPECT_EQ(make_targets(std::vector{line("http://h/")}, {.body = "x"})->list[0].method, "POST");
  EXPECT_EQ(
      make_targets(std::vector{line("http://h/")}, {.method = "PUT", .body = "x"})->list[0].method,
      "PUT");
}

TEST(Targets, PlaceholdersInThePathOnly) {
  const auto made = make_targets(std::vector{line("http://h/{{seq}}?d={{dist:exp(5ms)}}")}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(path_of(made->list[0], 3), testing::StartsWith("/3?d="));
  const auto query = make_targets(std::vector{line("http://h?a={{seq}}")}, {});
  EXPECT_EQ(path_of(query->list[0], 3), "/?a=3");
  const auto host = make_targets(std::vector{line("http://h{{seq}}/")}, {});
  EXPECT_THAT(host.error().message, HasSubstr("placeholders stand in the path and the query"));
  const auto unknown = make_targets(std::vector{line("http://h/{{sec}}")}, {});
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean seq?"));
  const auto literal = make_targets(std::vector{line("http://h/{{sec}}")}, {.literal = true});
  EXPECT_EQ(path_of(literal->list[0], 1), "/{{sec}}");
}

TEST(Targets, AreOnOneServer) {
  const auto other = make_targets(std::vector{line("http://h/"), line("http://h:81/")}, {});
  EXPECT_THAT(other.error().message, HasSubstr("all targets of a run are on one server"));
  EXPECT_TRUE(make_targets(std::vector{line("http://h/"), line("http://h:80/b")}, {}));
  EXPECT_TRUE(make_targets(std::vector{line("/a"), line("http://h:80/b")}, {}));
  const auto none = make_targets(std::vector{line("/a")}, {});
  EXPECT_THAT(none.error().message, HasSubstr("no URL"));
}

TEST(Targets, HeadersAreChecked) {
  const auto why = [](const std::string& header) {
    const std::vector<std::string> headers = {header};
    const auto made = make_targets(std::vector{line("http://h/")}, {.headers = headers});
    return made ? "accepted" : made.error().message;
  };
  EXPECT_THAT(why("no colon"), HasSubstr("expected \"Name: value\""));
  EXPECT_THAT(why("Connection: close"), HasSubstr("--new-connection"));
  EXPECT_THAT(why("Content-Length: 3"), HasSubstr("the client writes this one itself"));
  EXPECT_THAT(why("X: a\x01"), HasSubstr("control character"));
  EXPECT_THAT(why("X: {{nope}}"), HasSubstr("--header X: {{nope}}"));
}

TEST(Targets, AHeadThatCannotBeSentIsRefusedBeforeTheStart) {
  const std::string url = "http://h/" + std::string(70'000, 'a');
  const auto long_url = make_targets(std::vector{line(url)}, {});
  ASSERT_FALSE(long_url);
  EXPECT_THAT(long_url.error().message, HasSubstr("more than head_bytes_max (64KiB)"));
  EXPECT_LT(long_url.error().message.size(), 300u);
  std::vector<std::string> headers;
  for (int i = 0; i < 70; ++i)
    headers.push_back("X" + std::to_string(i) + ": " + std::string(1000, 'v'));
  const auto many = make_targets(std::vector{line("http://h/")}, {.headers = headers});
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, HasSubstr("head_bytes_max"));
  // What placeholders may become counts.
  std::string filled = "http://h/";
  for (int i = 0; i < 3000; ++i) filled += "{{seq}}";
  EXPECT_FALSE(make_targets(std::vector{line(filled)}, {}));
}

// One that is as long as can be is sent: request_head() would assert.
TEST(Targets, TheLongestHeadFitsItsBlock) {
  size_t most = 0;
  for (size_t bytes = 65'536; most == 0; --bytes) {
    const auto made = make_targets(std::vector{line("http://h/" + std::string(bytes, 'a'))}, {});
    if (!made) continue;
    most = bytes;
    Plan plan;
    plan.targets = made->list;
    write_heads(plan, 1);
  }
  EXPECT_GT(most, 64'000u);
}

TEST(TargetChoice, FollowsTheWeightsAndOnlySeedAndNumber) {
  std::vector<Target> targets(3);
  targets[0].weight = 7;
  targets[1].weight = 2;
  targets[2].weight = 1;
  const TargetChoice choice(targets);
  std::vector<int> chosen(3);
  for (uint64_t n = 1; n <= 10'000; ++n) ++chosen[choice.of({.seed = 3, .number = n})];
  EXPECT_NEAR(chosen[0], 7000, 200);
  EXPECT_NEAR(chosen[1], 2000, 200);
  EXPECT_NEAR(chosen[2], 1000, 150);
  for (uint64_t n = 10'000; n > 0; --n) {
    const size_t again = TargetChoice(targets).of({.seed = 3, .number = n});
    ASSERT_EQ(again, choice.of({.seed = 3, .number = n}));
  }
}

TEST_F(TargetFile, HeadersFromAFile) {
  const auto headers = read_headers(file("h", "# x\nA: 1\r\n\nB: 2")).value();
  EXPECT_THAT(headers, ElementsAre("A: 1", "B: 2"));
  EXPECT_THAT(read_headers("/nowhere").error().message, HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace giliran::client
