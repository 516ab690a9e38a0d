#include "telemetry/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "telemetry/json.h"
#include "telemetry/sample_records.h"

namespace giliran::telemetry {
namespace {

namespace fs = std::filesystem;

class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    std::string name = (fs::temp_directory_path() / "giliran_reader_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ReaderTest() override { fs::remove_all(folder_); }

  ReadStats read(const std::string& content) {
    const std::string path = (folder_ / "x.log").string();
    std::ofstream(path) << content;
    totals_.clear();
    auto stats = read_log(
        {.path = path}, [&](const Line& line) { totals_.push_back(line.total.count()); },
        [](Tier, uint64_t) {});
    EXPECT_TRUE(stats.has_value()) << stats.error().message;
    return std::move(*stats);
  }

  fs::path folder_;
  std::vector<int64_t> totals_;
};

std::string text_of(const base::Address& address) {
  return address.none() ? "" : address.text();
}

void expect_same(const Line& line, const Record& r) {
  EXPECT_EQ(line.arrived().ns, r.arrived.ns / 1000 * 1000);
  EXPECT_EQ(line.tier, r.tier);
  EXPECT_EQ(line.kind, r.kind);
  EXPECT_EQ(line.end, r.end);
  EXPECT_EQ(line.by, r.by);
  EXPECT_EQ(line.phase, r.phase);
  EXPECT_EQ(line.proto, r.proto);
  EXPECT_EQ(line.reused, r.reused);
  EXPECT_EQ(line.status, r.status);
  EXPECT_EQ(line.attempts, r.attempts);
  EXPECT_EQ(line.trace, r.trace);
  EXPECT_EQ(line.span, r.span);
  EXPECT_EQ(line.parent, r.parent);
  EXPECT_EQ(line.id, r.id);
  EXPECT_EQ(line.connection, r.connection);
  EXPECT_EQ(line.sequence, r.sequence);
  EXPECT_EQ(line.messages, r.messages);
  EXPECT_EQ(line.peer, text_of(r.peer));
  EXPECT_EQ(line.local, text_of(r.local));
  EXPECT_EQ(line.client, text_of(r.client));
  EXPECT_EQ(line.upstream, text_of(r.upstream));
  EXPECT_EQ(line.upstream_local, text_of(r.upstream_local));
  EXPECT_EQ(std::tie(line.idle, line.head, line.queue, line.connect, line.send, line.wait,
                     line.service, line.data, line.total, line.lag),
            std::tie(r.idle, r.head, r.queue, r.connect, r.send, r.wait, r.service, r.data, r.total,
                     r.lag));
  EXPECT_EQ(
      std::tie(line.down_in, line.down_out, line.up_out, line.up_in, line.body_in, line.body_out),
      std::tie(r.down_in, r.down_out, r.up_out, r.up_in, r.body_in, r.body_out));
  EXPECT_EQ(std::tie(line.route, line.user_agent, line.referer, line.upgrade),
            std::tie(r.route, r.user_agent, r.referer, r.upgrade));
  EXPECT_EQ(std::tie(line.process_name, line.pool, line.policy, line.server, line.tried,
                     line.method, line.target, line.host, line.sent, line.got, line.reason),
            std::tie(r.process_name, r.pool, r.policy, r.server, r.tried, r.method, r.target,
                     r.host, r.sent, r.got, r.reason));
}

TEST_F(ReaderTest, GivesBackEveryValueThatWasWritten) {
  std::string content;
  for (const NamedRecord& sample : sample_records()) append_json(sample.record, content);
  const std::string path = (folder_ / "x.log").string();
  std::ofstream(path) << content;
  size_t i = 0;
  const auto stats = read_log(
      {.path = path},
      [&](const Line& line) {
        SCOPED_TRACE(sample_records()[i].name);
        expect_same(line, sample_records()[i++].record);
      },
      [](Tier, uint64_t) {});
  ASSERT_TRUE(stats.has_value());
  EXPECT_EQ(i, sample_records().size());
  EXPECT_EQ(stats->records, i);
  EXPECT_EQ(stats->bytes, content.size());
}

TEST_F(ReaderTest, EscapedTextComesBack) {
  Record r;
  r.target = "/a\"b\\c\n\x01é€😀";
  std::string content;
  append_json(r, content);
  const std::string path = (folder_ / "x.log").string();
  std::ofstream(path) << content;
  std::string target;
  ASSERT_TRUE(
      read_log({.path = path}, [&](const Line& l) { target = l.target; }, [](Tier, uint64_t) {}));
  EXPECT_EQ(target, r.target);
}

TEST_F(ReaderTest, TextsThatNobodyOfUsWritesAreCut) {
  const std::string path = (folder_ / "x.log").string();
  std::ofstream(path) << R"({"tier":"client","kind":"exchange","end":"ok","server":")"
                      << std::string(100'000, 'x') << "\"}\n";
  size_t size = 0;
  ASSERT_TRUE(read_log(
      {.path = path}, [&](const Line& l) { size = l.server.size(); }, [](Tier, uint64_t) {}));
  EXPECT_EQ(size, kTargetMax);
}

TEST_F(ReaderTest, AnyOrderAndUnknownFieldsAreFine) {
  const ReadStats stats = read(
      R"({"total_us":1.5,"new":{"a":[1,"}"]},"end":"ok","kind":"exchange","x":"y","tier":"server"})"
      "\r\n");
  EXPECT_EQ(stats.records, 1);
  EXPECT_EQ(stats.unknown, 0);
  EXPECT_THAT(totals_, testing::ElementsAre(1500));
}

TEST_F(ReaderTest, CountsWhatItDoesNotUnderstand) {
  const std::string good = R"({"tier":"client","kind":"exchange","end":"ok","total_us":1})";
  const std::vector<std::string> bad = {
      "127.0.0.1 - - \"GET / HTTP/1.1\" 200 1",
      "{}",
      "[1]",
      "{\"tier\":\"client\"",
      good + "x",
      R"({"tier":"moon","kind":"exchange","end":"ok"})",
      R"({"tier":"client","kind":"exchange","end":"new-reason"})",
      R"({"tier":"client","kind":"exchange","end":"ok","total_us":"1"})",
      R"({"tier":"client","kind":"exchange","end":"ok","status":70000})",
      R"({"tier":"client","kind":"exchange","end":"ok","span":"zz"})",
      R"({"tier":"client","kind":"exchange","end":"ok","body_in":-1})",
      good.substr(0, good.size() - 1)};  // the last one, torn
  std::string content = good + "\n\n";
  for (const std::string& line : bad) content += line + "\n" + good + "\n";
  content += bad.back();
  const ReadStats stats = read(content);
  EXPECT_EQ(stats.records, 1 + bad.size());
  EXPECT_EQ(stats.unknown, bad.size() + 1);
  ASSERT_EQ(stats.unknown_examples.size(), ReadStats::kExamplesMax);
  EXPECT_EQ(stats.unknown_examples[0].line, 3);
  EXPECT_EQ(stats.unknown_examples[1].line, 5);
  EXPECT_THAT(stats.unknown_examples[0].text, testing::StartsWith("127.0.0.1 - -"));
  EXPECT_EQ(stats.unknown_examples[0].why, "neither JSON of ours, httplog nor combined");
}

TEST_F(ReaderTest, LastLineWithoutEndAndLinesAcrossBlocks) {
  std::string content;
  Record r;
  const std::string target(900, 'x');
  constexpr int64_t kRecords = 4000;  // more than three blocks
  for (int64_t i = 0; i < kRecords; ++i) {
    r.target = std::string_view(target).substr(0, static_cast<size_t>(i * 31 % 900));
    r.total = base::Duration(i);
    append_json(r, content);
  }
  content.pop_back();
  const ReadStats stats = read(content);
  EXPECT_EQ(stats.unknown, 0);
  ASSERT_EQ(totals_.size(), kRecords);
  for (int64_t i = 0; i < kRecords; ++i) ASSERT_EQ(totals_[static_cast<size_t>(i)], i);
}

TEST_F(ReaderTest, ALineOfManyMegabytesIsSkipped) {
  const std::string good = R"({"tier":"client","kind":"exchange","end":"ok","total_us":1})";
  const ReadStats stats =
      read(good + "\n" + std::string(size_t{5} << 20, 'x') + "\n" + good + "\n");
  EXPECT_EQ(stats.records, 2);
  EXPECT_EQ(stats.unknown, 1);
  EXPECT_EQ(stats.unknown_examples[0].line, 2);
}

TEST_F(ReaderTest, DroppedLinesAddUp) {
  std::string content;
  append_dropped_json(Tier::kServer, 17, base::WallTime{0}, content);
  append_dropped_json(Tier::kServer, 3, base::WallTime{0}, content);
  const ReadStats stats = read(content);
  EXPECT_EQ(stats.dropped, 20);
  EXPECT_EQ(stats.records, 0);
  EXPECT_EQ(stats.unknown, 0);
}

TEST_F(ReaderTest, ALogWithoutItsEndMarkIsToldFromOneThatHasNoMarks) {
  std::string log;
  const auto begin = [&](uint32_t process) {
    append_mark_json(Tier::kServer, Mark::kBegin, process, base::WallTime{0}, log);
  };
  const auto end = [&](uint32_t process) {
    append_mark_json(Tier::kServer, Mark::kEnd, process, base::WallTime{0}, log);
  };
  const auto unended = [&] { return read(log).unended_in_all(); };
  append_json(Record(), log);
  EXPECT_EQ(unended(), 0);  // somebody else's, or a piece of a log
  end(6);
  EXPECT_EQ(unended(), 0);
  begin(7);
  EXPECT_EQ(unended(), 1);
  append_json(Record(), log);
  end(7);
  EXPECT_EQ(unended(), 0);
  begin(7);  // was killed
  begin(7);  // as every process of a container has the same number
  end(7);
  EXPECT_EQ(unended(), 1);
  begin(8);  // two that write the same log
  begin(9);
  end(8);
  EXPECT_EQ(unended(), 2);
  end(9);
  const ReadStats stats = read(log);
  EXPECT_EQ(stats.unended[static_cast<size_t>(Tier::kServer)], 1);
  EXPECT_EQ(stats.records, 2);
  EXPECT_EQ(stats.unknown, 0);
}

TEST_F(ReaderTest, NoFileIsAnError) {
  const auto stats = read_log({.path = "/no/such.log"}, [](const Line&) {}, [](Tier, uint64_t) {});
  ASSERT_FALSE(stats.has_value());
  EXPECT_EQ(stats.error().message, "cannot read /no/such.log: No such file or directory");
  const auto folder =
      read_log({.path = folder_.string()}, [](const Line&) {}, [](Tier, uint64_t) {});
  ASSERT_FALSE(folder.has_value());
}

}  // namespace
}  // namespace giliran::telemetry
