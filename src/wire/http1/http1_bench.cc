#include <benchmark/benchmark.h>

#include <string>

#include "wire/http1/parser.h"
#include "wire/http1/writer.h"

namespace giliran::wire::http1 {
namespace {

constexpr std::string_view kBrowserRequest =
    "GET /static/images/logo.png?version=20240117 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Connection: keep-alive\r\n"
    "Referer: https://www.example.com/articles/a-typical-page\r\n"
    "Cookie: session=d41d8cd98f00b204e9800998ecf8427e; theme=dark\r\n"
    "Sec-Fetch-Dest: image\r\n"
    "Cache-Control: max-age=0\r\n"
    "\r\n";
constexpr std::string_view kSmallRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Wed, 17 Jan 2024 10:00:00 GMT\r\n"
    "Content-Type: text/html; charset=utf-8\r\nContent-Length: 612\r\nConnection: keep-alive\r\n"
    "ETag: \"65a7b3c0-264\"\r\nAccept-Ranges: bytes\r\n\r\n";

void parse_request(benchmark::State& state, std::string_view text) {
  RequestParser parser;
  RequestHead head;
  for (auto _ : state) benchmark::DoNotOptimize(parser.parse(text, head));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK_CAPTURE(parse_request, browser, kBrowserRequest);
BENCHMARK_CAPTURE(parse_request, small, kSmallRequest);

void parse_response(benchmark::State& state) {
  ResponseParser parser;
  ResponseHead head;
  for (auto _ : state) benchmark::DoNotOptimize(parser.parse(kResponse, "GET", head));
}
BENCHMARK(parse_response);

void parse_request_byte_by_byte(benchmark::State& state) {
  RequestParser parser;
  RequestHead head;
  for (auto _ : state) {
    for (size_t shown = 1; shown <= kBrowserRequest.size(); ++shown) {
      benchmark::DoNotOptimize(parser.parse(kBrowserRequest.substr(0, shown), head));
    }
  }
}
BENCHMARK(parse_request_byte_by_byte);

void parse_chunks(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < 16; ++i) body += "400\r\n" + std::string(1024, 'x') + "\r\n";
  body += "0\r\n\r\n";
  BodyParser parser;
  for (auto _ : state) {
    parser.start(Framing::kChunked, 0);
    for (std::string_view left = body; !parser.ended();) {
      left.remove_prefix(parser.next(left, nullptr).consumed);
    }
  }
}
BENCHMARK(parse_chunks);

void write_head(benchmark::State& state) {
  RequestParser parser;
  RequestHead head;
  parser.parse(kBrowserRequest, head);
  char memory[4096];
  for (auto _ : state) {
    Writer writer(memory, sizeof memory);
    writer.request_line(head.method, head.path);
    for (const Field& field : head.fields.all()) {
      if (!is_hop_by_hop(field)) writer.field(field.name, field.value);
    }
    writer.end_of_head();
    benchmark::DoNotOptimize(writer.size());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(write_head);

}  // namespace
}  // namespace giliran::wire::http1
