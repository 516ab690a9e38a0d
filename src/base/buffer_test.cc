#include "base/buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"

namespace giliran::base {
namespace {

TEST(Buffer, SizeClassesFitClosely) {
  BufferPool pool;
  for (const auto& [asked, got] : std::vector<std::pair<uint32_t, uint32_t>>{{0, 1024},
                                                                             {1, 1024},
                                                                             {1024, 1024},
                                                                             {1025, 2048},
                                                                             {2048, 2048},
                                                                             {2049, 4096},
                                                                             {16385, 32768},
                                                                             {32769, 65536},
                                                                             {65536, 65536}}) {
    EXPECT_EQ(pool.take(asked).capacity(), got) << asked;
  }
  EXPECT_EQ(pool.blocks_in_use(), 0U);
}

TEST(BufferDeathTest, RefusesMoreThanTheLargestBlock) {
  BufferPool pool;
  EXPECT_DEATH(pool.take(65537), "does not hold");
}

TEST(Buffer, AppendsWhatFits) {
  BufferPool pool;
  Buffer b = pool.take(1024);
  EXPECT_EQ(b.append("abc"), 3U);
  EXPECT_EQ(b.append(std::string(2000, 'x')), 1021U);
  EXPECT_EQ(b.room(), 0U);
  EXPECT_EQ(b.append("y"), 0U);
  EXPECT_EQ(b.view().substr(0, 4), "abcx");
}

TEST(Buffer, BecomesASlice) {
  BufferPool pool;
  Buffer b = pool.take(10);
  b.append("hello");
  const Slice s = b.take();
  EXPECT_FALSE(b);
  EXPECT_EQ(b.capacity(), 0U);
  EXPECT_EQ(b.view(), "");
  EXPECT_EQ(s.view(), "hello");
  EXPECT_EQ(s.block_capacity(), 1024U);
  EXPECT_EQ(pool.blocks_in_use(), 1U);
}

TEST(Buffer, EmptyHandedTakeIsEmpty) {
  Buffer b;
  EXPECT_TRUE(b.take().empty());
}

TEST(Buffer, MoveReleasesTheOldBlock) {
  BufferPool pool;
  Buffer a = pool.take(10);
  Buffer b = pool.take(10);
  b.append("b");
  a = std::move(b);
  EXPECT_EQ(pool.blocks_in_use(), 1U);
  EXPECT_EQ(a.view(), "b");
}

TEST(Slice, SharesKeepTheBlockAlive) {
  BufferPool pool;
  Slice part;
  {
    const Slice whole = pool.copy("hello world");
    part = whole.share(6, 5);
    const Slice again = whole.share();
    EXPECT_EQ(again.view(), "hello world");
    EXPECT_EQ(again.data(), whole.data());
  }
  EXPECT_EQ(part.view(), "world");
  EXPECT_EQ(pool.blocks_in_use(), 1U);
  EXPECT_EQ(pool.bytes_in_use(), 1024U);
  part.reset();
  EXPECT_EQ(pool.blocks_in_use(), 0U);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(Slice, DropFrontAndTruncate) {
  BufferPool pool;
  Slice s = pool.copy("hello world");
  const Slice other = s.share();
  s.drop_front(6);
  EXPECT_EQ(s.view(), "world");
  s.truncate(2);
  EXPECT_EQ(s.view(), "wo");
  s.drop_front(2);
  EXPECT_TRUE(s.empty());
  EXPECT_EQ(other.view(), "hello world");
}

TEST(SliceDeathTest, RefusesToLeaveItsBytes) {
  BufferPool pool;
  Slice s = pool.copy("abc");
  EXPECT_DEATH(s.drop_front(4), "does not hold");
  EXPECT_DEATH(s.truncate(4), "does not hold");
  EXPECT_DEATH((void)s.share(2, 2), "does not hold");
  EXPECT_DEATH((void)s.share(4, 0), "does not hold");
  EXPECT_DEATH((void)s.share(1, UINT32_MAX), "does not hold");
}

TEST(Slice, OfStaticOwnsNothing) {
  Slice s = Slice::of_static("literal");
  const Slice t = s.share(0, 3);
  EXPECT_EQ(s.block_capacity(), 0U);
  s.reset();
  EXPECT_EQ(t.view(), "lit");
}

TEST(Slice, MoveLeavesNothingBehind) {
  BufferPool pool;
  Slice a = pool.copy("a");
  Slice b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move)
  a = pool.copy("c");
  a = std::move(b);
  EXPECT_EQ(a.view(), "a");
  EXPECT_EQ(pool.blocks_in_use(), 1U);
}

TEST(Slice, ExtendsAsFarAsItsBlockGoes) {
  BufferPool pool;
  Slice s = pool.copy(std::string(1000, 'a'));
  EXPECT_EQ(s.extend(std::string(30, 'b')), 24U);
  EXPECT_EQ(s.size(), 1024U);
  EXPECT_EQ(s.extend("c"), 0U);
  s.truncate(10);
  {
    const Slice other = s.share();
    EXPECT_EQ(s.extend("d"), 0U);  // not ours alone
  }
  EXPECT_EQ(s.extend("d"), 1U);
  EXPECT_EQ(s.view(), std::string(10, 'a') + "d");
  EXPECT_EQ(Slice::of_static("x").extend("y"), 0U);
}

TEST(Slice, ClosesUp) {
  BufferPool pool;
  Slice s = pool.copy("head 1:a 2:bc 3:def tail");
  const std::string_view all = s.view();
  std::string_view data = s.close_up(all.substr(7, 1), all.substr(11, 2));
  data = s.close_up(data, all.substr(16, 3));
  EXPECT_EQ(data, "abcdef");
  EXPECT_EQ(data.data(), all.data() + 7);
  EXPECT_EQ(all.substr(0, 7), "head 1:");
  EXPECT_EQ(all.substr(16), "def tail");
}

TEST(BufferPool, WhatIsKeptFitsItsBlock) {
  BufferPool pool;
  Buffer large = pool.take(65536);
  large.append(std::string(1025, 'x'));
  const Slice fitted = pool.fitted(large.take());
  EXPECT_EQ(fitted.block_capacity(), 2048U);
  EXPECT_EQ(fitted.size(), 1025U);
  const char* const at = fitted.data();
  EXPECT_EQ(pool.fitted(fitted.share()).data(), at);  // as it is
  const std::string large_static(100'000, 's');
  EXPECT_EQ(pool.fitted(Slice::of_static(large_static)).block_capacity(), 0U);
}

TEST(BufferPool, ReusesTheBlockGivenBackLast) {
  BufferPool pool;
  const char* first = pool.copy("x").data();
  Buffer b = pool.take(100);
  EXPECT_EQ(b.data(), first);
  const Buffer of_another_class = pool.take(2000);
  EXPECT_EQ(of_another_class.capacity(), 2048U);
}

TEST(BufferPool, KeepsNoMoreThanItsBound) {
  BufferPool pool(1024);
  Buffer small = pool.take(1);
  Buffer large = pool.take(65536);
  const char* at = small.data();
  large.reset();  // over the bound: goes back to the allocator
  small.reset();
  EXPECT_EQ(pool.take(1).data(), at);
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(BufferPool, TellsOfEveryBlockOverItsLimit) {
  struct Watcher final : PoolWatcher {
    void on_over_limit() override { ++told; }
    int told = 0;
  } watcher;
  BufferPool pool;
  pool.watch(4096, &watcher);
  Buffer a = pool.take(4096);
  EXPECT_EQ(watcher.told, 0);
  Buffer b = pool.take(1);
  const Slice c = pool.copy("c");
  EXPECT_EQ(watcher.told, 2);
  a.reset();
  const Slice d = pool.copy("d");
  EXPECT_EQ(watcher.told, 2);
  pool.watch(0, nullptr);
  const Slice e = pool.copy("e");
  EXPECT_EQ(watcher.told, 2);
}

TEST(BufferPoolDeathTest, ABlockThatOutlivesThePoolIsABug) {
  EXPECT_DEATH(
      {
        Slice s;
        BufferPool pool;
        s = pool.copy("x");
      },
      "does not hold");
}

TEST(BufferPool, ManySharesOfManyBlocks) {
  BufferPool pool(100'000);
  Rng rng(9);
  struct Kept {
    Slice slice;
    std::string bytes;
  };
  std::vector<Kept> kept;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t what = rng.below(4);
    if (what == 0 || kept.empty()) {
      std::string bytes(1 + rng.below(20'000), static_cast<char>('a' + rng.below(26)));
      kept.push_back({pool.copy(bytes), bytes});
    } else {
      Kept& one = kept[rng.below(kept.size())];
      ASSERT_EQ(one.slice.view(), one.bytes);
      if (what == 1 && kept.size() < 100) {
        const auto at = static_cast<uint32_t>(rng.below(one.slice.size() + 1));
        const auto size = static_cast<uint32_t>(rng.below(one.slice.size() - at + 1));
        Kept part{one.slice.share(at, size), one.bytes.substr(at, size)};
        kept.push_back(std::move(part));
      } else {
        std::swap(one, kept.back());
        kept.pop_back();
      }
    }
  }
  kept.clear();
  EXPECT_EQ(pool.blocks_in_use(), 0U);
}

}  // namespace
}  // namespace giliran::base
