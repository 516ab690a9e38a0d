#include "server/character.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_client.h"

namespace giliran::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Character, ReadsEveryKey) {
  const auto read = parse_character(
      "delay = \"exp(5ms)\"\nwork = \"2ms\"\nblocking = true\nfail = \"1%:reset\"\nbody = "
      "\"1KiB\"\n"
      "slowdown = 2.5",
      "s.toml");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text(),
            "delay exp(5ms) (blocking), work 2ms, fail 1%:reset, body 1KiB, slowdown 2.5");
  EXPECT_TRUE(read->needs_threads());
  const auto nothing = parse_character("", "s.toml");
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->text(), "delay 0, work 0, fail none");
  EXPECT_FALSE(nothing->needs_threads());
}

TEST(Character, EveryKeyIsWrittenAsItIsRead) {
  const auto read = parse_character("delay = 0\nfail = \"none\"\nbody = 7", "s.toml");
  ASSERT_TRUE(read) << read.error().message;
  std::string text;
  config::write_table(*read, character_keys(), "", text);
  const auto again = parse_character(text, "s.toml");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->text(), read->text());
}

TEST(Character, SaysWhatIsWrongAndWhere) {
  const auto error = [](std::string_view text) {
    const auto read = parse_character(text, "s.toml");
    EXPECT_FALSE(read) << text;
    return read ? "" : read.error().message;
  };
  EXPECT_THAT(error("delay = \"5\""), StartsWith("s.toml:1:9: key 'delay': bad value '5': "));
  EXPECT_THAT(error("\nfail = \"101%\""), StartsWith("s.toml:2:8: key 'fail': bad value '101%'"));
  EXPECT_THAT(error("delays = \"5ms\""), HasSubstr("'delay'"));
  EXPECT_THAT(error("blocking = 1"), HasSubstr("true or false"));
  EXPECT_THAT(error("body = \"2GiB\""), HasSubstr("body"));
  EXPECT_THAT(error("slowdown = 0"), HasSubstr("above 0"));
  EXPECT_THAT(error("a = = b"), StartsWith("s.toml:1:"));
  EXPECT_THAT(load_character("no/such/file.toml").error().message, HasSubstr("no/such/file.toml"));
}

TEST(Character, TheSeedDrawsTheSameWhateverTheCharacterWasBefore) {
  const Character slow{.delay = *base::Distribution::parse("exp(50ms)")};
  const Lot first = slow.draw(7, 3, nullptr, nullptr);
  EXPECT_EQ(slow.draw(7, 3, nullptr, nullptr).delay, first.delay);
  const auto asked = base::Distribution::parse("exp(50ms)");
  EXPECT_EQ(Character().draw(7, 3, &*asked, nullptr).delay, first.delay);
}

TEST(Character, ASlowServerIsSlowWithWhatItIsAskedToo) {
  const auto asked = base::Distribution::parse("exp(50ms)");
  const auto work = base::Distribution::parse("1ms");
  const Lot usual = Character().draw(7, 3, &*asked, &*work);
  const Lot slow = Character{.slowdown = 10}.draw(7, 3, &*asked, &*work);
  EXPECT_EQ(slow.delay, usual.delay * 10);
  EXPECT_EQ(slow.work, usual.work * 10);
}

// --- of a server that runs ---

base::Duration time_of(const std::string& url) {
  base::SystemClock clock;
  const base::Instant began = clock.now();
  EXPECT_THAT(get(url, "/"), StartsWith("HTTP/1.1 200"));
  return clock.now() - began;
}

// Loops hear of it by a message: soon.
template <typename Predicate>
bool soon(Predicate predicate) {
  for (int i = 0; i < 2000; ++i) {
    if (predicate()) return true;
  }
  return false;
}

TEST(Reload, ChangesWhatBeginsAfterwardsAndFlagsHold) {
  const TestLog log;
  const std::string path = log.path() + ".toml";
  std::ofstream(path) << "delay = \"0\"\nfail = \"100%\"\n";
  const auto server =
      start_server({.name = "s1", .threads = 1, .fail = FaultSpec{}, .config = path});
  EXPECT_THAT(get(server->urls()[0], "/"), StartsWith("HTTP/1.1 200")) << "the flag holds";
  std::ofstream(path) << "delay = \"60ms\"\nbody = 100\n";
  ASSERT_TRUE(server->reload());
  EXPECT_TRUE(soon([&] { return body_of(get(server->urls()[0], "/")).size() == 100; }));
  EXPECT_GE(time_of(server->urls()[0]), milliseconds(60));

  std::ofstream(path) << "delay = \"fast\"\n";
  const auto bad = server->reload();
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr(path + ":1:9: key 'delay'"));
  EXPECT_GE(time_of(server->urls()[0]), milliseconds(60)) << "nothing changed";
}

TEST(Reload, EveryLoopHearsOfIt) {
  const TestLog log;
  const std::string path = log.path() + ".toml";
  std::ofstream(path) << "";
  const auto server = start_server({.name = "s1", .threads = 4, .config = path});
  std::ofstream(path) << "body = 100\n";
  ASSERT_TRUE(server->reload());
  size_t in_a_row = 0;  // on new connections: the kernel spreads them over the loops
  EXPECT_TRUE(soon([&] {
    in_a_row = body_of(get(server->urls()[0], "/")).size() == 100 ? in_a_row + 1 : 0;
    return in_a_row == 40;
  }));
}

TEST(Reload, AServerWithoutThreadsGetsThemWhereWorkComes) {
  const TestLog log;
  const std::string path = log.path() + ".toml";
  std::ofstream(path) << "";
  const auto server = start_server({.name = "s1", .threads = 2, .config = path});
  std::ofstream(path) << "delay = \"30ms\"\nblocking = true\n";
  ASSERT_TRUE(server->reload());
  EXPECT_TRUE(soon([&] { return time_of(server->urls()[0]) >= milliseconds(30); }));
  std::ofstream(path) << "";
  ASSERT_TRUE(server->reload());
  EXPECT_TRUE(soon([&] { return time_of(server->urls()[0]) < milliseconds(30); }));
}

}  // namespace
}  // namespace giliran::server
