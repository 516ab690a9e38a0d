// What only the in-memory network does: faults, windows, the same run for the same seed.
#include "net/memory.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "net/test_loop.h"
#include "net/test_peer.h"

namespace giliran::net {
namespace {

using std::chrono::milliseconds;
const base::Address kAddress = base::Address::ipv4(0x0a000001, 80);

struct Pair {
  explicit Pair(MemoryWorld& w, bool receive_all = true)
      : world(w), listener(w.add_io(), receive_all), client(w.add_io(), receive_all) {
    listener.listen(kAddress);
    client.connect(kAddress);
    EXPECT_TRUE(run_until(w, [&] { return client.connected && listener.peers.size() == 1; }));
  }
  TestPeer& server() { return *listener.peers[0]; }
  MemoryWorld& world;
  TestListener listener;
  TestPeer client;
};

std::string story(uint64_t seed) {
  MemoryWorld world(seed, {.reset = 0.001});
  Pair pair(world);
  std::string story;
  pair.server().on_data = [&] {
    story += std::to_string(world.clock().now().time_since_epoch().count()) + ":" +
             std::to_string(pair.server().incoming.size()) + " ";
  };
  pair.client.send(std::string(500'000, 'x'));
  world.run_for(milliseconds(500));
  return story + pair.server().events + pair.client.events;
}

TEST(MemoryWorld, SameSeedSameRun) {
  EXPECT_EQ(story(7), story(7));
  EXPECT_NE(story(7), story(8));
}

TEST(MemoryWorld, SenderStopsAtTheWindow) {
  MemoryWorld world(1, {.window_bytes = 10'000});
  Pair pair(world, /*receive_all=*/false);
  pair.client.send(std::string(25'000, 'x'));
  world.run_for(milliseconds(100));
  EXPECT_EQ(pair.client.io.sent_so_far(pair.client.socket), 10'000u);
  pair.server().receive();
  world.run_for(milliseconds(100));
  EXPECT_EQ(pair.server().incoming.size(), 10'000u);
  EXPECT_EQ(pair.client.io.sent_so_far(pair.client.socket), 20'000u);
}

TEST(MemoryWorld, RefusedAndSilentAddresses) {
  MemoryWorld world(1);
  Pair pair(world);
  world.set_reach(kAddress, MemoryWorld::Reach::kRefused);
  TestPeer refused(world.add_io());
  refused.connect(kAddress);
  world.set_reach(kAddress, MemoryWorld::Reach::kRefused);
  world.run_for(milliseconds(10));
  EXPECT_EQ(refused.connect_error, ECONNREFUSED);
  world.set_reach(kAddress, MemoryWorld::Reach::kSilent);
  TestPeer silent(world.add_io());
  silent.connect(kAddress);
  world.run_for(std::chrono::hours(1));
  EXPECT_EQ(silent.events, "");
  world.set_reach(kAddress, MemoryWorld::Reach::kNormal);
  TestPeer normal(world.add_io());
  normal.connect(kAddress);
  world.run_for(milliseconds(10));
  EXPECT_TRUE(normal.connected);
  pair.client.send("open connections are left alone");
  world.run_for(milliseconds(10));
  EXPECT_EQ(pair.server().incoming, "open connections are left alone");
}

TEST(MemoryWorld, ResetAllIsSeenOnBothSides) {
  MemoryWorld world(1);
  Pair pair(world);
  world.reset_all(kAddress);
  EXPECT_EQ(pair.client.receive_error, 0);
  world.run_for(milliseconds(10));
  EXPECT_EQ(pair.client.receive_error, ECONNRESET);
  EXPECT_EQ(pair.server().receive_error, ECONNRESET);
}

TEST(MemoryWorld, ResetsByProbabilityReachBothSides) {
  MemoryWorld world(1);
  Pair pair(world);
  world.options().reset = 1;
  pair.client.send("lost");
  world.run_for(milliseconds(10));
  EXPECT_EQ(pair.server().incoming, "");
  EXPECT_EQ(pair.server().receive_error, ECONNRESET);
  EXPECT_EQ(pair.client.receive_error, ECONNRESET);
}

TEST(MemoryWorld, CutsAndDelaysButKeepsTheOrder) {
  MemoryWorld world(3, {.split = 0.9});
  Pair pair(world);
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i) + ",";
  pair.client.send(text.substr(0, 5000));
  pair.client.send(text.substr(5000));
  world.run_for(milliseconds(100));
  EXPECT_EQ(pair.server().incoming, text);
  EXPECT_GT(pair.server().receives, 5u);
}

TEST(MemoryWorld, DataTakesAtLeastTheDelay) {
  MemoryWorld world(1, {.delay_min = milliseconds(3), .delay_max = milliseconds(3), .split = 0});
  Pair pair(world);
  pair.client.send("x");
  world.run_for(milliseconds(3) - base::Duration(1));
  EXPECT_EQ(pair.server().incoming, "");
  world.run_for(base::Duration(1));
  EXPECT_EQ(pair.server().incoming, "x");
}

TEST(MemoryWorld, ClosedPeerAnswersDataWithAReset) {
  MemoryWorld world(1);
  Pair pair(world, /*receive_all=*/false);
  pair.client.io.watch_hangup(pair.client.socket);
  pair.server().close();
  world.run_for(milliseconds(10));
  EXPECT_EQ(pair.client.hangups, 0);  // it may be a half-close
  pair.client.send("anybody there?");
  world.run_for(milliseconds(10));
  EXPECT_EQ(pair.client.hangups, 1);
}

TEST(MemoryWorld, WildcardListenerAndQuietEnd) {
  MemoryWorld world(1);
  TestListener listener(world.add_io());
  listener.listen(base::Address::ipv4(0, 8080));
  TestPeer client(world.add_io());
  client.connect(base::Address::loopback(8080));
  EXPECT_GT(world.run_until(base::kNoDeadline), 0u);
  EXPECT_TRUE(client.connected);
  EXPECT_EQ(world.run_until(base::kNoDeadline), 0u);
}

}  // namespace
}  // namespace giliran::net
