#include "lab/scenario_toml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "base/parse.h"
#include "config/forms.h"
#include "config/toml_file.h"
#include "lab/claim.h"
#include "lab/grid.h"
#include "lab/scenario_build.h"
#include "lab/scenario_keys.h"

namespace giliran::lab {
namespace {

using config::Position;
using config::Value;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kRunKey = "run";
constexpr std::string_view kVaryKey = "vary";
constexpr std::string_view kExpectKey = "expect";

// Runs that share what is written of them; without [[run]] there is one.
struct Case {
  std::string name{};
  Value tree{};
  std::vector<Varied> axes{};
};

// A combination of values of a case.
struct Point {
  RunPlan run{};
  size_t of_case = 0;
};

bool may_be_cores(std::string_view key) {
  const std::string_view last = key.substr(key.rfind('.') + 1);
  return last == "threads" || last == "connections" || last == "count";
}

// "2*cores" as a number, where a number belongs.
void resolve_cores(Value& value, uint32_t cores) {
  for (Value& member : value.children) {
    if (member.kind == Value::Kind::kTable || member.kind == Value::Kind::kList) {
      if (may_be_cores(member.key)) {
        for (Value& item : member.children) item.key = member.key;
      }
      resolve_cores(member, cores);
      for (Value& item : member.children) {
        if (member.kind == Value::Kind::kList) item.key.clear();
      }
      continue;
    }
    if (member.kind != Value::Kind::kText || !may_be_cores(member.key)) continue;
    const auto number = of_cores(member.text, cores);
    if (!number) continue;
    member.kind = Value::Kind::kInteger;
    member.integer = static_cast<int64_t>(*number);
  }
}

template <typename T>
bool knows(std::span<const config::Key<T>> keys, std::string_view name) {
  return config::find_key(keys, name) != nullptr;
}

template <typename T>
void add_names(std::vector<std::string_view>& names, std::span<const config::Key<T>> keys) {
  for (const auto& key : keys) names.push_back(key.name);
}

class File {
 public:
  File(Value root, const ScenarioCheck& check) : root_(std::move(root)), check_(check) {
    reader_.section_with = scenario_section_with;
    resolve_cores(root_, std::max(check.cores, 1U));
  }

  void read() {
    divide();
    config::read_table(head_tree_, head_keys(), head_, reader_);
    read_cases();
    if (too_many()) return;
    for (size_t i = 0; i < cases_.size(); ++i) expand(i);
    check_names();
    for (const auto& [text, at] : claims_) check_claim(text, at);
  }

  // What was wrong, each once, however many runs it is in.
  std::vector<config::Problem> problems() const {
    std::vector<config::Problem> once;
    std::set<std::pair<Position, std::string>> seen;
    for (const config::Problem& problem : reader_.problems) {
      if (seen.insert({problem.at, problem.text()}).second) once.push_back(problem);
    }
    return once;
  }

  Scenario scenario() const;

 private:
  void divide();
  void take_claims(const Value& list);
  void read_cases();
  void read_case(const Value& item);
  bool too_many();
  void expand(size_t index);
  void check_names();
  void check_claim(const std::string& text, Position at);
  std::vector<std::string_view> point_names() const;
  void add_contrasts(Scenario& scenario) const;
  void add_axes(Scenario& scenario) const;

  void error(Position at, std::string_view key, std::string what) {
    reader_.problems.push_back({.at = at, .key = std::string(key), .what = std::move(what)});
  }
  Position of(std::string_view key) const {
    const Value* const value = root_.find(key);
    return value == nullptr ? root_.at : value->at;
  }

