#include "lab/threads.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/parse.h"

namespace giliran::lab {
namespace {

constexpr uint32_t kConnections = 200;

std::string_view character_of(ThreadsPlan::Work work) {
  switch (work) {
    case ThreadsPlan::Work::kBlocks:
      return "delay = \"5ms\"\nblocking = true\n";
    case ThreadsPlan::Work::kComputes:
      return "work = \"1ms\"\n";
    case ThreadsPlan::Work::kNone:
      break;
  }
  return "";
}

std::string_view words_of(ThreadsPlan::Work work) {
  switch (work) {
    case ThreadsPlan::Work::kBlocks:
      return "whose work blocks its thread for 5ms";
    case ThreadsPlan::Work::kComputes:
      return "that compute 1ms a request";
    case ThreadsPlan::Work::kNone:
      break;
  }
  return "that answer at once";
}

}  // namespace

std::string threads_scenario(const ThreadsPlan& plan) {
  const bool of_servers = plan.of == ThreadsPlan::Of::kServers;
  const ThreadsPlan::Work work =
      plan.work.value_or(of_servers ? ThreadsPlan::Work::kBlocks : ThreadsPlan::Work::kNone);
  const std::vector<uint32_t> counts =
      plan.threads.empty() ? std::vector<uint32_t>{1, 2, 4, 8, 16} : plan.threads;
  std::string text = fmt::format(
      "scenario = \"threads\"\n"
      "about = \"{} threads of {}: two servers {}\"\n"
      "look_for = \"\"\"\n"
      "The speed-up against the ideal, and where one thread is as good as many: threads that "
      "compute\n"
      "need a core each, threads that wait need none.\"\"\"\n"
      "repetitions = {}\n\n"
      "[[servers]]\ncount = 2\n{}",
      fmt::join(counts, ", "), of_servers ? "each server" : "the coordinator", words_of(work),
      plan.repetitions, character_of(work));
  text += fmt::format(
      "\n[client]\nconnections = {}\nduration = \"{}\"\n\n"
      "[vary]\n\"{}.threads\" = [{}]\n",
      kConnections, base::format_duration(plan.duration), of_servers ? "servers" : "coordinator",
      fmt::join(counts, ", "));
  return text;
}

}  // namespace giliran::lab
