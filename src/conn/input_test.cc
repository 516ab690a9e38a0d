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

// --- bodies ---

class BodyInputTest : public InputTest {
 protected:
  using Kind = wire::http1::BodyEvent::Kind;
  BodyInputTest() { parser_.start(wire::http1::Framing::kChunked, 0); }
  void receive(std::string_view text, uint32_t capacity = 16'384) {
    base::Buffer buffer = pool_.take(capacity);
    ASSERT_EQ(buffer.append(text), text.size());
    input_.add(pool_, buffer.take());
  }
  BodyIn read() { return input_.read_body(parser_, pool_, &trailers_); }

  wire::http1::BodyParser parser_;
  wire::http1::Fields trailers_;
};

TEST_F(BodyInputTest, SmallChunksAreOnePiece) {
  receive("1\r\na\r\n2;x=y\r\nbc\r\n3\r\nde");
  BodyIn in = read();
  EXPECT_EQ(in.data.view(), "abcde");
  EXPECT_EQ(in.data.block_capacity(), 1024U);
  EXPECT_EQ(in.then, Kind::kNeedMore);
  EXPECT_EQ(in.wire_bytes, 22U);
  EXPECT_TRUE(input_.empty());
  receive("f\r\n0\r\nA: b\r\n\r\nGET");
  in = read();
  EXPECT_EQ(in.data.view(), "f");
  EXPECT_EQ(in.then, Kind::kEnd);
  EXPECT_EQ(trailers_.count, 1U);
  EXPECT_EQ(trailers_.items[0].value, "b");
  EXPECT_EQ(in.wire_bytes, 14U);
  input_.drop_front(in.end_bytes);
  EXPECT_EQ(input_.view(), "GET");
}

TEST_F(BodyInputTest, LargeChunksAreNotMoved) {
  const std::string large(5'000, 'l');
  receive("1388\r\n" + large + "\r\n1\r\na\r\n1\r\nb\r\n");
  const char* const at = input_.view().data();
  BodyIn in = read();
  EXPECT_EQ(in.data.data(), at + 6);
  EXPECT_EQ(in.then, Kind::kData);
  in = read();
  EXPECT_EQ(in.data.view(), "ab");
  EXPECT_EQ(in.then, Kind::kNeedMore);
}

TEST_F(BodyInputTest, AnErrorComesBehindTheDataBeforeIt) {
  receive("1\r\na\r\nZZ\r\n");
  const BodyIn in = read();
  EXPECT_EQ(in.data.view(), "a");
  EXPECT_EQ(in.then, Kind::kError);
  EXPECT_EQ(in.problem, wire::http1::Problem::kBadChunk);
}

TEST_F(BodyInputTest, GoesOnWithWhatDidNotFitIntoTheBlock) {
  const std::string first = "1\r\na\r\n" + std::string("fa00\r\n") + std::string(64'000, 'x');
  receive(first.substr(0, 60'000), 65'536);
  receive(first.substr(60'000) + "\r\n2\r\nbc\r\n0\r\n\r\n");
  std::string body;
  Kind then = Kind::kData;
  for (int looks = 0; then == Kind::kData && looks < 10; ++looks) {
    const BodyIn in = read();
    body += in.data.view();
    then = in.then;
  }
  EXPECT_EQ(then, Kind::kEnd);
  EXPECT_TRUE(body == "a" + std::string(64'000, 'x') + "bc");
}

TEST_F(BodyInputTest, EverySplitReadsTheSame) {
  const std::string text =
      "3\r\nabc\r\n1;e\r\nd\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\nrest";
  for (size_t cut = 1; cut < text.size(); ++cut) {
    parser_.start(wire::http1::Framing::kChunked, 0);
    input_.reset();
    std::string body;
    uint64_t wire_bytes = 0;
    BodyIn in;
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      if (in.then == Kind::kEnd) break;
      receive(part);
      do {
        in = read();
        body += in.data.view();
        wire_bytes += in.wire_bytes;
      } while (in.then == Kind::kData);
    }
    EXPECT_EQ(in.then, Kind::kEnd) << cut;
    EXPECT_EQ(body, "abcd0123456789abcdef") << cut;
    EXPECT_EQ(wire_bytes, text.size() - 4) << cut;
  }
}

}  // namespace
}  // namespace giliran::conn
