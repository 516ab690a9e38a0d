// The codec allocates nothing: counted in the whole test program, read around the calls.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "wire/http1/parser.h"
#include "wire/http1/writer.h"
#include "wire/line/line_parser.h"

namespace {
std::atomic<uint64_t> allocations{0};
}  // namespace

void* operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace giliran::wire::http1 {
namespace {

constexpr std::string_view kRequest =
    "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
constexpr std::string_view kResponse = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

template <typename Function>
uint64_t allocations_of(Function function) {
  const uint64_t before = allocations.load();
  function();
  return allocations.load() - before;
}

// Byte by byte; returns whether both messages ended.
bool read_all() {
  RequestParser requests;
  RequestHead request;
  HeadResult head;
  for (size_t shown = 0; head.parse == Parse::kNeedMore; ++shown) {
    head = requests.parse(kRequest.substr(0, shown), request);
  }
  BodyParser body;
  Fields trailers;
  body.start(request.framing, 0);
  size_t at = head.consumed;
  for (size_t shown = at; !body.ended() && shown <= kRequest.size(); ++shown) {
    at += body.next(kRequest.substr(at, shown - at), &trailers).consumed;
  }
  ResponseParser responses;
  ResponseHead response;
  const HeadResult answer = responses.parse(kResponse, "GET", response);
  return at == kRequest.size() && trailers.count == 1 && answer.parse == Parse::kDone;
}

TEST(AllocationTest, CountsAllocations) {
  EXPECT_EQ(allocations_of([] { ::operator delete(::operator new(8)); }), 1U);
}

TEST(AllocationTest, ParsersAllocateNothing) {
  bool ended = false;
  EXPECT_EQ(allocations_of([&] { ended = read_all(); }), 0U);
  EXPECT_TRUE(ended);
}

TEST(AllocationTest, WriterAllocatesNothing) {
  char memory[256];
  Writer writer(memory, sizeof memory);
  EXPECT_EQ(allocations_of([&] {
              writer.request_line("GET", "/");
              writer.status_line(200, reason_phrase(200));
              writer.field("A", "b");
              writer.field("A", uint64_t{7});
              writer.end_of_head();
            }),
            0U);
  EXPECT_FALSE(writer.overflowed());
}

TEST(AllocationTest, LineParserAllocatesNothing) {
  line::LineParser parser;
  EXPECT_EQ(allocations_of([&] { parser.next("hello\r\n"); }), 0U);
}

}  // namespace
}  // namespace giliran::wire::http1
