// Text with placeholders that every request fills in: {{seq}}, {{rand}}, {{rand:1..1000}}, {{id}},
// {{dist:exp(5ms)}}. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/distribution.h"
#include "base/error.h"

namespace giliran::client {

// A request of a run: what every value is a function of, whatever thread or time sends it.
struct RequestNumber {
  uint64_t seed = 0;
  uint64_t number = 0;  // within the run, from 1
};

// The draws of one place of one request: equal for equal seed, number and place.
base::Rng draws(const RequestNumber& request, uint64_t place);

// The longest text that one placeholder becomes.
constexpr size_t kPlaceholderTextMax = 32;

class Template {
 public:
  Template() = default;
  // `{{{{` stands for `{{`. Each placeholder takes the next number of `places`. An error names the
  // placeholder and what is known.
  static base::Result<Template> parse(std::string_view text, uint64_t& places);
  // `text` as it is, placeholders unread.
  static Template literal(std::string_view text);

  // Whether every request gets the same: then text() is it.
  bool constant() const { return pieces_.empty(); }
  const std::string& text() const { return text_; }
  // Appends. Allocates only where `out` has to grow.
  void append(const RequestNumber& request, std::string& out) const;
  // No result of append() is longer.
  size_t size_max() const;

 private:
  enum class Kind : uint8_t { kSequence, kRandom, kId, kDistribution };
  // A placeholder, and the plain text before it.
  struct Piece {
    size_t text_end = 0;  // the plain text is text_ up to here, from the end of the piece before
    Kind kind = Kind::kSequence;
    uint64_t place = 0;
    uint64_t low = 0;  // kRandom
    uint64_t high = 0;
    base::Distribution distribution{};
  };

  static base::Result<Piece> parse_piece(std::string_view name);
  static void append(const Piece& piece, const RequestNumber& request, std::string& out);

  std::string text_;  // all plain text
  std::vector<Piece> pieces_;
};

}  // namespace giliran::client
