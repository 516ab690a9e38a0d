#include "client/template.h"

#include <fmt/format.h>

#include <array>

#include "base/parse.h"
#include "base/text.h"

namespace giliran::client {
namespace {

constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kKnown =
    "expected seq, rand, rand:1..1000, id or dist:exp(5ms); {{{{ stands for {{";
constexpr std::array<std::string_view, 4> kNames = {"seq", "rand", "id", "dist"};
// What fits the whole numbers of most programs.
constexpr uint64_t kRandomMax = INT32_MAX;

std::unexpected<base::Error> refuse(std::string_view name, std::string_view why) {
  std::string shown = "{{";
  shown += name.substr(0, 80);
  shown += "}}: ";
  shown += why;
  return base::fail(std::move(shown));
}

// splitmix64's mixer: a bijection in which every bit of the result depends on every bit of x.
uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

void append_number(uint64_t n, std::string& out) {
  const fmt::format_int text(n);
  out.append(text.data(), text.size());
}

void append_hex(uint64_t n, size_t digits, std::string& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (size_t i = digits; i > 0; --i) out += kDigits[(n >> (4 * (i - 1))) & 0xf];
}

// "523.417us": exact, and what a distribution of one value is written as.
void append_duration(base::Duration d, std::string& out) {
  const auto ns = static_cast<uint64_t>(d.count());
  append_number(ns / 1000, out);
  if (ns % 1000 != 0) {
    out += '.';
    for (uint64_t unit = 100; unit != 0; unit /= 10) {
      out += static_cast<char>('0' + ns % 1000 / unit % 10);
    }
  }
  out += "us";
}

}  // namespace

base::Rng draws(const RequestNumber& request, uint64_t place) {
  return base::Rng(mixed(mixed(request.seed + 0x9e3779b97f4a7c15ULL) ^ request.number) ^
                   (place * 0xd1342543de82ef95ULL));
}

base::Result<Template> Template::parse(std::string_view text, uint64_t& places) {
  Template made;
  while (!text.empty()) {
    const size_t open = text.find(kOpen);
    made.text_ += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + kOpen.size());
    if (text.starts_with(kOpen)) {
      made.text_ += kOpen;
      text.remove_prefix(kOpen.size());
      continue;
    }
    const size_t close = text.find(kClose);
    if (close == std::string_view::npos) {
      return base::fail("{{" + std::string(text.substr(0, 40)) +
                        ": expected }} behind it; {{{{ stands for {{");
    }
    Piece piece = GILIRAN_TRY(parse_piece(base::trim(text.substr(0, close))));
    text.remove_prefix(close + kClose.size());
    piece.text_end = made.text_.size();
    piece.place = places++;
    made.pieces_.push_back(std::move(piece));
  }
  return made;
}

Template Template::literal(std::string_view text) {
  Template made;
  made.text_ = text;
  return made;
}

base::Result<Template::Piece> Template::parse_piece(std::string_view name) {
  const size_t colon = name.find(':');
  const std::string_view word = name.substr(0, colon);
  const bool has_value = colon != std::string_view::npos;
  const std::string_view value = has_value ? name.substr(colon + 1) : std::string_view();
  Piece piece;
  if (word == "seq" || word == "id") {
    if (has_value) return refuse(name, fmt::format("{} takes no value", word));
    piece.kind = word == "seq" ? Kind::kSequence : Kind::kId;
    return piece;
  }
  if (word == "rand") {
    piece.kind = Kind::kRandom;
    piece.high = kRandomMax;
    if (!has_value) return piece;
    const size_t dots = value.find("..");
    if (dots == std::string_view::npos) return refuse(name, "expected LOW..HIGH, as in 1..1000");
    const auto low = base::parse_count(value.substr(0, dots));
    const auto high = base::parse_count(value.substr(dots + 2));
    if (!low) return refuse(name, low.error().message);
    if (!high) return refuse(name, high.error().message);
    if (*low > *high) return refuse(name, "the first number is above the second");
    piece.low = *low;
    piece.high = *high;
    return piece;
  }
  if (word == "dist" && has_value) {
    auto distribution = base::Distribution::parse(value);
    if (!distribution) return refuse(name, distribution.error().message);
    piece.kind = Kind::kDistribution;
    piece.distribution = std::move(*distribution);
    return piece;
  }
  if (word == "dist") return refuse(name, "expected a distribution, as in dist:exp(5ms)");
  const std::string_view nearest = base::nearest(word, kNames);
  return refuse(name, nearest.empty()
                          ? fmt::format("unknown, {}", kKnown)
                          : fmt::format("unknown, did you mean {}? {}", nearest, kKnown));
}

void Template::append(const RequestNumber& request, std::string& out) const {
  size_t begin = 0;
  for (const Piece& piece : pieces_) {
    out.append(text_, begin, piece.text_end - begin);
    begin = piece.text_end;
    append(piece, request, out);
  }
  out.append(text_, begin, text_.size() - begin);
}

void Template::append(const Piece& piece, const RequestNumber& request, std::string& out) {
  switch (piece.kind) {
    case Kind::kSequence:
      return append_number(request.number, out);
    case Kind::kRandom: {
      base::Rng rng = draws(request, piece.place);
      const uint64_t values = piece.high - piece.low + 1;  // 0: all 2^64
      return append_number(values == 0 ? rng.next() : piece.low + rng.below(values), out);
    }
    case Kind::kId:
      // No two of a run, as the numbers differ; of another run, as the seeds do.
      append_hex(mixed(request.seed + 1), 8, out);
      return append_hex(request.number, request.number >> 32 == 0 ? 8 : 16, out);
    case Kind::kDistribution: {
      base::Rng rng = draws(request, piece.place);
      return append_duration(piece.distribution.sample(rng), out);
    }
  }
}

size_t Template::size_max() const {
  return text_.size() + pieces_.size() * kPlaceholderTextMax;
}

}  // namespace giliran::client
