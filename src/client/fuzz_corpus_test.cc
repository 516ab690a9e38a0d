// What the fuzzers look for, in what they know and in random changes of it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/rng.h"
#include "client/fuzz_targets.h"

namespace giliran::client {
namespace {

// A few bytes replaced, taken out or doubled.
std::string changed(std::string text, base::Rng& random) {
  for (uint64_t i = random.below(4); i > 0 && !text.empty(); --i) {
    const auto at = static_cast<size_t>(random.below(text.size()));
    switch (random.below(3)) {
      case 0:
        text[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        text.erase(at, static_cast<size_t>(random.below(4)));
        break;
      default:
        text.insert(at, text.substr(at, static_cast<size_t>(random.below(40))));
    }
  }
  return text;
}

void run_over(const char* corpus, void (*target)(std::string_view), int changes) {
  const auto folder =
      std::filesystem::path(__FILE__).parent_path() / "../../tests/corpora" / corpus;
  base::Rng random(1);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    target(text.str());
    for (int i = 0; i < changes; ++i) target(changed(text.str(), random));
    ++files;
  }
  EXPECT_GE(files, 3u);
}

TEST(FuzzCorpus, Targets) {
  run_over("targets", fuzz_targets, 100);
}

TEST(FuzzCorpus, Replay) {
  run_over("replay", fuzz_replay, 100);
}

TEST(FuzzCorpus, Answer) {
  run_over("answer", fuzz_answer, 20);
}

}  // namespace
}  // namespace giliran::client
