#include "telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "telemetry/log_file.h"
#include "telemetry/ring.h"

namespace giliran::telemetry {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string name = (fs::temp_directory_path() / "giliran_log_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LogTest() override { fs::remove_all(folder_); }
  std::string path(const std::string& name = "x.log") const { return (folder_ / name).string(); }

  std::unique_ptr<Log> open(LogOptions options) {
    auto log = Log::open(options, clock_);
    EXPECT_TRUE(log.has_value()) << log.error().message;
    return std::move(*log);
  }

  // All but the marks.
  static std::vector<json> lines(const std::string& file) {
    std::vector<json> all = all_lines(file);
    std::erase_if(all, is_mark);
    return all;
  }
  static std::vector<json> all_lines(const std::string& file) {
    std::vector<json> all;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) all.push_back(json::parse(line));
    return all;
  }
  static bool is_mark(const json& line) {
    return line.contains("kind") && (line["kind"] == "begin" || line["kind"] == "end");
  }
  // "begin", "end", "dropped N" or "N-M": the sequence numbers of records, in the order of the
  // file.
  static std::string outline(const std::string& file) {
    std::string text;
    uint64_t first = 0;
    uint64_t last = 0;
    const auto end_run = [&] {
      if (first != 0) text += std::to_string(first) + "-" + std::to_string(last) + " ";
      first = 0;
    };
    for (const json& line : all_lines(file)) {
      if (line["kind"] == "exchange") {
        const auto seq = line["seq"].get<uint64_t>();
        if (first != 0 && seq != last + 1) end_run();
        if (first == 0) first = seq;
        last = seq;
        continue;
      }
      end_run();
      text += line["kind"].get<std::string>() + " ";
      if (line["kind"] == "dropped") text += std::to_string(line["count"].get<uint64_t>()) + " ";
    }
    end_run();
    return text;
  }

  base::SystemClock clock_;
  fs::path folder_;
};

Record numbered(uint64_t producer, uint64_t number) {
  Record r;
  r.connection = producer + 1;
  r.sequence = number + 1;
  r.total = base::Duration(static_cast<int64_t>(number));
  return r;
}

void produce(RecordSink& sink, uint64_t producer, uint64_t count) {
  std::string target;
  for (uint64_t i = 0; i < count; ++i) {
    Record r = numbered(producer, i);
    target.assign(i % 97, static_cast<char>('a' + producer));
    r.target = target;
    sink.write(r);
  }
}

TEST_F(LogTest, WaitingProducersLoseNothing) {
  constexpr size_t kProducers = 4;
  constexpr uint64_t kEach = 100'000;
  auto log = open({.path = path(),
                   .workers = kProducers,
                   .ring_bytes = size_t{64} << 10,
                   .full = LogFull::kWait});
  {
    std::vector<std::jthread> producers;
    for (size_t p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p] { produce(log->sink(p), p, kEach); });
    }
  }
  log->close();
  EXPECT_EQ(log->counts().written, kProducers * kEach);
  EXPECT_EQ(log->counts().dropped, 0);

  // A few string searches a line instead of a parser: 400,000 lines under a sanitizer.
  std::array<uint64_t, kProducers> next{};
  std::ifstream in(path());
  for (std::string line; std::getline(in, line);) {
    ASSERT_TRUE(line.starts_with("{\"ts\":\"") && line.ends_with('}')) << line;
    if (line.ends_with(std::to_string(::getpid()) + "}")) continue;  // a mark
    const size_t conn = line.find("\"conn\":");
    ASSERT_NE(conn, std::string::npos);
    const auto producer = static_cast<size_t>(line[conn + 7] - '1');
    ASSERT_LT(producer, kProducers);
    const uint64_t number = next[producer]++;
    std::string expected = "\"seq\":" + std::to_string(number + 1) + ",\"attempts\":0";
    if (number % 97 != 0) {
      expected +=
          ",\"target\":\"" + std::string(number % 97, static_cast<char>('a' + producer)) + '"';
    }
    ASSERT_NE(line.find(expected + ",\"proto\""), std::string::npos) << line << "\n" << expected;
  }
  EXPECT_THAT(next, testing::Each(kEach));
}

