#include "config/neighbours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_config.h"

namespace giliran::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kNames[] = {"round-robin", "least-requests"};

TEST(Neighbours, Policies) {
  for (const char* same : {"leastconn", "least_conn", "least-conn", "LEAST_REQUEST", "lc"}) {
    EXPECT_EQ(advice_on_policy(same, kNames), "did you mean 'least-requests'?") << same;
  }
  for (const char* same : {"roundrobin", "ROUND_ROBIN", "rr", "static-rr", "round-robn"}) {
    EXPECT_EQ(advice_on_policy(same, kNames), "did you mean 'round-robin'?") << same;
  }
  EXPECT_EQ(advice_on_policy("ip_hash", kNames),
            "there is none by hash yet; sticky_cookie of a pool brings a client back; expected one "
            "of round-robin, least-requests");
  EXPECT_EQ(advice_on_policy("fair", kNames), "expected one of round-robin, least-requests");
}

TEST(Neighbours, KeysByTheirTable) {
  EXPECT_EQ(advice_on_key("pool", "maxconn"),
            "it is in_flight_max, of each server, with queue_max and queue_timeout");
  EXPECT_EQ(advice_on_key("limits", "MaxConn"),
            "it is connections_max, in [limits] for all or in one [[listener]]");
  EXPECT_EQ(advice_on_key("", "health-check"), advice_on_key("pool.servers", "health_check"));
  EXPECT_EQ(advice_on_key("", "nothing_of_the_kind"), "");
}

// What people who come from another proxy write first.
TEST(Neighbours, AreToldInAFile) {
  EXPECT_THAT(problems_of("[[upstream]]\nserver = \"a:1\"\n[tls]\ncert = \"x\"\n"),
              ElementsAre("1:3: unknown key 'upstream'; it is [[pool]], with name and servers",
                          HasSubstr("unknown key 'tls'; there is no TLS yet")));
  EXPECT_THAT(
      problems_of("[[listener]]\naddress = \":80\"\npool = \"a\"\n[[pool]]\nname = \"a\"\n"
                  "health_check = \"/\"\nservers = [{ address = \"a:1\", backup = true }]\n"
                  "policy = \"leastconn\"\n"),
      ElementsAre(HasSubstr("6:1: unknown key 'pool.health_check'; there are no active checks yet"),
                  HasSubstr("unknown key 'pool.servers.backup'; there are no backup servers yet"),
                  HasSubstr("bad value 'leastconn': did you mean 'least-requests'?")));
}

TEST(Neighbours, TablesByNameAndKeysCutShort) {
  EXPECT_THAT(problems_of("[pool.web]\nservers = \"a:1\"\n"),
              testing::Contains("1:7: unknown key 'pool.web'; each has a [[pool]] of its own, with "
                                "name = \"web\""));
  EXPECT_THAT(problems_of("[timeouts]\nidle = \"1s\"\n"),
              ElementsAre("2:1: unknown key 'timeouts.idle'; did you mean 'idle_timeout'?"));
}

}  // namespace
}  // namespace giliran::config
