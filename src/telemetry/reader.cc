#include "telemetry/reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace giliran::telemetry {

namespace {

constexpr size_t kBlock = size_t{1} << 20;
constexpr size_t kLineMax = kBlock;  // a longer line is not understood, and skipped
constexpr size_t kExampleBytes = 80;
constexpr size_t kProcessesMax = 1000;  // that write one log at a time; more are not followed

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<base::Error> cannot_read(const std::string& path, int code) {
  return base::fail(fmt::format("cannot read {}: {}", path, std::generic_category().message(code)),
                    code);
}

class Reader {
 public:
  Reader(base::FunctionRef<void(const Line&)> visit,
         base::FunctionRef<void(Tier, uint64_t)> dropped)
      : visit_(visit), dropped_(dropped) {
    buffer_.resize(kLineMax + kBlock + LineParser::padding());
  }

  base::Result<ReadStats> read(const std::string& path, int fd) {
    for (;;) {
      const ssize_t n = ::read(fd, buffer_.data() + end_, kBlock);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return cannot_read(path, errno);
      if (n == 0) break;
      stats_.bytes += static_cast<uint64_t>(n);
      end_ += static_cast<size_t>(n);
      take_lines();
    }
    if (end_ != 0) line(0, end_);
    for (const Process& process : begun_) ++stats_.unended[static_cast<size_t>(process.tier)];
    return std::move(stats_);
  }

 private:
  void take_lines() {
    size_t begin = 0;
    size_t look = scanned_;
    while (const void* found = std::memchr(buffer_.data() + look, '\n', end_ - look)) {
      const auto at = static_cast<size_t>(static_cast<const char*>(found) - buffer_.data());
      line(begin, at);
      begin = look = at + 1;
    }
    end_ -= begin;
    if (end_ > kLineMax) {
      skipping_ = true;
      end_ = 0;
    }
    if (begin != 0) std::memmove(buffer_.data(), buffer_.data() + begin, end_);
    scanned_ = end_;
  }

  void line(size_t begin, size_t end) {
    ++number_;
    std::string_view text(buffer_.data() + begin, end - begin);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (skipping_) {
      skipping_ = false;
      ++stats_.lines;
      return unknown("", "too long");
    }
    if (text.empty()) return;
    ++stats_.lines;
    switch (parser_.parse(text, buffer_.size() - begin, line_)) {
      case LineParser::What::kRecord:
        ++stats_.records;
        line_.number = number_;
        visit_(line_);
        return;
      case LineParser::What::kDropped:
        stats_.dropped += parser_.dropped();
        dropped_(parser_.tier(), parser_.dropped());
        return;
      case LineParser::What::kMark:
        return mark(parser_.mark());
      case LineParser::What::kUnknown:
        return unknown(text, parser_.why());
    }
  }

  // Who begins again has not ended before.
  void mark(Mark mark) {
    const Process process{.tier = parser_.tier(), .id = parser_.process()};
    const bool again = std::erase(begun_, process) != 0;
    if (mark == Mark::kEnd) return;
    if (again) ++stats_.unended[static_cast<size_t>(process.tier)];
    if (begun_.size() < kProcessesMax) begun_.push_back(process);
  }

  void unknown(std::string_view text, std::string_view why) {
    ++stats_.unknown;
    if (stats_.unknown_examples.size() == ReadStats::kExamplesMax) return;
    stats_.unknown_examples.push_back({.line = number_,
                                       .text = std::string(text.substr(0, kExampleBytes)),
                                       .why = std::string(why)});
  }

  struct Process {
    Tier tier;
    uint64_t id;
    bool operator==(const Process&) const = default;
  };

  base::FunctionRef<void(const Line&)> visit_;
  base::FunctionRef<void(Tier, uint64_t)> dropped_;
  LineParser parser_;
  Line line_;
  std::string buffer_;
  size_t end_ = 0;      // of the bytes read
  size_t scanned_ = 0;  // no line end before
  bool skipping_ = false;
  uint64_t number_ = 0;
  std::vector<Process> begun_;  // that write this log and have not ended
  ReadStats stats_;
};

}  // namespace

base::Result<ReadStats> read_log(const ReadOptions& options,
                                 base::FunctionRef<void(const Line&)> visit,
                                 base::FunctionRef<void(Tier, uint64_t)> dropped) {
  const bool standard = options.path == "-";
  const Descriptor fd(standard ? STDIN_FILENO : ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return cannot_read(options.path, errno);
  if (!standard) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return Reader(visit, dropped).read(options.path, fd.get());
}

}  // namespace giliran::telemetry
