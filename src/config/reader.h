// What the readers of keys share: where they are, and what was wrong so far.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/toml_value.h"

namespace giliran::config {

struct Problem {
  Position at{};
  std::string key{};                   // dotted, "listener.route.path"; empty: of the whole
  std::optional<std::string> value{};  // the bad one
  std::string what{};                  // "expected ..."

  // "key 'x': bad value 'y': expected ..."
  std::string text() const;
};

class Reader {
 public:
  // The content of a file that the configuration names, at most so many bytes.
  using ReadFile = std::function<base::Result<std::string>(const std::string& path, size_t max)>;

  Reader() = default;
  explicit Reader(ReadFile read_file) : read_file_(std::move(read_file)) {}

  // While it lives, what is reported is about `key` within what it was about before.
  class Inside {
   public:
    Inside(Reader& reader, std::string_view key);
    ~Inside() { reader_.path_.resize(before_); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Reader& reader_;
    size_t before_;
  };

  // The value at hand is not what it has to be: `expected` says what it is.
  void bad(const Value& value, std::string expected);
  // Anything else about the key at hand.
  void error(Position at, std::string what);
  void warn(Position at, std::string what);
  // `member` is not one of `known`.
  void unknown(const Value& member, std::span<const std::string_view> known);

  const std::string& path() const { return path_; }
  // Where `file` may be used, its content; the problem is reported.
  std::optional<std::string> read_file(const Value& path, size_t max);

  // It is a coordinator's file: an unknown key may be a word of other programs, or of another of
  // its sections.
  bool of_coordinator = false;
  // Of another file with sections: the one that has a key of this name, "[head]", or an empty text.
  std::function<std::string(std::string_view)> section_with{};
  std::vector<Problem> problems;
  std::vector<Problem> warnings;

 private:
  std::string path_;
  ReadFile read_file_;
};

}  // namespace giliran::config