  Value root_;
  const ScenarioCheck& check_;
  config::Reader reader_;
  Value head_tree_{.kind = Value::Kind::kTable};
  Value base_{.kind = Value::Kind::kTable};
  Head head_;
  std::vector<Varied> axes_;  // of all cases
  std::vector<Case> cases_;
  std::vector<Point> points_;
  std::vector<std::pair<std::string, Position>> claims_;
};

// Head, what every run begins with, and what makes runs.
void File::divide() {
  head_tree_.at = base_.at = root_.at;
  for (const Value& member : root_.children) {
    if (member.key == kExpectKey) {
      take_claims(member);
    } else if (knows(head_keys(), member.key)) {
      head_tree_.children.push_back(member);
    } else if (knows(body_keys(), member.key)) {
      base_.children.push_back(member);
    } else if (member.key != kRunKey && member.key != kVaryKey) {
      std::vector<std::string_view> names;
      add_names(names, head_keys());
      add_names(names, body_keys());
      names.insert(names.end(), {kRunKey, kVaryKey});
      reader_.unknown(member, names);
    }
  }
}

// What compares runs is the scenario's, the rest every run's.
void File::take_claims(const Value& list) {
  Value rest{.kind = Value::Kind::kList, .key = list.key, .key_at = list.key_at, .at = list.at};
  for (const Value* item : config::items_of(list)) {
    if (item->kind == Value::Kind::kText && ParsedClaim::meant(item->text)) {
      claims_.emplace_back(item->text, item->at);
    } else {
      rest.children.push_back(*item);
    }
  }
  base_.children.push_back(std::move(rest));
}

void File::read_cases() {
  if (const Value* const vary = root_.find(kVaryKey); vary != nullptr) {
    const config::Reader::Inside inside(reader_, kVaryKey);
    axes_ = read_vary(*vary, reader_);
  }
  const Value* const runs = root_.find(kRunKey);
  if (runs == nullptr) {
    cases_.push_back({.tree = base_});
    return;
  }
  const config::Reader::Inside inside(reader_, kRunKey);
  const auto items = config::items_of(*runs);
  if (items.empty()) error(runs->at, kRunKey, "expected at least one");
  for (const Value* item : items) read_case(*item);
}

void File::read_case(const Value& item) {
  if (item.kind != Value::Kind::kTable) return reader_.bad(item, "expected a table: [[run]]");
  Case made{.tree = base_};
  for (const Value& member : item.children) {
    const config::Reader::Inside inside(reader_, member.key);
    if (member.key == "name") {
      auto name = to_plain_name(member);
      if (!name) reader_.bad(member, name.error().message);
      const bool twice =
          name && std::ranges::any_of(cases_, [&](const Case& c) { return c.name == *name; });
      if (twice) reader_.bad(member, "another run has this name already");
      if (name) made.name = *name;
    } else if (member.key == kVaryKey) {
      made.axes = read_vary(member, reader_);
    } else if (knows(body_keys(), member.key)) {
      Value over{.kind = Value::Kind::kTable};
      over.children.push_back(member);
      overlay(made.tree, over);
    }
  }
  for (const Value& member : item.children) {
    if (member.key == "name" || member.key == kVaryKey || knows(body_keys(), member.key)) continue;
    std::vector<std::string_view> names = {"name", kVaryKey};
    add_names(names, body_keys());
    reader_.unknown(member, names);
  }
  if (item.find("name") == nullptr) {
    error(item.at, "run.name", "is missing, such as name = \"one\"");
  }
  cases_.push_back(std::move(made));
}

bool File::too_many() {
  uint64_t all = 0;
  for (const Case& each : cases_) {
    uint64_t its = combinations(axes_), own = combinations(each.axes);
    if (__builtin_mul_overflow(its, own, &its) || __builtin_add_overflow(all, its, &all)) {
      all = UINT64_MAX;
      break;
    }
  }
  if (__builtin_mul_overflow(all, uint64_t{head_.repetitions}, &all)) all = UINT64_MAX;
  if (all <= kRunsMax) return false;
  const std::string_view blamed = root_.find(kVaryKey) != nullptr  ? kVaryKey
                                  : root_.find(kRunKey) != nullptr ? kRunKey
                                                                   : "repetitions";
  error(of(blamed), blamed,
        fmt::format("that makes {} runs, repetitions included; expected at most {}",
                    all == UINT64_MAX ? "more than 10^19" : fmt::format("{}", all), kRunsMax));
  return true;
}

void File::expand(size_t index) {
  const Case& each = cases_[index];
  std::vector<Varied> axes = each.axes;
  axes.insert(axes.end(), axes_.begin(), axes_.end());
  for (uint64_t number = 0; number < combinations(axes); ++number) {
    const std::vector<size_t> chosen = combination(axes, number);
    Value tree = each.tree;
    std::vector<Label> labels;
    for (size_t i = 0; i < axes.size(); ++i) {
      const Value& value = axes[i].values[chosen[i]];
      put(tree, axes[i], value);
      labels.push_back({.key = axes[i].path, .value = value.shown()});
    }
    Body body;
    const size_t before = reader_.problems.size();
    config::read_table(tree, body_keys(), body, reader_);
    if (reader_.problems.size() != before) continue;
    Point point{.run = build_run(body, tree, check_, reader_), .of_case = index};
    point.run.point = point_name(each.name, labels);
    if (cases_.size() > 1) labels.insert(labels.begin(), {.key = "run", .value = each.name});
    point.run.labels = std::move(labels);
    points_.push_back(std::move(point));
  }
}

std::vector<std::string_view> File::point_names() const {
  std::vector<std::string_view> names;
  for (const Point& point : points_) names.push_back(point.run.point);
  return names;
}

void File::check_names() {
  std::set<std::string_view> seen;
  const Position at = of(root_.find(kVaryKey) != nullptr ? kVaryKey : kRunKey);
  for (const std::string_view name : point_names()) {
    if (name.size() > kScenarioNameMax) {
      error(at, kVaryKey, fmt::format("a run would be called '{}', which is too long", name));
    }
    if (seen.insert(name).second) continue;
    error(at, kVaryKey, fmt::format("two runs would be called '{}'", name));
  }
  if (head_.telling.empty() || seen.contains(head_.telling) || !reader_.problems.empty()) return;
  const auto names = point_names();
  const std::string_view near = base::nearest(head_.telling, names);
  error(of("telling"), "telling",
        fmt::format("there is no run '{}'; {}", head_.telling,
                    near.empty() ? fmt::format("there is {}", fmt::join(names, ", "))
                                 : fmt::format("did you mean '{}'?", near)));
}

void File::check_claim(const std::string& text, Position at) {
  const auto claim = ParsedClaim::parse(text);
  if (!claim) {
    reader_.problems.push_back({.at = at,
                                .key = std::string(kExpectKey),
                                .value = config::text_value(text).shown(),
                                .what = claim.error().message});
    return;
  }
  if (points_.empty()) return;
  const auto names = point_names();
  for (const std::string& wanted : claim->points()) {
    if (std::ranges::find(names, wanted) != names.end()) continue;
    const std::string_view near = base::nearest(wanted, names);
    error(at, kExpectKey,
          fmt::format("there is no run '{}'; {}", wanted,
                      near.empty() ? fmt::format("there is {}", fmt::join(names, ", "))
                                   : fmt::format("did you mean '{}'?", near)));
  }
}

Scenario File::scenario() const {
  Scenario scenario{.name = head_.name,
                    .about = head_.about,
                    .look_for = head_.look_for,
                    .repetitions = head_.repetitions,
                    .seed = head_.seed};
  for (const auto& [text, at] : claims_) scenario.claims.push_back({.text = text});
  for (const Place& place : interleaved(points_.size(), head_.repetitions)) {
    RunPlan run = points_[place.point].run;
    run.repetition = place.repetition;
    run.name =
        head_.repetitions == 1 ? run.point : fmt::format("{}-r{}", run.point, place.repetition + 1);
    if (place.repetition == 0 && (head_.telling.empty() || run.point == head_.telling)) {
      scenario.telling = scenario.runs.size();
    }
    scenario.runs.push_back(std::move(run));
  }
  add_contrasts(scenario);
  add_axes(scenario);
  return scenario;
}

std::optional<Contrast::Of> contrast_key(std::string_view path) {
  if (path == "coordinator.threads") return Contrast::Of::kCoordinatorThreads;
  if (path.starts_with("servers.") && path.ends_with(".threads")) {
    return Contrast::Of::kServerThreads;
  }
  return std::nullopt;
}

// The fewest and the most threads of points that are else equal. The first repetition runs the
// points in their order.
void File::add_contrasts(Scenario& scenario) const {
  struct Ends {
    size_t one, many;
    Contrast::Of of;
  };
  std::map<std::string, Ends> groups;
  std::vector<std::string> order;
  for (size_t i = 0; i < points_.size(); ++i) {
    for (const Label& label : points_[i].run.labels) {
      const auto of = contrast_key(label.key);
      if (!of) continue;
      std::string key = fmt::format("{} {}", points_[i].of_case, label.key);
      for (const Label& other : points_[i].run.labels) {
        if (other.key != label.key) key += fmt::format(" {}={}", other.key, other.value);
      }
      const auto threads = [&](size_t point) {
        const RunPlan& run = points_[point].run;
        return *of == Contrast::Of::kServerThreads ? run.server_threads()
                                                   : run.coordinator_threads();
      };
      const auto [found, fresh] = groups.emplace(key, Ends{i, i, *of});
      if (fresh) order.push_back(key);
      if (threads(i) < threads(found->second.one)) found->second.one = i;
      if (threads(i) > threads(found->second.many)) found->second.many = i;
    }
  }
  for (const std::string& key : order) {
    const Ends& ends = groups.at(key);
    if (ends.one == ends.many) continue;
    scenario.contrasts.push_back({.one = ends.one, .many = ends.many, .of = ends.of});
  }
}

void File::add_axes(Scenario& scenario) const {
  for (const Point& point : points_) {
    for (const Label& label : point.run.labels) {
      auto axis = std::ranges::find(scenario.axes, label.key, &Axis::key);
      if (axis == scenario.axes.end()) {
        scenario.axes.push_back({.key = label.key, .values = {}});
        axis = scenario.axes.end() - 1;
      }
      if (std::ranges::find(axis->values, label.value) == axis->values.end()) {
        axis->values.push_back(label.value);
      }
    }
  }
}

}  // namespace

ScenarioCheck check_here(std::span<const std::string_view> policies) {
  rlimit limit{};
  const bool bounded = ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY;
  return {.policies = policies,
          .cores = std::max(std::thread::hardware_concurrency(), 1U),
          .descriptors = bounded ? limit.rlim_max : 0};
}

bool is_scenario(const config::Value& root) {
  return root.find("scenario") != nullptr;
}

base::Result<Scenario> parse_scenario(std::string_view text, std::string_view file,
                                      const ScenarioCheck& check) {
  File read(GILIRAN_TRY(config::parse_toml(text, file)), check);
  read.read();
  if (const auto problems = read.problems(); !problems.empty()) {
    return config::refuse(problems, file);
  }
  Scenario scenario = read.scenario();
  scenario.source = std::string(text);
  return scenario;
}

base::Result<Scenario> load_scenario(const std::string& path, const ScenarioCheck& check) {
  const std::string text = GILIRAN_TRY(config::read_toml_file(path));
  return parse_scenario(text, config::shown_path(path), check);
}

std::string print_scenario(const Scenario& scenario) {
  const Head head{.name = scenario.name,
                  .about = scenario.about,
                  .look_for = scenario.look_for,
                  .repetitions = scenario.repetitions,
                  .seed = scenario.seed,
                  .telling = scenario.runs[scenario.telling].point};
  std::string text;
  config::write_table(head, head_keys(), "", text);
  std::vector<std::string> claims;
  for (const Claim& claim : scenario.claims) claims.push_back(config::quoted(claim.text));
  if (!claims.empty()) text += fmt::format("expect = {}\n", config::from_list(claims));
  for (const RunPlan& run : scenario.runs) {
    if (run.repetition != 0) continue;
    text += fmt::format("\n[[run]]\nname = {}\n", config::quoted(run.point));
    config::write_table(body_of(run), body_keys(), "run", text);
  }
  return text;
}

std::string saved_text(const Scenario& scenario, uint64_t seed) {
  const auto root = config::read_toml(scenario.source);
  if (!root) return scenario.source;
  const Value* const value = root->find("seed");
  if (value == nullptr) {
    const size_t begin = scenario.source.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    std::string text = scenario.source;
    return text.insert(begin, fmt::format("seed = {}\n", config::from_number(seed)));
  }
  // The place of the value, by line and column (in code points: what stands before is ASCII).
  size_t at = 0;
  for (uint32_t line = 1; line < value->at.line; ++line) at = scenario.source.find('\n', at) + 1;
  at += value->at.column - 1;
  const size_t end =
      std::min(scenario.source.find_first_of(" \t\r\n#", at), scenario.source.size());
  return fmt::format("{}{}{}", scenario.source.substr(0, at), config::from_number(seed),
                     scenario.source.substr(end));
}

}  // namespace giliran::lab
