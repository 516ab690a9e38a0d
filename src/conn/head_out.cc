#include "conn/head_out.h"

#include <algorithm>

#include "wire/http1/writer.h"

namespace giliran::conn {
namespace {

using wire::http1::Writer;

size_t fields_size(std::span<const Field> fields) {
  size_t size = 0;
  for (const Field& f : fields) size += f.name.size() + f.value.size() + kFieldOwnBytes;
  return size;
}

void write_fields(Writer& writer, std::span<const Field> fields) {
  for (const Field& f : fields) writer.field(f.name, f.value);
}

void write_framing(Writer& writer, const Framed& framing) {
  if (framing.name.empty()) return;
  if (framing.value.empty()) {
    writer.field(framing.name, framing.number);
  } else {
    writer.field(framing.name, framing.value);
  }
}

// A block of at least `size` bytes; no head that gets here is longer than one.
base::Buffer block_of(base::BufferPool& pool, size_t size) {
  GILIRAN_ASSERT(size <= kHeadBytesMax);
  return pool.take(static_cast<uint32_t>(size));
}

base::Slice written(base::Buffer buffer, const Writer& writer) {
  GILIRAN_ASSERT(!writer.overflowed());
  buffer.add_size(static_cast<uint32_t>(writer.size()));
  return buffer.take();
}

}  // namespace

base::Slice request_head(base::BufferPool& pool, const RequestOut& head, const Framed& framing,
                         std::string_view connection) {
  const size_t size =
      kHeadOwnBytesMax + head.method.size() + head.target.size() + fields_size(head.fields);
  base::Buffer buffer = block_of(pool, size);
  Writer writer(buffer.data(), buffer.capacity());
  writer.request_line(head.method, head.target);
  write_fields(writer, head.fields);
  write_framing(writer, framing);
  if (!connection.empty()) writer.field("Connection", connection);
  writer.end_of_head();
  return written(std::move(buffer), writer);
}

base::Slice response_head(base::BufferPool& pool, const ResponseOut& head, const Framed& framing,
                          std::string_view connection) {
  const size_t size = kHeadOwnBytesMax + head.reason.size() + fields_size(head.fields);
  base::Buffer buffer = block_of(pool, size);
  Writer writer(buffer.data(), buffer.capacity());
  const std::string_view reason =
      head.reason.empty() ? wire::http1::reason_phrase(head.status) : head.reason;
  writer.status_line(head.status, reason);
  write_fields(writer, head.fields);
  write_framing(writer, framing);
  if (!connection.empty()) writer.field("Connection", connection);
  writer.end_of_head();
  return written(std::move(buffer), writer);
}

base::Slice chunk_end(base::BufferPool& pool, std::span<const Field> trailers) {
  if (trailers.empty()) return base::Slice::of_static("\r\n0\r\n\r\n");
  base::Buffer buffer = block_of(pool, kHeadOwnBytesMax + fields_size(trailers));
  Writer writer(buffer.data(), buffer.capacity());
  writer.raw(wire::http1::kChunkEnd);
  writer.raw(wire::http1::kLastChunk);
  write_fields(writer, trailers);
  writer.end_of_head();
  return written(std::move(buffer), writer);
}

}  // namespace giliran::conn