TEST_F(LogTest, WhatIsDroppedIsCountedAndSaid) {
  constexpr uint64_t kEach = 50'000;
  auto log = open({.path = path(),
                   .workers = 2,
                   .ring_bytes = 1,
                   .full = LogFull::kDrop,
                   .tier = Tier::kServer});
  {
    std::jthread one([&] { produce(log->sink(0), 0, kEach); });
    std::jthread two([&] { produce(log->sink(1), 1, kEach); });
  }
  log->close();
  const Log::Counts counts = log->counts();
  EXPECT_EQ(counts.written + counts.dropped, 2 * kEach);
  EXPECT_GT(counts.dropped, 0) << "the ring was not small enough to prove anything";
  uint64_t written = 0;
  uint64_t said = 0;
  std::map<uint64_t, uint64_t> last;
  for (const json& line : lines(path())) {
    if (line["kind"] == "dropped") {
      EXPECT_EQ(line["tier"], "server");
      EXPECT_GT(line["count"].get<uint64_t>(), 0);
      said += line["count"].get<uint64_t>();
    } else {
      ++written;
      const auto seq = line["seq"].get<uint64_t>();
      EXPECT_GT(seq, last[line["conn"].get<uint64_t>()]);
      last[line["conn"].get<uint64_t>()] = seq;
    }
  }
  EXPECT_EQ(written, counts.written);
  EXPECT_EQ(said, counts.dropped);
}

