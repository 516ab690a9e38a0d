#include "client/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "client/content.h"

namespace giliran::client {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

class Bodies final : public conn::ClientStream {
 public:
  void send_head(const conn::RequestOut&) override {}
  void send_data(base::Slice data) override { bytes += data.view(); }
  void send_end(std::span<const conn::Field>) override {}
  void consume(uint32_t) override {}
  void abort() override {}
  const conn::StreamFacts& facts() const override { return facts_; }
  std::string bytes;

 private:
  conn::StreamFacts facts_;
};

Plan planned(ClientOptions options) {
  Plan plan;
  const auto url = plan_content(options, plan);
  EXPECT_TRUE(url) << url.error().message;
  plan.seed = 7;
  return plan;
}

// A request as text, but for its traceparent.
std::string sent(HttpRequest& request, uint64_t number) {
  base::BufferPool pool;
  Bodies bodies;
  const conn::RequestOut out = request.with(number, {1, 2}, {3});
  std::string text = std::string(out.method) + " " + std::string(out.target);
  for (const conn::Field& field : out.fields) {
    if (field.name == "traceparent") continue;
    text += " | " + std::string(field.name) + ": " + std::string(field.value);
  }
  request.send_body(bodies, pool);
  if (out.body.kind == conn::BodyLength::Kind::kKnown) {
    EXPECT_EQ(out.body.bytes, bodies.bytes.size());
    text += " | " + bodies.bytes;
  } else {
    EXPECT_EQ(bodies.bytes, "");
  }
  return text;
}

TEST(HttpRequest, WithoutTemplatesIsAlwaysTheSame) {
  const Plan plan = planned({.url = "http://h:1/a", .headers = {"User-Agent: x"}});
  HttpRequest request(plan);
  EXPECT_EQ(sent(request, 1), "GET /a | Host: h:1 | User-Agent: x");
  EXPECT_EQ(sent(request, 2), sent(request, 1));
  EXPECT_EQ(request.asked(1).target, "/a");
  EXPECT_EQ(request.asked(1).host, "h:1");
}

TEST(HttpRequest, PlaceholdersInUrlHeaderAndBody) {
  const Plan plan = planned({.url = "http://h:1/{{seq}}?r={{rand:1..9}}",
                             .headers = {"User-Agent: x", "X-Id: <{{id}}>"},
                             .body = "n={{seq}}&d={{dist:exp(5ms)}}"});
  HttpRequest request(plan);
  EXPECT_THAT(sent(request, 12),
              MatchesRegex("POST /12\\?r=[1-9] \\| Host: h:1 \\| User-Agent: x \\| X-Id: "
                           "<[0-9a-f]+> \\| n=12&d=[0-9.]+us"));
  const std::string first = sent(request, 1);
  EXPECT_NE(first, sent(request, 2));
  EXPECT_EQ(first, sent(request, 1));  // a second attempt asks the same
  HttpRequest other(plan);             // of another thread
  EXPECT_EQ(first, sent(other, 1));
  EXPECT_THAT(first, StartsWith("POST " + std::string(request.asked(1).target)));
  EXPECT_EQ(request.asked(1).body_bytes, first.size() - first.rfind("n="));
}

TEST(HttpRequest, SeveralTargetsByTheirWeights) {
  const Plan plan = planned({.url = "3 http://h:1/a", .more_targets = {"POST /b", "2 PUT /c"}});
  ASSERT_EQ(plan.targets.size(), 3u);
  HttpRequest request(plan);
  std::map<std::string, int> methods;
  for (uint64_t n = 1; n <= 6000; ++n) {
    const std::string text = sent(request, n);
    const std::string method = text.substr(0, text.find(' '));
    ++methods[method];
    ASSERT_EQ(request.asked(n).method, method);
  }
  EXPECT_NEAR(methods["GET"], 3000, 200);
  EXPECT_NEAR(methods["POST"], 1000, 150);
  EXPECT_NEAR(methods["PUT"], 2000, 200);
}

TEST(HttpRequest, ReplaysMethodTargetAndSizeOfTheBody) {
  Plan plan = planned({.url = "http://h:1/", .headers = {"User-Agent: x"}});
  const std::string begin = R"(,"tier":"server","kind":"exchange","end":"ok","method":)";
  const std::string log = R"({"ts":"2026-11-22T09:00:00.000000Z")" + begin +
                          R"("PUT","target":"/p","body_in":200000})" + "\n" +
                          R"({"ts":"2026-11-22T09:00:01.000000Z")" + begin +
                          R"("GET","target":"/g"})";
  plan.replay = parse_replay({.path = "log"}, log).value();
  HttpRequest request(plan);
  const std::string first = sent(request, 1);
  EXPECT_THAT(first, StartsWith("PUT /p | Host: h:1 | User-Agent: x | xxxx"));
  EXPECT_EQ(first.size() - first.rfind(' ') - 1, 200'000u);
  EXPECT_EQ(sent(request, 2), "GET /g | Host: h:1 | User-Agent: x");
  EXPECT_EQ(request.asked(1).body_bytes, 200'000u);
}

TEST(HttpRequest, ALongBodyIsSentInPieces) {
  Plan plan = planned({.url = "http://h:1/", .body = "{{seq}}"});
  uint64_t places = 0;
  plan.targets[0].body = Template::parse(std::string(300'000, 'a') + "{{seq}}", places).value();
  HttpRequest request(plan);
  EXPECT_THAT(sent(request, 5), testing::EndsWith("aaa5"));
}

std::string refusal(const ClientOptions& options) {
  Plan plan;
  const auto url = plan_content(options, plan);
  return url ? "accepted" : url.error().message;
}

TEST(Content, WhatDoesNotGoTogether) {
  EXPECT_THAT(refusal({.url = "tcp://h:1", .more_targets = {"tcp://h:1"}}), HasSubstr("http://"));
  EXPECT_THAT(refusal({.url = "tcp://h:1", .replay_path = "x"}), HasSubstr("http:// only"));
  EXPECT_THAT(refusal({.url = "http://h/", .replay_path = "/nowhere"}),
              HasSubstr("cannot be read"));
  EXPECT_THAT(refusal({.url = "http://h/a", .replay_path = "x"}), HasSubstr("--replay: methods"));
  EXPECT_THAT(refusal({.url = "http://h/", .replay_path = "x", .rate = 5}), HasSubstr("--speed"));
  EXPECT_THAT(refusal({.url = "http://h/", .replay_path = "x", .speed = 1e9}),
              HasSubstr("--speed"));
  EXPECT_THAT(refusal({.url = "http://h/", .targets_file = "/nowhere"}), HasSubstr("--targets"));
  EXPECT_THAT(refusal({.url = "http://h/", .body = "{{x}}"}), HasSubstr("--literal"));
  EXPECT_THAT(refusal({.url = "http://h/", .more_targets = {"http://i/"}}),
              HasSubstr("one server"));
}

}  // namespace
}  // namespace giliran::client
