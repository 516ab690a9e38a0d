#include "proxy/header_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace giliran::proxy {
namespace {

using config::HeaderChange;
using testing::ElementsAre;
using Kind = HeaderChange::Kind;

std::vector<std::string> changed(const std::vector<HeaderChange>& changes) {
  FieldList list;
  list.add("Host", "h");
  list.add("X-A", "1");
  list.add("B", "2");
  list.add("x-a", "3");
  apply_changes(changes, list);
  std::vector<std::string> out;
  for (const conn::Field& f : list.all()) {
    out.push_back(std::string(f.name) + ": " + std::string(f.value));
  }
  return out;
}

TEST(HeaderChanges, SetReplacesAllOfThatName) {
  EXPECT_THAT(changed({{.kind = Kind::kSet, .name = "X-a", .value = "new"}}),
              ElementsAre("Host: h", "X-a: new", "B: 2"));
  EXPECT_THAT(changed({{.kind = Kind::kSet, .name = "C", .value = "new"}}),
              ElementsAre("Host: h", "X-A: 1", "B: 2", "x-a: 3", "C: new"));
  EXPECT_THAT(changed({{.kind = Kind::kSet, .name = "host", .value = "other"}}),
              ElementsAre("host: other", "X-A: 1", "B: 2", "x-a: 3"));
}

TEST(HeaderChanges, AddAndRemove) {
  EXPECT_THAT(changed({{.kind = Kind::kAdd, .name = "x-a", .value = "4"}}),
              ElementsAre("Host: h", "X-A: 1", "B: 2", "x-a: 3", "x-a: 4"));
  EXPECT_THAT(changed({{.kind = Kind::kRemove, .name = "X-A", .value = ""}}),
              ElementsAre("Host: h", "B: 2"));
  EXPECT_THAT(changed({{.kind = Kind::kRemove, .name = "X-None", .value = ""}}),
              ElementsAre("Host: h", "X-A: 1", "B: 2", "x-a: 3"));
}

TEST(HeaderChanges, InTheirOrder) {
  EXPECT_THAT(changed({{.kind = Kind::kRemove, .name = "x-a", .value = ""},
                       {.kind = Kind::kAdd, .name = "x-a", .value = "one"},
                       {.kind = Kind::kAdd, .name = "x-a", .value = "two"},
                       {.kind = Kind::kSet, .name = "B", .value = ""}}),
              ElementsAre("Host: h", "B: ", "x-a: one", "x-a: two"));
}

TEST(HeaderChanges, WhatFramesAMessageIsLeftAlone) {
  for (const char* name : {"Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "TE",
                           "Upgrade", "Trailer", "Proxy-Connection", "HTTP2-Settings"}) {
    EXPECT_FALSE(may_change(name)) << name;
    EXPECT_EQ(changed({{.kind = Kind::kSet, .name = name, .value = "1"}}).size(), 4U) << name;
  }
  EXPECT_TRUE(may_change("Host"));
  EXPECT_TRUE(may_change("X-Anything"));
}

TEST(HeaderChanges, TrailersLoseWhatAHeadWouldAndGainNothing) {
  FieldList list;
  for (const char* name : {"x-removed", "X-Kept", "X-SET", "X-Added", "X-Removed"}) {
    list.add(name, "1");
  }
  const std::vector<HeaderChange> changes{
      {.kind = Kind::kRemove, .name = "X-Removed", .value = ""},
      {.kind = Kind::kSet, .name = "X-Set", .value = "ours"},
      {.kind = Kind::kSet, .name = "X-Not-There", .value = "ours"},
      {.kind = Kind::kAdd, .name = "X-Added", .value = "ours"}};
  apply_to_trailers(changes, list);
  ASSERT_EQ(list.count, 2U);
  EXPECT_EQ(list.items[0].name, "X-Kept");
  EXPECT_EQ(list.items[1].name, "X-Added");
  EXPECT_EQ(list.items[1].value, "1");
}

TEST(HeaderChanges, TheMostThereCanBe) {
  FieldList list;
  for (size_t i = 0; i < wire::http1::kFieldsMax + FieldList::kForwardedMax; ++i)
    list.add("f", "v");
  const std::vector<HeaderChange> most(config::kHeaderChangesMax,
                                       {.kind = Kind::kAdd, .name = "g", .value = "v"});
  apply_changes(most, list);
  EXPECT_EQ(list.count, list.items.size());
}

}  // namespace
}  // namespace giliran::proxy
