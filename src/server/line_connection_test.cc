#include "server/line_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/test_client.h"

namespace giliran::server {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Server> start_tcp(ServerOptions options) {
  options.name = "s1";
  options.threads = 1;
  options.listens = {{.scheme = config::Scheme::kTcp, .host_port = "127.0.0.1:0"}};
  return start_server(std::move(options));
}

TEST(Line, OneLineForALineInOrder) {
  const TestLog log;
  const auto server = start_tcp({.log = log.path()});
  {
    TestClient client(server->urls()[0]);
    client.send("hello\n");
    EXPECT_EQ(client.until("\n"), "s1 hello\n");
    client.send("a\r\nb\n\nc");
    client.until("\n", 4);
    client.half_close();  // the last line without its end is answered, then the server closes
    EXPECT_EQ(client.until_end(), "s1 hello\ns1 a\ns1 b\ns1 \ns1 c\n");
  }
  stop(*server);
  const auto messages = log.records("message");
  ASSERT_EQ(messages.size(), 5U);
  EXPECT_EQ(messages[0]["down_in"], 6);
  EXPECT_EQ(messages[0]["down_out"], 9);
  EXPECT_EQ(messages[4]["seq"], 5);
  const auto flows = log.records("flow");
  ASSERT_EQ(flows.size(), 1U);
  EXPECT_EQ(flows[0]["messages"], 5);
  EXPECT_EQ(flows[0]["end"], "ok");
  EXPECT_EQ(flows[0]["down_in"], 13);
}

TEST(Line, ALongOneIsRefusedInWords) {
  const auto server = start_tcp({});
  TestClient client(server->urls()[0]);
  client.send(std::string(kLineBytesMax + 5000, 'x') + "\n");
  EXPECT_EQ(client.until_end(), "error: a line of more than 16384 bytes\n");
  EXPECT_EQ(client.receive_error(), 0);
}

TEST(Line, TheLongestIsAnswered) {
  const auto server = start_tcp({});
  TestClient client(server->urls()[0]);
  const std::string line(kLineBytesMax - 1, 'y');
  client.send(line + "\n");
  EXPECT_EQ(client.until("\n"), "s1 " + line + "\n");
}

TEST(Line, BlockingAndFaultsHoldForMessages) {
  const TestLog log;
  const auto server =
      start_tcp({.log = log.path(),
                 .delay = base::Distribution::constant(std::chrono::milliseconds(20)),
                 .blocking = true,
                 .fail = FaultSpec{.rate = 0.5, .status = 503},
                 .seed = 5});
  {
    TestClient client(server->urls()[0]);
    for (int i = 0; i < 12; ++i) client.send("m\n");
    const std::string got = client.until("\n", 12);
    EXPECT_THAT(got, HasSubstr("s1 m\n"));
    EXPECT_THAT(got, HasSubstr("error 503 from s1\n"));
  }
  stop(*server);
  size_t faults = 0;
  for (const auto& record : log.records("message")) {
    if (record["end"] == "fault") {
      ++faults;
    } else {
      EXPECT_GE(record["service_us"].get<double>(), 20'000);
    }
  }
  EXPECT_GT(faults, 0U);
  EXPECT_EQ(server->totals().faults, faults);
}

TEST(Line, AClientThatResetsInTheMiddleIsRecorded) {
  const TestLog log;
  const auto server = start_tcp(
      {.log = log.path(), .delay = base::Distribution::constant(std::chrono::seconds(30))});
  TestClient leaver(server->urls()[0]);
  leaver.send("m\n");
  {
    // The server has had a turn since: asked for by what follows the reset in time.
    TestClient other(server->urls()[0]);
    leaver.reset();
    other.half_close();
    other.until_end();
  }
  stop(*server);
  const auto flows = log.records("flow");
  ASSERT_EQ(flows.size(), 2U);
  EXPECT_EQ(flows[0]["end"], "client-closed");
  EXPECT_EQ(flows[1]["end"], "ok");
  for (const auto& message : log.records("message")) EXPECT_EQ(message["end"], "client-closed");
}

}  // namespace
}  // namespace giliran::server
