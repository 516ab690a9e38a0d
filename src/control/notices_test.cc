// What an operator reads of servers that fail.
#include "control/notices.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "net/memory.h"

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

// What clients can bring about waits for the control thread once.
TEST(Notices, ThatAcceptingPausesIsPostedOnceUntilItIsTold) {
  net::MemoryWorld world(1);
  net::Io& control = world.add_io();
  OperatorNotices notices(control);
  for (int i = 0; i < 100; ++i) notices.accept_paused(EMFILE);
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(control.counters().posts, 1U);
  for (int i = 0; i < 100; ++i) notices.accept_paused(EMFILE);
  world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(control.counters().posts, 2U);
}

}  // namespace
}  // namespace giliran::control
