#include "telemetry/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/rng.h"
#include "telemetry/sample_records.h"

namespace giliran::telemetry {
namespace {

using nlohmann::json;

std::string encode(const Record& record) {
  std::string out;
  append_json(record, out);
  return out;
}

json parse(const Record& record) {
  const std::string line = encode(record);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  return json::parse(line);
}

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(__FILE__).parent_path() / "../../tests/golden" /
         ("record_" + name + ".json");
}

// GILIRAN_WRITE_GOLDEN=1 writes them anew.
class Golden : public testing::TestWithParam<NamedRecord> {};

TEST_P(Golden, EveryByte) {
  const std::string line = encode(GetParam().record);
  const auto path = golden(GetParam().name);
  if (std::getenv("GILIRAN_WRITE_GOLDEN") != nullptr) std::ofstream(path) << line;
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(line, text.str());
}

INSTANTIATE_TEST_SUITE_P(Json, Golden, testing::ValuesIn(sample_records()),
                         [](const auto& sample) { return sample.param.name; });

TEST(Json, FieldsAreInTheOrderOfTheDocument) {
  const std::vector<std::string> order = {
      "ts",       "tier",           "kind",       "end",        "by",
      "phase",    "trace",          "span",       "parent",     "id",
      "name",     "peer",           "local",      "client",     "conn",
      "seq",      "route",          "pool",       "policy",     "server",
      "upstream", "upstream_local", "attempts",   "tried",      "reused",
      "method",   "target",         "host",       "user_agent", "referer",
      "proto",    "upgrade",        "status",     "sent",       "got",
      "messages", "idle_us",        "head_us",    "queue_us",   "connect_us",
      "send_us",  "wait_us",        "service_us", "data_us",    "total_us",
      "lag_us",   "down_in",        "down_out",   "up_out",     "up_in",
      "body_in",  "body_out",       "reason"};
  for (const NamedRecord& sample : sample_records()) {
    size_t at = 0;
    const auto line = nlohmann::ordered_json::parse(encode(sample.record));
    for (const auto& [key, value] : line.items()) {
      const auto found =
          std::find(order.begin() + static_cast<std::ptrdiff_t>(at), order.end(), key);
      ASSERT_NE(found, order.end()) << sample.name << ": " << key;
      at = static_cast<size_t>(found - order.begin()) + 1;
    }
  }
}

TEST(Json, Durations) {
  Record r;
  const auto total = [&](int64_t ns) {
    r.total = base::Duration(ns);
    const std::string line = encode(r);
    const size_t at = line.find("\"total_us\":");
    return at == std::string::npos ? "" : line.substr(at + 11, line.find(',', at) - at - 11);
  };
  EXPECT_EQ(total(-1), "");
  EXPECT_EQ(total(0), "0");
  EXPECT_EQ(total(1), "0.001");
  EXPECT_EQ(total(120), "0.12");
  EXPECT_EQ(total(500), "0.5");
  EXPECT_EQ(total(1'000), "1");
  EXPECT_EQ(total(1'010), "1.01");
  EXPECT_EQ(total(12'345'678'909), "12345678.909");
}

TEST(Json, Timestamps) {
  Record r;
  const auto ts = [&](int64_t ns) {
    r.arrived = base::WallTime{ns};
    return parse(r)["ts"].get<std::string>();
  };
  EXPECT_EQ(ts(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(ts(1'795'338'000'123'456'789), "2026-11-22T09:00:00.123456Z");
  EXPECT_EQ(ts(1'795'338'000'999'999'999), "2026-11-22T09:00:00.999999Z");
  EXPECT_EQ(ts(1'709'164'800'000'001'000), "2024-02-29T00:00:00.000001Z");
  EXPECT_EQ(ts(-1'000), "1969-12-31T23:59:59.999999Z");
}

TEST(Json, EscapesText) {
  Record r;
  r.target = "/a\"b\\c\n\r\t\x01\x1f\x7f/é€😀";
  EXPECT_EQ(parse(r)["target"].get<std::string>(), r.target);
  EXPECT_THAT(encode(r), testing::HasSubstr(R"(/a\"b\\c\n\r\t\u0001\u001f\u007f/é€😀)"));
}

// A log is looked at with cat and tail: what a terminal would act on is there as an escape only.
TEST(Json, EscapesWhatIsNotToBeShown) {
  Record r;
  r.target = "/\u009b2J\u202Egnp.exe\u2028\U000E0041é";
  EXPECT_EQ(parse(r)["target"].get<std::string>(), r.target);
  EXPECT_THAT(encode(r), testing::HasSubstr(R"(/\u009b2J\u202egnp.exe\u2028\udb40\udc41é)"));
}

// Bytes are copied several at a time where none of them needs an escape.
TEST(Json, EveryByteIsSeenWhereverItStands) {
  for (size_t size = 1; size <= 20; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (int c = 0; c < 128; ++c) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(c);
        Record r;
        r.target = text;
        const std::string line = encode(r);
        ASSERT_EQ(json::parse(line)["target"].get<std::string>(), text) << c << " at " << at;
        const bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        const bool verbatim = line.find("\"" + text + "\"") != std::string::npos;
        ASSERT_EQ(verbatim, plain) << c << " at " << at;
      }
    }
  }
}

TEST(Json, ReplacesWhatIsNotUtf8) {
  Record r;
  const auto target = [&](std::string_view text) {
    r.target = text;
    return parse(r)["target"].get<std::string>();
  };
  EXPECT_EQ(target("a\xff z"), "a� z");
  EXPECT_EQ(target("\xc0\xaf"), "��");            // overlong
  EXPECT_EQ(target("\xed\xa0\x80"), "���");       // surrogate
  EXPECT_EQ(target("\xf4\x90\x80\x80"), "����");  // above U+10FFFF
  EXPECT_EQ(target("\xe2\x82"), "��");            // ends too early
}

TEST(Json, CutsTextAtItsBoundBetweenSequences) {
  Record r;
  const std::string fits(kTargetMax, 'x');
  r.target = fits;
  EXPECT_EQ(parse(r)["target"].get<std::string>(), fits);
  const std::string longer(kTargetMax + 1, 'x');
  r.target = longer;
  EXPECT_EQ(parse(r)["target"].get<std::string>(), std::string(kTargetMax - 3, 'x') + "…");
  std::string wide = "x";
  while (wide.size() <= kTextMax) wide += "é";
  r.target = "/";
  r.host = wide;  // the 253rd byte is the first half of an é
  const auto host = parse(r)["host"].get<std::string>();
  EXPECT_EQ(host, wide.substr(0, 253) + "…");
  EXPECT_EQ(host.size(), kTextMax);
}

TEST(Json, LeavesOutWhatDoesNotApply) {
  Record r;
  r.tier = Tier::kServer;
  const json line = parse(r);
  std::vector<std::string> keys;
  for (const auto& [key, value] : line.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::UnorderedElementsAre("ts", "tier", "kind", "end", "proto", "down_in",
                                                  "down_out", "body_in", "body_out"));
}

TEST(Json, DroppedLine) {
  std::string out;
  append_mark_json(Tier::kServer, Mark::kBegin, 77, base::WallTime{0}, out);
  append_mark_json(Tier::kClient, Mark::kEnd, 77, base::WallTime{0}, out);
  EXPECT_EQ(out, R"({"ts":"1970-01-01T00:00:00.000000Z","tier":"server","kind":"begin","pid":77})"
                 "\n"
                 R"({"ts":"1970-01-01T00:00:00.000000Z","tier":"client","kind":"end","pid":77})"
                 "\n");
  out.clear();
  append_dropped_json(Tier::kServer, 17, base::WallTime{0}, out);
  EXPECT_EQ(out,
            R"({"tier":"server","kind":"dropped","count":17,"ts":"1970-01-01T00:00:00.000000Z"})"
            "\n");
}

// Whatever bytes the texts hold, the line is one valid JSON object within its bounds.
TEST(Json, AnyBytesGiveAValidLine) {
  base::Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::array<std::string, 15> texts;
    for (std::string& text : texts) {
      text.resize(rng.below(rng.below(8) == 0 ? 3000 : 40));
      const bool ascii = rng.below(2) == 0;
      for (char& c : text) c = static_cast<char>(ascii ? rng.below(128) : rng.next());
    }
    Record r = sample_records()[rng.below(sample_records().size())].record;
    size_t i = 0;
    for (std::string_view* s :
         {&r.process_name, &r.route, &r.pool, &r.policy, &r.server, &r.tried, &r.method, &r.target,
          &r.host, &r.user_agent, &r.referer, &r.upgrade, &r.sent, &r.got, &r.reason}) {
      *s = texts[i++];
    }
    r.total = base::Duration(static_cast<int64_t>(rng.next() >> 1));
    r.id = r.connection = r.sequence = r.messages = r.up_in = r.up_out = rng.next();
    const json line = parse(r);
    EXPECT_EQ(line["conn"].get<uint64_t>(), r.connection);
    EXPECT_NEAR(line["total_us"].get<double>(), base::to_us(r.total), base::to_us(r.total) * 1e-12);
    if (!r.host.empty()) {
      EXPECT_LE(line["host"].get<std::string>().size(), 3 * kTextMax);
    }
  }
}

}  // namespace
}  // namespace giliran::telemetry
