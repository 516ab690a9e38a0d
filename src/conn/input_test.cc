#include "conn/input.h"

#include <gtest/gtest.h>

namespace giliran::conn {
namespace {

class InputTest : public testing::Test {
 protected:
  void TearDown() override {
    input_.reset();
    EXPECT_EQ(pool_.blocks_in_use(), 0U);
  }
  base::Slice bytes(char c, size_t n) { return pool_.copy(std::string(n, c)); }

  base::BufferPool pool_;
  Input input_;
};

TEST_F(InputTest, ShowsWhatWasAddedInOnePiece) {
  EXPECT_TRUE(input_.empty());
  input_.add(pool_, pool_.copy("one"));
  input_.add(pool_, pool_.copy("two"));
  EXPECT_EQ(input_.view(), "onetwo");
  input_.drop_front(4);
  EXPECT_EQ(input_.view(), "wo");
  input_.drop_front(2);
  EXPECT_TRUE(input_.empty());
}

TEST_F(InputTest, JoinsPiecesOfAllSizes) {
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const auto c = static_cast<char>('a' + i % 26);
    const size_t n = 1 + static_cast<size_t>(i) * 37;
    input_.add(pool_, bytes(c, n));
    all += std::string(n, c);
    EXPECT_TRUE(input_.view() == all) << i;
    EXPECT_FALSE(input_.join_more(pool_));
  }
}

TEST_F(InputTest, WhatDoesNotFitIntoABlockComesAfterIt) {
  input_.add(pool_, bytes('a', 60'000));
  input_.add(pool_, bytes('b', 16'000));
  EXPECT_EQ(input_.view().size(), 65'536U);
  EXPECT_FALSE(input_.join_more(pool_));  // full: nothing more can be shown at once
  input_.drop_front(60'000);
  EXPECT_TRUE(input_.view() == std::string(5'536, 'b'));
  EXPECT_TRUE(input_.join_more(pool_));
  EXPECT_TRUE(input_.view() == std::string(16'000, 'b'));
  EXPECT_FALSE(input_.join_more(pool_));
}

TEST_F(InputTest, AllOfOneDroppedShowsTheNext) {
  input_.add(pool_, bytes('a', 60'000));
  input_.add(pool_, bytes('b', 16'000));
  input_.drop_front(65'536);
  EXPECT_TRUE(input_.view() == std::string(10'464, 'b'));
}

TEST_F(InputTest, ASmallPartDoesNotPinALargeBlock) {
  input_.add(pool_, bytes('a', 10'000));
  const base::Slice small = input_.part(pool_, input_.view().substr(100, 50));
  EXPECT_EQ(small.block_capacity(), 1024U);
  const base::Slice large = input_.part(pool_, input_.view().substr(100, 5000));
  EXPECT_EQ(large.data(), input_.view().data() + 100);
  EXPECT_EQ(pool_.blocks_in_use(), 2U);
}

TEST_F(InputTest, APartThatIsHeldIsNotWrittenOver) {
  input_.add(pool_, bytes('a', 2000));
  const base::Slice held = input_.part(pool_, input_.view());
  input_.drop_front(1999);
  input_.add(pool_, bytes('b', 100));
  EXPECT_TRUE(held.view() == std::string(2000, 'a'));
  EXPECT_EQ(input_.view(), "a" + std::string(100, 'b'));
}

}  // namespace
}  // namespace giliran::conn
