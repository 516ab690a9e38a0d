#include "lab/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/text.h"
#include "lab/commands.h"
#include "lab/summary_parts.h"
#include "lab/verdict.h"
#include "lab/words.h"
#include "report/format.h"
#include "report/table.h"
#include "report/text.h"

namespace giliran::lab {
namespace {

constexpr size_t kTurnsShownMax = 4;
constexpr size_t kRunsShownMax = 16;
constexpr size_t kColumns = 80;
constexpr double kOthersMatter = 0.15;  // share of the cores

using report::Align;
using report::format_count;
using report::format_latency;

std::string whole_rate(double per_second) {
  return format_count(static_cast<uint64_t>(per_second + 0.5));
}

std::string times_text(double speed_up) {
  return fmt::format("{:.{}f}x", speed_up, speed_up < 9.95 ? 2 : 1);
}

// What all runs have in common of their size, or nothing.
std::string each_run(const Scenario& scenario) {
  const RunPlan& first = scenario.runs.front();
  const bool alike = std::ranges::all_of(scenario.runs, [&first](const RunPlan& run) {
    return run.client.connections == first.client.connections &&
           run.servers.size() == first.servers.size() && run.client.loop() == first.client.loop();
  });
  if (!alike) return {};
  return fmt::format(" Each: {} {}, a coordinator, {} server{}, on 127.0.0.1.",
                     first.client.connections,
                     first.client.loop() == Loop::kClosed ? "clients" : "connections at most",
                     first.servers.size(), first.servers.size() == 1 ? "" : "s");
}

std::string heading(const LabResult& result) {
  return fmt::format("Giliran lab \"{}\": {} of {} run{}, {:.1f} s on {} core{}.{} Seed {}.",
                     result.scenario.name, result.runs.size(), result.scenario.runs.size(),
                     base::plural(result.scenario.runs.size()), base::to_seconds(result.elapsed),
                     result.cores, result.cores == 1 ? "" : "s", each_run(result.scenario),
                     result.seed);
}

std::string rates(const LabResult& result) {
  report::Table table({{"run", Align::kLeft},
                       {"requests/s"},
                       {"p50"},
                       {"p90"},
                       {"p99"},
                       {"p99.9"},
                       {"errors"},
                       {"speed-up"}});
  for (const RunResult& run : result.runs) {
    const Contrast* const contrast = result.scenario.contrast_of(run.index);
    const double speed_up = contrast == nullptr ? 0 : result.speed_up(*contrast);
    const ClientResult& c = run.client;
    table.add({result.plan_of(run).name, whole_rate(c.rate), format_latency(c.response.p50),
               format_latency(c.response.p90), format_latency(c.response.p99),
               format_latency(c.response.p999), format_count(c.errors),
               speed_up <= 0 ? "" : times_text(speed_up)});
  }
  return table.text(0);
}

std::string disturbance(const LabResult& result) {
  double most = 0;
  for (const RunResult& run : result.runs) most = std::max(most, run.others_busy);
  if (most < kOthersMatter * result.cores) return {};
  return folded(fmt::format("Other programs kept up to {:.1f} of {} cores busy: what is measured "
                            "here is less, and less even, than this machine can do.",
                            most, result.cores),
                0);
}

std::string cpu(const LabResult& result) {
  report::Table table({{"CPU of a request", Align::kLeft},
                       {"client"},
                       {"coordinator"},
                       {"servers"},
                       {"together"},
                       {"cores busy"},
                       {"by others"}});
  for (const RunResult& run : result.runs) {
    table.add({result.plan_of(run).name, format_latency(run.per_request(run.cpu.client)),
               format_latency(run.per_request(run.cpu.coordinator)),
               format_latency(run.per_request(run.cpu.servers)),
               format_latency(run.per_request(run.cpu.sum())),
               fmt::format("{:.2f} of {}", run.cores_busy(), result.cores),
               fmt::format("{:.2f}", run.others_busy)});
  }
  return table.text(0) + disturbance(result);
}

std::string speed_ups(const LabResult& result) {
  std::string text;
  for (const Contrast& contrast : result.scenario.contrasts) {
    if (result.speed_up(contrast) <= 0) continue;
    const RunPlan& one = result.scenario.runs[contrast.one];
    const RunPlan& many = result.scenario.runs[contrast.many];
    const Measured measured = result.measured(contrast);
    text +=
        folded(fmt::format("{}: {} the rate of {}. {}", many.point, times_text(measured.speed_up()),
                           one.point, why(one, many, measured)),
               2);
  }
  return text;
}

std::string turns_row_end(const RunResult& run) {
  const Evidence& evidence = run.evidence;
  if (!run.turns_judged) return "";
  if (evidence.turns_even()) return "even";
  if (evidence.without_server == 0) return "NOT EVEN";
  return fmt::format("{} WITHOUT A SERVER", format_count(evidence.without_server));
}

// Repetitions are told as medians.
bool each_run_is_shown(const LabResult& result) {
  return result.scenario.repetitions == 1 && result.runs.size() <= kRunsShownMax;
}

// That a table has a column for each server.
bool same_servers(const LabResult& result) {
  const std::vector<Turn>& first = result.runs.front().evidence.turns;
  return first.size() <= kTurnsShownMax && std::ranges::all_of(result.runs, [&](const auto& run) {
           return std::ranges::equal(run.evidence.turns, first, {}, &Turn::server, &Turn::server);
         });
}

// Where there is no room for a table: what is not as it has to be.
std::string uneven_turns(const LabResult& result) {
  size_t judged = 0;
  std::string uneven;
  for (const RunResult& run : result.runs) {
    if (!run.turns_judged) continue;
    ++judged;
    if (!run.evidence.turns_even())
      uneven += fmt::format("  {}: {}\n", result.plan_of(run).name, turns_row_end(run));
  }
  if (judged == 0) return {};
  if (!uneven.empty()) return "Turns of round robin\n" + uneven;
  return fmt::format("Turns of round robin: even, to within 1, in {} that had to be.\n",
                     judged == 1 ? "the run" : fmt::format("all {} runs", judged));
}

std::string turns(const LabResult& result) {
  if (!same_servers(result) || !each_run_is_shown(result)) return uneven_turns(result);
  std::vector<report::Column> columns = {{"turns, round robin", Align::kLeft},
                                         {"of", Align::kLeft}};

  for (const Turn& turn : result.runs.front().evidence.turns) columns.push_back({turn.server});
  columns.push_back({"to within 1", Align::kLeft});
  report::Table table(std::move(columns));
  for (const RunResult& run : result.runs) {
    const RunPlan& plan = result.plan_of(run);
    std::vector<std::string> row = {
        plan.name, plan.scheme == config::Scheme::kTcp ? "connections" : "requests"};
    for (const Turn& turn : run.evidence.turns) row.push_back(format_count(turn.count));
    row.push_back(turns_row_end(run));
    table.add(std::move(row));
  }
  return table.text(0);
}

std::string where(const LabResult& result) {
  const RunResult* const run = result.find(result.scenario.telling);
  if (run == nullptr || run->evidence.where_time_goes.empty()) return {};
  return folded(fmt::format("{}: {}", result.plan_of(*run).name, run->evidence.where_time_goes), 2);
}

// Where the logs of a run are.
std::string log_paths(const LabResult& result, const RunResult& run) {
  const RunPlan& plan = result.plan_of(run);
  const std::string folder = fmt::format("{}/{}", result.folder, plan.name);
  const std::string first = server_log(folder, plan.servers.front().name);
  std::string text =
      fmt::format("  {}\n  {}\n  {}", coordinator_log(folder), client_log(folder), first);
  if (plan.servers.size() > 1) text += fmt::format(" to {}.log", plan.servers.back().name);
  return text + fmt::format("\nLook closer: {}/*.log\n", shell_text({"giliran", "report", folder}));
}

// What is kept, where it is, and how to be rid of it.
std::string kept(const LabResult& result) {
  uint64_t kept_bytes = 0, removed_bytes = 0;
  size_t removed = 0;
  const RunResult* shown = result.find(result.scenario.telling);
  for (const RunResult& run : result.runs) {
    (run.logs_kept ? kept_bytes : removed_bytes) += run.evidence.log_bytes;
    removed += run.logs_kept ? 0 : 1;
    if (shown == nullptr && run.logs_kept) shown = &run;
  }
  std::string text;
  if (shown != nullptr) {
    text = fmt::format("Logs ({}) in {}/, for example\n{}", report::format_size(kept_bytes),
                       result.folder, log_paths(result, *shown));
  }
  if (removed != 0) {
    text +=
        folded(fmt::format("The logs of {} run{} ({}) were read and removed; each run has a "
                           "report.txt that says what was in them. To keep them: --keep-logs",
                           removed, removed == 1 ? "" : "s", report::format_size(removed_bytes)),
               0);
  }
  return text + fmt::format(
                    "To look at: {0}/report.html. Again: giliran lab rerun {0}\n"
                    "To remove all of it: {1}\n",
                    result.folder, shell_text({"rm", "-r", result.folder}));
}

std::string verdict_text(const LabResult& result) {
  if (!result.failure.empty() || result.interrupted) return {};  // said by ended_early()
  const LabVerdict verdict = verdict_of(result);
  return folded(fmt::format("{}: {}", verdict.word, report::printable(verdict.text)), 0);
}

std::string ended_early(const LabResult& result) {
  std::string text;
  if (result.interrupted) text += "\nInterrupted: what had ended before is above.\n";
  if (result.failure.empty()) return text;
  text += fmt::format("\nFAILED: {}\n", report::printable(result.failure));
  for (const std::string& line : result.last_words) {
    text += fmt::format("  | {}\n", report::printable(line));
  }
  return text;
}

struct Sums {
  uint64_t flows = 0, messages = 0, exchanges = 0;
  bool compared = true, named = false, bytes_equal = true;
};

void add(Sums& sums, const report::Comparison& c) {
  sums.named = sums.named || !c.named.empty();
  sums.bytes_equal = sums.bytes_equal && c.left_out == c.right_in && c.left_in == c.right_out;
  if (c.left != telemetry::Tier::kClient) return;
  switch (c.kind) {
    case telemetry::Kind::kFlow:
      sums.flows += c.left_count;
      break;
    case telemetry::Kind::kMessage:
      sums.messages += c.left_count;
      break;
    case telemetry::Kind::kExchange:
      sums.exchanges += c.left_count;
      break;
  }
}

std::string counted(const Sums& sums) {
  std::vector<std::string> parts;
  const auto part = [&](uint64_t count, std::string_view what) {
    if (count != 0) parts.push_back(fmt::format("{} {}", format_count(count), what));
  };
  part(sums.flows, "flows");
  part(sums.messages, "messages");
  part(sums.exchanges, "exchanges");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::string folded(const std::string& text, size_t indent, size_t columns) {
  std::istringstream words(text);
  std::string out, line, word;
  const auto flush = [&] {
    out += std::string(indent, ' ') + line + '\n';
    line.clear();
  };
  while (words >> word) {
    if (!line.empty() && indent + report::width(line) + 1 + report::width(word) > columns) flush();
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) flush();
  return out;
}

std::string folded_lines(const std::string& text, size_t indent) {
  std::istringstream lines(text);
  std::string out, paragraph;
  for (std::string line; std::getline(lines, line);) {
    paragraph += (paragraph.empty() ? "" : " ") + line;
    if (!line.empty() && std::string_view(".:!?").find(line.back()) == std::string_view::npos) {
      continue;
    }
    out += folded(paragraph, indent);
    paragraph.clear();
  }
  return out + folded(paragraph, indent);
}

namespace {

// A server that was killed could not write down the last of what it had done.
std::string killed_text(const RunResult& run, const RunPlan& plan) {
  std::string text = fmt::format(
      "{}: the timeline killed {}, and with it the last of its log, as a crash does:", plan.name,
      fmt::join(run.killed, ", "));
  for (const report::Comparison& comparison : run.evidence.conservation.comparisons) {
    for (const report::Named& named : comparison.named) {
      text += fmt::format(" {} {}{};", format_count(named.count), named.name,
                          named.detail.empty() ? "" : " (" + named.detail + ")");
    }
  }
  text.back() = '.';
  return text + " Nothing else is missing.";
}

}  // namespace

std::string conservation_text(const LabResult& result) {
  Sums sums;
  std::ostringstream details;
  bool conserved = true;
  for (const RunResult& run : result.runs) {
    const Evidence& evidence = run.evidence;
    bool named = false;
    for (const report::Comparison& c : evidence.conservation.comparisons) {
      add(sums, c);
      named = named || !c.named.empty();
    }
    conserved = conserved && run.conserved();
    if (!named && evidence.conserved()) continue;
    if (!run.killed.empty() && run.conserved()) {
      details << folded(killed_text(run, result.plan_of(run)), 2);
      continue;
    }
    details << "\n" << result.plan_of(run).name << ":";
    report::print_text(evidence.conservation, details);
    if (evidence.not_understood != 0) {
      details << "  lines not understood: " << format_count(evidence.not_understood) << '\n';
    }
  }
  std::string text;
  if (!conserved) {
    text = "Conservation: NOT conserved. The logs do not account for everything:";
  } else if (sums.named) {
    text =
        fmt::format("Conservation: {}; what differs between the tiers has a name:", counted(sums));
  } else {
    text = fmt::format(
        "Conservation: {}, as many at the client, the coordinator and the servers{}. Nothing "
        "lost, nothing done twice.",
        counted(sums), sums.bytes_equal ? ", with the same bytes" : "");
  }
  return folded(text, 0) + details.str();
}

namespace {

std::string remarks(const RunResult& run) {
  return fmt::format(
      "{}{}{}{}{}", run.turns_judged && !run.evidence.turns_even() ? "  TURNS NOT EVEN" : "",
      run.conserved() ? "" : "  NOT CONSERVED", run.client.valid ? "" : "  " + run.client.verdict,
      run.little && !run.little->holds ? "  LITTLE'S LAW VIOLATED" : "",
      run.met() ? "" : "  NOT MET");
}

}  // namespace

std::string run_line(const LabResult& result, const RunResult& run) {
  const ClientResult& c = run.client;
  const std::string line =
      fmt::format("[{:2}/{}] {:14}  {:>9}  p50 {:>7}  p99 {:>7}  {} error{}", run.index + 1,
                  result.scenario.runs.size(), result.plan_of(run).name,
                  report::format_rate(c.rate), format_latency(c.response.p50),
                  format_latency(c.response.p99), format_count(c.errors), c.errors == 1 ? "" : "s");
  const std::string marks = remarks(run);
  const bool fits = report::width(line) + report::width(marks) <= kColumns;
  return line + (fits ? "" : "\n     ") + marks;
}

namespace {

// A part after an empty line, or nothing.
std::string part(const std::string& text, std::string_view title = {}) {
  if (text.empty()) return {};
  return fmt::format("\n{}{}{}", title, title.empty() ? "" : "\n", text);
}

// Runs that are told apart by their names, each once; or the points of a grid.
bool told_by_run(const Scenario& scenario) {
  return scenario.repetitions == 1 && !scenario.contrasts.empty();
}

std::string look_for(const Scenario& scenario) {
  return scenario.look_for.empty() ? std::string() : folded_lines(scenario.look_for, 2);
}

}  // namespace

std::string summary_text(const LabResult& result) {
  if (result.runs.empty()) return ended_early(result);
  std::string text = folded(heading(result), 0);
  if (told_by_run(result.scenario)) {
    text += part(rates(result)) + part(speed_ups(result), "Why (many threads against one)");
  } else {
    text += part(look_for(result.scenario), "What to look for") + part(points_text(result)) +
            part(speed_ups(result), "Why (many threads against one)");
  }
  text += part(scalings_text(result)) + part(timeline_text(result));
  text += each_run_is_shown(result) ? part(cpu(result)) : part(disturbance(result));
  text += part(where(result), "Where the time goes") + part(turns(result)) +
          part(conservation_text(result)) + part(expectations_text(result)) +
          part(doubts_text(result)) + part(kept(result)) + part(verdict_text(result)) +
          ended_early(result);
  return text;
}

}  // namespace giliran::lab
