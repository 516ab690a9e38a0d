// What an operator reads of servers that fail.
#include "control/notices.h"

#include <gtest/gtest.h>

namespace giliran::control {
namespace {

TEST(Notices, SayWhyAServerIsLeftOutAndWhetherAnyIsLeft) {
  cluster::Endpoint server;
  server.name = "a";
  cluster::Pool pool;
  pool.name = "app";
  proxy::ServerTrouble trouble{.server = server,
                               .pool = pool,
                               .why = "answers 500",
                               .left_out = std::chrono::microseconds(1'500'300),
                               .alone = false};
  EXPECT_EQ(describe(trouble), "server a answers 500: left out for 1.5s");
  trouble.alone = true;
  EXPECT_EQ(describe(trouble),
            "server a answers 500: left out for 1.5s; no other server of pool app is up");
  trouble.left_out = {};
  EXPECT_EQ(describe(trouble),
            "server a answers 500: it stays in use, as no other server of pool app is up");
}

}  // namespace
}  // namespace giliran::control
