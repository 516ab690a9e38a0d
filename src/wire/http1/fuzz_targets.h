// What the fuzzers do with an input, so that the tests can do it with the corpus as well.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http1/event_trace.h"
#include "wire/http1/writer.h"

namespace giliran::wire::http1 {

// The input alone decides about cuts and limits: an input is a message as it is on the wire.
struct FuzzPlan {
  explicit FuzzPlan(std::string_view input) {
    uint64_t hash = 14695981039346656037U;  // FNV-1a
    for (const char c : input) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    if ((hash & 3) == 0) limits = {.head_bytes_max = 96, .target_bytes_max = 24, .fields_max = 4};
    for (size_t at = 0; at < input.size(); hash = hash * 6364136223846793005U + 1) {
      at += (hash >> 33) % (input.size() / 2 + 2);
      if (at < input.size()) cuts.push_back(at);
    }
  }
  HeadLimits limits;
  std::vector<size_t> cuts;
};

inline void fuzz_check(bool good, std::string_view what, std::string_view a, std::string_view b) {
  if (good) return;
  std::fprintf(stderr, "%.*s\n--- one:\n%.*s\n--- other:\n%.*s\n", static_cast<int>(what.size()),
               what.data(), static_cast<int>(a.size()), a.data(), static_cast<int>(b.size()),
               b.data());
  std::abort();
}

template <typename Head>
std::string rewrite_head(std::string_view start_line, const Head& head) {
  std::string out(65536, '\0');
  Writer writer(out.data(), out.size());
  writer.raw(start_line);
  for (const Field& field : head.fields.all()) writer.field(field.name, field.value);
  writer.end_of_head();
  fuzz_check(!writer.overflowed(), "the head does not fit", start_line, "");
  out.resize(writer.size());
  return out;
}

// An accepted head means the same when we have written it.
inline void fuzz_rewrite_request(std::string_view input) {
  RequestHead head;
  if (RequestParser().parse(input, head).parse != Parse::kDone) return;
  const std::string start = std::string(head.method) + " " + std::string(head.target) +
                            (head.version == Version::k10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  const std::string again = rewrite_head(start, head);
  RequestHead second;
  const HeadResult result = RequestParser().parse(again, second);
  const bool same = result.parse == Parse::kDone && result.consumed == again.size() &&
                    second.framing == head.framing &&
                    second.content_length == head.content_length && second.host == head.host &&
                    second.path == head.path && second.keep_alive == head.keep_alive &&
                    second.fields.count == head.fields.count;
  fuzz_check(same, "a rewritten request means something else", input, again);
}

inline void fuzz_rewrite_response(std::string_view input, std::string_view method) {
  ResponseHead head;
  if (ResponseParser().parse(input, method, head).parse != Parse::kDone) return;
  const std::string start = std::string(head.version == Version::k10 ? "HTTP/1.0 " : "HTTP/1.1 ") +
                            std::to_string(head.status) + " " + std::string(head.reason) + "\r\n";
  const std::string again = rewrite_head(start, head);
  ResponseHead second;
  const HeadResult result = ResponseParser().parse(again, method, second);
  const bool same = result.parse == Parse::kDone && result.consumed == again.size() &&
                    second.framing == head.framing && second.status == head.status &&
                    second.content_length == head.content_length &&
                    second.keep_alive == head.keep_alive &&
                    second.fields.count == head.fields.count;
  fuzz_check(same, "a rewritten response means something else", input, again);
}

inline void fuzz_request(std::string_view input) {
  const FuzzPlan plan(input);
  const std::string whole = trace_requests(input, {}, plan.limits);
  const std::string cut = trace_requests(input, plan.cuts, plan.limits);
  fuzz_check(whole == cut, "cut requests give other events", whole, cut);
  if (input.size() <= 256) {
    const std::string bytes = trace_requests(input, cut_everywhere(input), plan.limits);
    fuzz_check(whole == bytes, "requests byte by byte give other events", whole, bytes);
  }
  fuzz_rewrite_request(input);
}

inline void fuzz_response(std::string_view input) {
  const FuzzPlan plan(input);
  for (const std::string_view method : {"GET", "HEAD", "CONNECT"}) {
    const std::string whole = trace_responses(input, method, {}, plan.limits);
    const std::string cut = trace_responses(input, method, plan.cuts, plan.limits);
    fuzz_check(whole == cut, "cut responses give other events", whole, cut);
    fuzz_rewrite_response(input, method);
  }
  const std::string body = trace_body(input, Framing::kChunked, 0);
  const std::string cut = trace_body(input, Framing::kChunked, 0, plan.cuts);
  fuzz_check(body == cut, "a cut body gives other events", body, cut);
}

}  // namespace giliran::wire::http1
