#include "base/slab.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace giliran::base {
namespace {

struct Counted {
  explicit Counted(int& count, int number = 0) : alive(count), value(number) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  int& alive;
  int value;
};

TEST(Slab, MakesAndDestroys) {
  int alive = 0;
  Slab<Counted> slab;
  Counted& a = slab.make(alive, 5);
  EXPECT_EQ(a.value, 5);
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(slab.live(), 1U);
  slab.destroy(a);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(slab.live(), 0U);
}

TEST(Slab, AddressesAreStableAndDistinct) {
  Slab<int, 4> slab;
  std::vector<int*> all;
  for (int i = 0; i < 100; ++i) all.push_back(&slab.make(i));
  EXPECT_EQ(std::set<int*>(all.begin(), all.end()).size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*all[static_cast<size_t>(i)], i);
  for (int* one : all) slab.destroy(*one);
}

TEST(Slab, ReusesWhatWasDestroyed) {
  Slab<int, 4> slab;
  int* first = &slab.make(1);
  slab.destroy(*first);
  EXPECT_EQ(&slab.make(2), first);
  for (int round = 0; round < 50; ++round) {
    std::vector<int*> all;
    for (int i = 0; i < 3; ++i) all.push_back(&slab.make(i));
    for (int* one : all) slab.destroy(*one);
  }
  EXPECT_EQ(slab.capacity(), 4U);
  slab.destroy(*first);
}

struct alignas(128) Wide {
  char byte;
};

TEST(Slab, KeepsAlignment) {
  Slab<Wide, 3> slab;
  std::vector<Wide*> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(&slab.make());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(all.back()) % 128, 0U);
  }
  for (Wide* one : all) slab.destroy(*one);
}

struct Nested {
  explicit Nested(Slab<Nested>* slab) : other(slab == nullptr ? nullptr : &slab->make(nullptr)) {}
  Nested* other;
};

TEST(Slab, AConstructorMayMakeAnother) {
  Slab<Nested> slab;
  Nested& outer = slab.make(&slab);
  EXPECT_NE(outer.other, &outer);
  EXPECT_EQ(slab.live(), 2U);
  slab.destroy(*outer.other);
  slab.destroy(outer);
}

TEST(SlabDeathTest, AnObjectThatOutlivesItIsABug) {
  EXPECT_DEATH(
      {
        Slab<int> slab;
        slab.make(1);
      },
      "does not hold");
}

}  // namespace
}  // namespace giliran::base