TEST_F(LogTest, DroppedIsSaidBeforeTheNextRecord) {
  auto log = open({.path = path(), .ring_bytes = 1});
  produce(log->sink(0), 0, 5'000);  // far more than the ring holds
  const Log::Counts before = log->counts();
  ASSERT_GT(before.dropped, 0);
  while (log->counts().written + before.dropped < 5'000) std::this_thread::yield();
  log->sink(0).write(numbered(0, 5'000));
  log->close();
  // Every gap in the numbers is announced by its size, just before it ends.
  uint64_t last = 0;
  uint64_t announced = 0;
  for (const json& line : lines(path())) {
    if (line["kind"] == "dropped") {
      announced += line["count"].get<uint64_t>();
    } else {
      ASSERT_EQ(line["seq"].get<uint64_t>() - last - 1, announced);
      last = line["seq"].get<uint64_t>();
      announced = 0;
    }
  }
  EXPECT_EQ(last, 5'001);
}

TEST_F(LogTest, LinesReachTheFileSoon) {
  auto log = open({.path = path()});
  const auto start = clock_.now();
  log->sink(0).write(numbered(0, 0));
  while (log->counts().written == 0) std::this_thread::yield();
  // The contract says 100 ms; a busy machine may take longer, but not for ever.
  EXPECT_LT(clock_.now() - start, std::chrono::seconds(5));
  EXPECT_EQ(lines(path()).size(), 1);
}

TEST_F(LogTest, ReopenLosesNoLine) {
  constexpr uint64_t kCount = 60'000;
  auto log = open({.path = path(), .ring_bytes = size_t{256} << 10, .full = LogFull::kWait});
  std::jthread producer([&] { produce(log->sink(0), 0, kCount); });
  size_t files = 1;
  for (; files < 6; ++files) {
    // A file that has content is rotated away, then the new one must appear.
    while (!fs::exists(path()) || fs::file_size(path()) < 1'000) std::this_thread::yield();
    fs::rename(path(), path("rotated." + std::to_string(files)));
    log->reopen();
    while (!fs::exists(path())) std::this_thread::yield();
    if (log->counts().written > kCount * 3 / 4) break;
  }
  producer.join();
  log->close();
  std::vector<uint64_t> seen;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::vector<json> all = all_lines(entry.path().string());
    EXPECT_EQ(all.front()["kind"], "begin");
    EXPECT_EQ(all.back()["kind"], "end");
    for (const json& line : all) {
      if (!is_mark(line)) seen.push_back(line["seq"]);
    }
  }
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), kCount);
  for (uint64_t i = 0; i < kCount; ++i) ASSERT_EQ(seen[i], i + 1);
}

TEST_F(LogTest, ReopenThatFailsKeepsTheOldFile) {
  fs::create_directory(folder_ / "d");
  auto log = open({.path = path("d/x.log")});
  log->sink(0).write(numbered(0, 0));
  fs::rename(folder_ / "d", folder_ / "e");
  log->reopen();
  while (log->counts().write_errors == 0) {
    log->sink(0).write(numbered(0, 1));
    std::this_thread::yield();
  }
  log->close();
  EXPECT_EQ(lines(path("e/x.log")).size(), log->counts().written);
}

TEST_F(LogTest, OpenSaysWhatIsWrong) {
  const auto log = Log::open({.path = path("no/such/x.log")}, clock_);
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().message, "cannot write to " + path("no/such/x.log") +
                                     ": No such file or directory; choose another with --log");
  EXPECT_EQ(log.error().code, ENOENT);
  if (::geteuid() != 0) {
    std::ofstream(path("ro.log")) << "";
    ::chmod(path("ro.log").c_str(), 0444);
    const auto denied = Log::open({.path = path("ro.log")}, clock_);
    ASSERT_FALSE(denied.has_value());
    EXPECT_THAT(denied.error().message, testing::HasSubstr("Permission denied"));
  }
}

TEST_F(LogTest, AppendsAndIsReadableByOthers) {
  std::ofstream(path()) << "{\"kind\":\"exchange\"}\n";
  auto log = open({.path = path()});
  log->sink(0).write(numbered(0, 0));
  log->close();
  EXPECT_EQ(lines(path()).size(), 2);
  log = open({.path = path("new.log")});
  struct stat status{};
  ASSERT_EQ(::stat(path("new.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0604, 0604);
}

TEST_F(LogTest, AFullDiskLosesAndCounts) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  testing::internal::CaptureStderr();
  auto log = open({.path = "/dev/full"});
  produce(log->sink(0), 0, 1'000);
  log->close();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log->counts().written, 0);
  EXPECT_EQ(log->counts().dropped, 1'000);
  EXPECT_GT(log->counts().write_errors, 0);
  EXPECT_THAT(said, testing::HasSubstr("cannot write to /dev/full: No space left on device"));
  EXPECT_THAT(said, testing::HasSubstr("/dev/full does not tell of 1000 records that are lost"));
  EXPECT_LE(std::count(said.begin(), said.end(), '\n'), 3);  // at most one a second
}

TEST_F(LogTest, BeginsAndEndsWithAMark) {
  auto log = open({.path = path(), .tier = Tier::kServer, .process = {.host = "h", .id = 77}});
  while (fs::file_size(path()) == 0) std::this_thread::yield();
  EXPECT_EQ(outline(path()), "begin ");  // although nothing has happened
  produce(log->sink(0), 0, 3);
  log->close();
  EXPECT_EQ(outline(path()), "begin 1-3 end ");
  for (const size_t i : {size_t{0}, size_t{4}}) {
    EXPECT_EQ(all_lines(path())[i]["tier"], "server");
    EXPECT_EQ(all_lines(path())[i]["pid"], 77);
  }
}

// A disk that is full, and the operator who has the log written elsewhere.
class FullDiskTest : public LogTest {
 protected:
  FullDiskTest() { fs::create_symlink("/dev/full", path("link")); }
  std::unique_ptr<Log> open_full(LogFull full) {
    return open({.path = path("link"),
                 .ring_bytes = 1,
                 .full = full,
                 .say = [this](const std::string& what) { said_.push_back(what); }});
  }
  void make_room(Log& log) {
    fs::remove(path("link"));
    fs::create_symlink(path("room"), path("link"));
    log.reopen();
    until([&] { return fs::exists(path("room")) && fs::file_size(path("room")) != 0; });
  }
  static void until(auto condition) {
    while (!condition()) std::this_thread::yield();
  }
  std::vector<std::string> said_;  // the log thread's until the log is closed
};

TEST_F(FullDiskTest, WhatIsLostIsSaidBeforeTheNextRecordWhileTheLogIsWritten) {
  auto log = open_full(LogFull::kDrop);
  produce(log->sink(0), 0, 10);
  until([&] { return log->counts().dropped == 10; });
  make_room(*log);
  log->sink(0).write(numbered(0, 10));
  until([&] { return log->counts().written == 1; });
  EXPECT_EQ(outline(path("room")), "begin dropped 10 11-11 ");
  log->close();
  EXPECT_EQ(outline(path("room")), "begin dropped 10 11-11 end ");
  EXPECT_EQ(log->counts().dropped, 10);
}

TEST_F(FullDiskTest, ToWaitLosesNothing) {
  auto log = open_full(LogFull::kWait);
  constexpr uint64_t kMany = 1'000;  // more than the ring holds
  std::jthread producer([&] { produce(log->sink(0), 0, kMany); });
  std::this_thread::yield();
  EXPECT_EQ(log->counts().written, 0);
  make_room(*log);
  producer.join();
  log->close();
  EXPECT_EQ(outline(path("room")), "begin 1-1000 end ");
  EXPECT_THAT(said_, testing::Contains("cannot write to " + path("link") +
                                       ": No space left on device; requests wait until there is "
                                       "room"));
  EXPECT_EQ(said_.back(), path("link") + " is written again; 0 records lost");
  EXPECT_EQ(log->counts().dropped, 0);
  EXPECT_EQ(log->counts().write_errors, 0);
}

TEST_F(FullDiskTest, ToWaitEndsWhereTheProcessIsInAHurry) {
  auto log = open_full(LogFull::kWait);
  constexpr uint64_t kMany = 1'000;
  std::jthread producer([&] { produce(log->sink(0), 0, kMany); });
  log->hurry();
  producer.join();
  log->close();
  EXPECT_EQ(log->counts().dropped, kMany);
  EXPECT_GT(log->counts().write_errors, 0);
}

TEST_F(LogTest, WhatARingDroppedIsSaidAlthoughNoRecordFollows) {
  auto log = open({.path = path(), .ring_bytes = 1});
  produce(log->sink(0), 0, 5'000);
  while (log->counts().written + log->counts().dropped < 5'000) std::this_thread::yield();
  ASSERT_GT(log->counts().dropped, 0);
  const auto said = [&] {
    uint64_t sum = 0;
    std::ifstream in(path());
    for (std::string line; std::getline(in, line) && !in.eof();) {
      const json parsed = json::parse(line);
      if (parsed["kind"] == "dropped") sum += parsed["count"].get<uint64_t>();
    }
    return sum;
  };
  while (said() < log->counts().dropped) std::this_thread::yield();
}

TEST_F(LogTest, APipeThatNobodyReadsKeepsNobodyFromEnding) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  for (const LogFull full : {LogFull::kDrop, LogFull::kWait}) {
    std::vector<std::string> said;
    auto log = open({.path = path(), .full = full, .say = [&](const std::string& what) {
                       said.push_back(what);
                     }});
    constexpr uint64_t kMany = 50'000;
    std::jthread producer([&] { produce(log->sink(0), 0, kMany); });
    if (full == LogFull::kWait) log->hurry();
    producer.join();
    log->hurry();
    log->close();
    EXPECT_EQ(log->counts().written + log->counts().dropped, kMany);
    EXPECT_GT(log->counts().dropped, 0);
    EXPECT_THAT(said, testing::Contains(testing::HasSubstr("nobody reads " + path())));
  }
}

TEST_F(LogTest, APipeMayBeReadLate) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  constexpr uint64_t kMany = 2'000;
  auto log = open({.path = path(), .full = LogFull::kWait});
  std::jthread producer([&] { produce(log->sink(0), 0, kMany); });
  std::jthread reader([&] {
    std::ifstream in(path());
    std::ofstream out(path("copy"));
    uint64_t records = 0;
    for (std::string line; records != kMany && std::getline(in, line);) {
      out << line << "\n";
      if (!is_mark(json::parse(line))) ++records;
    }
  });
  producer.join();
  reader.join();
  log->close();
  EXPECT_EQ(outline(path("copy")), "begin 1-2000 ");
}

// A file size limit stops a write in the middle, as a disk does that has a little room left.
TEST_F(LogTest, HalfALineThatIsGivenUpIsTakenBack) {
  LogFile file(path());
  ASSERT_TRUE(file.open().has_value());
  ASSERT_EQ(file.write("first\n").taken, 6);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto on_excess = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{.rlim_cur = 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const LogFile::Outcome outcome = file.write("second\n");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, on_excess);
  EXPECT_EQ(outcome.taken, 4U);
  EXPECT_EQ(outcome.error, EFBIG);
  EXPECT_TRUE(file.in_line());
  file.give_up_line();
  EXPECT_FALSE(file.in_line());
  EXPECT_EQ(fs::file_size(path()), 6);
  EXPECT_EQ(file.write("third\n").taken, 6);
  std::ifstream in(path());
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(all, "first\nthird\n");
}

TEST_F(LogTest, WhatAnotherProcessAppendedIsNotCutOff) {
  LogFile file(path());
  ASSERT_TRUE(file.open().has_value());
  ASSERT_EQ(file.write("whole\nhal").taken, 9);
  std::ofstream(path(), std::ios::app) << "other\n";
  file.give_up_line();
  EXPECT_EQ(file.write("next\n").taken, 5);
  std::ifstream in(path());
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(all, "whole\nhalother\n\nnext\n");
}

TEST_F(LogTest, HalfALineOfAProcessThatWasKilledIsNotGoneOnWith) {
  std::ofstream(path()) << "{\"ts\":\"20";
  auto log = open({.path = path()});
  produce(log->sink(0), 0, 1);
  log->close();
  std::ifstream in(path());
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(line, "{\"ts\":\"20");
  std::getline(in, line);
  EXPECT_EQ(json::parse(line)["kind"], "begin");
}

// In every format: what is in the file and what the log counts are the same.
TEST_F(LogTest, OtherFormatsCountTheSame) {
  for (const LogFormat format :
       {LogFormat::kHttplog, LogFormat::kTcplog, LogFormat::kCombined, LogFormat::kText}) {
    const std::string file = path("f" + std::to_string(static_cast<int>(format)));
    auto log = open({.path = file, .ring_bytes = 1, .format = format, .process = {.host = "h"}});
    constexpr uint64_t kRecords = 30'000;
    uint64_t flows = 0;
    for (uint64_t i = 0; i < kRecords; ++i) {
      Record r = numbered(0, i);
      r.method = "GET";
      r.target = "/";
      r.kind = i % 10 == 0 ? Kind::kFlow : Kind::kExchange;
      flows += i % 10 == 0 ? 1 : 0;
      log->sink(0).write(r);
    }
    log->close();
    const Log::Counts counts = log->counts();
    EXPECT_EQ(counts.written + counts.dropped + counts.left_out, kRecords);
    EXPECT_GT(counts.dropped, 0) << "the ring was not small enough to prove anything";
    if (format == LogFormat::kCombined) {
      EXPECT_GT(counts.left_out, 0);
      EXPECT_LE(counts.left_out, flows);
    } else {
      EXPECT_EQ(counts.left_out, 0);
    }
    uint64_t written = 0;
    uint64_t said = 0;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      const size_t at = line.find("dropped ");
      if (at == std::string::npos) {
        ++written;
      } else {
        EXPECT_TRUE(line.ends_with(" records of this log")) << line;
        const char* number = line.data() + at + 8;
        uint64_t count = 0;
        std::from_chars(number, line.data() + line.size(), count);
        said += count;
      }
    }
    EXPECT_EQ(written, counts.written);
    EXPECT_EQ(said, counts.dropped);
  }
}

TEST_F(LogTest, NoPathTakesNothing) {
  auto log = open({.path = "", .workers = 0});
  log->sink(5).write(numbered(0, 0));
  log->close();
  EXPECT_EQ(log->counts().written, 0);
}

TEST(RingTest, EntriesOfEveryLengthComeOutAsTheyWentIn) {
  Ring ring(1);
  EXPECT_EQ(ring.front().data(), nullptr);
  constexpr uint64_t kEntries = 20'000;
  const auto size_of = [&](uint64_t i) { return i * 7919 % ring.entry_max(); };
  std::jthread producer([&] {
    for (uint64_t i = 0; i < kEntries; ++i) {
      char* at = nullptr;
      while ((at = ring.reserve(size_of(i))) == nullptr) std::this_thread::yield();
      std::memset(at, static_cast<int>(i & 0x7F), size_of(i));
      ring.commit();
    }
  });
  for (uint64_t i = 0; i < kEntries; ++i) {
    std::string_view entry;
    while ((entry = ring.front()).data() == nullptr) std::this_thread::yield();
    ASSERT_EQ(entry.size(), size_of(i));
    ASSERT_EQ(entry.find_first_not_of(static_cast<char>(i & 0x7F)), std::string_view::npos);
    ring.pop();
  }
}

TEST(RingTest, FullIsSaidAndRoomComesBack) {
  Ring ring(1);
  size_t entries = 0;
  while (ring.reserve(1000) != nullptr) {
    ring.commit();
    ++entries;
  }
  EXPECT_EQ(entries, ring.capacity() / 1008);
  EXPECT_EQ(ring.reserve(1000), nullptr);
  ring.front();
  ring.pop();
  EXPECT_NE(ring.reserve(1000), nullptr);
}

}  // namespace
}  // namespace giliran::telemetry
