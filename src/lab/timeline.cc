#include "lab/timeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/parse.h"
#include "config/forms.h"

namespace giliran::lab {
namespace {

using config::Value;

// What became of a server so far.
struct Fate {
  enum class State : uint8_t { kRuns, kHangs, kDead };
  State state = State::kRuns;
  bool in_pool = false;
  server::Character character{};
};

bool about_pool(Action action) {
  return action == Action::kAdd || action == Action::kDrain || action == Action::kWeight;
}

class Timeline {
 public:
  Timeline(const Body& body, const RunPlan& run, const Value& tree, config::Reader& reader)
      : body_(body), run_(run), reader_(reader) {
    if (const Value* const list = tree.find("timeline"); list != nullptr) {
      items_ = config::items_of(*list);
    }
    for (const ServerPlan& server : run.servers) {
      fates_.push_back({.in_pool = server.role == Role::kBalanced, .character = server.character});
    }
  }

  std::vector<Event> build() {
    std::vector<size_t> order(std::min(body_.timeline.size(), items_.size()));
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [this](size_t i) { return std::pair(body_.timeline[i].at, i); });
    for (const size_t i : order) add(body_.timeline[i], *items_[i]);
    return std::move(events_);
  }

 private:
  // About the key of the item, or about the item.
  void bad(const Value& item, std::string_view key, std::string what) {
    const Value* const value = item.find(key);
    reader_.problems.push_back(
        {.at = value == nullptr ? item.at : value->at,
         .key = fmt::format("timeline.{}", key),
         .value = value == nullptr ? std::nullopt : std::optional(value->shown()),
         .what = std::move(what)});
  }

  void add(const EventDraft& draft, const Value& item) {
    const base::Duration end = run_.asking_time();
    const bool bounded = run_.client.requests == 0 || run_.client.rate;
    if (bounded && draft.at >= end) {
      bad(item, "at",
          fmt::format("the run is over by then: it takes {}", base::format_duration(end)));
    }
    check_members(draft, item);
    if (draft.action == Action::kRate) {
      add_rate(draft, item);
    } else {
      add_of_servers(draft, item);
    }
  }

  // Keys that this action knows nothing of, and those that it needs.
  void check_members(const EventDraft& draft, const Value& item) {
    const auto only_with = [&](std::string_view key, Action action) {
      if (item.find(key) == nullptr || draft.action == action) return;
      bad(item, key, fmt::format("is only for do = \"{}\"", name(action)));
    };
    bool changes = false;
    for (const auto& key : server::character_keys()) {
      only_with(key.name, Action::kChange);
      changes = changes || item.find(key.name) != nullptr;
    }
    only_with("weight", Action::kWeight);
    only_with("rate", Action::kRate);
    if (draft.action == Action::kChange && !changes) {
      bad(item, "do", "what changes? give delay, work, blocking, fail or body");
    }
    if (draft.action == Action::kWeight && !draft.weight) bad(item, "weight", "is missing");
    if (draft.action == Action::kRate && !draft.rate) bad(item, "rate", "is missing");
  }

  void add_rate(const EventDraft& draft, const Value& item) {
    if (!draft.servers.empty()) bad(item, "server", "a rate is the client's");
    const ClientPlan& client = run_.client;
    if (!client.rate || !client.stages.empty() || client.requests != 0) {
      bad(item, "do", "needs client.rate and a duration, without stages");
    } else if (draft.at < client.warmup) {
      bad(item, "at",
          fmt::format("is within the warm-up, which takes {}",
                      base::format_duration(client.warmup)));
    }
    const double rate = draft.rate.value_or(0);
    events_.push_back({.at = draft.at,
                       .action = Action::kRate,
                       .rate = rate,
                       .text = fmt::format("rate {}/s", rate)});
  }

  void add_of_servers(const EventDraft& draft, const Value& item) {
    std::vector<size_t> indices = resolve(draft, item);
    for (const size_t index : indices) meet(draft, item, index);
    if (indices.empty()) return;
    Event event{.at = draft.at,
                .action = draft.action,
                .servers = std::move(indices),
                .weight = draft.weight.value_or(1),
                .text = text_of(draft, item)};
    if (draft.action != Action::kChange) {
      events_.push_back(std::move(event));
      return;
    }
    // Each has a character of its own before.
    for (const size_t index : event.servers) {
      Event one = event;
      one.servers = {index};
      one.character = changed(index, item);
      one.text = fmt::format("change {}{}", run_.servers[index].name, changes_of(item));
      events_.push_back(std::move(one));
    }
  }

  std::vector<size_t> resolve(const EventDraft& draft, const Value& item) {
    std::vector<size_t> indices;
    if (draft.servers.empty()) bad(item, "server", "is missing: who?");
    for (const std::string& wanted : draft.servers) {
      const size_t before = indices.size();
      for (size_t i = 0; i < run_.servers.size(); ++i) {
        if (belongs(i, wanted)) indices.push_back(i);
      }
      if (indices.size() == before) unknown(wanted, item);
    }
    std::ranges::sort(indices);
    indices.erase(std::ranges::unique(indices).begin(), indices.end());
    return indices;
  }

  bool belongs(size_t index, const std::string& wanted) const {
    const std::string& its = run_.servers[index].name;
    if (its == wanted) return true;
    const auto group = std::ranges::find(body_.servers, wanted, &ServerGroup::name);
    if (wanted.empty() || group == body_.servers.end()) return false;
    for (uint32_t n = 1; n <= group->count.value_or(1); ++n) {
      if (its == fmt::format("{}-{}", wanted, n)) return true;
    }
    return false;
  }

  void unknown(const std::string& wanted, const Value& item) {
    std::vector<std::string_view> names;
    for (const ServerPlan& server : run_.servers) names.push_back(server.name);
    const std::string_view near = base::nearest(wanted, names);
    bad(item, "server",
        near.empty()
            ? fmt::format("there is no server '{}'; there is {}", wanted, fmt::join(names, ", "))
            : fmt::format("there is no server '{}', did you mean '{}'?", wanted, near));
  }

  // What the event does to the server, where that is possible.
  void meet(const EventDraft& draft, const Value& item, size_t index) {
    using State = Fate::State;
    Fate& fate = fates_[index];
    const std::string& its = run_.servers[index].name;
    const auto impossible = [&](std::string_view why) {
      bad(item, "do", fmt::format("{} {}", its, why));
    };
    if (about_pool(draft.action) && run_.servers[index].role == Role::kLeaf) {
      return impossible("is a leaf, which no pool has");
    }
    switch (draft.action) {
      case Action::kKill:
        if (fate.state == State::kDead) return impossible("is dead already");
        fate.state = State::kDead;
        break;
      case Action::kStart:
        if (fate.state != State::kDead) return impossible("runs: it was not killed before");
        fate.state = State::kRuns;
        break;
      case Action::kStop:
        if (fate.state != State::kRuns) return impossible("does not run by then");
        fate.state = State::kHangs;
        break;
      case Action::kContinue:
        if (fate.state != State::kHangs) return impossible("was not stopped before");
        fate.state = State::kRuns;
        break;
      case Action::kChange:
        if (fate.state == State::kDead) return impossible("is dead by then");
        break;
      case Action::kAdd:
        if (fate.in_pool) return impossible("is in the pool already");
        fate.in_pool = true;
        break;
      case Action::kDrain:
        if (!fate.in_pool) return impossible("is not in the pool");
        fate.in_pool = false;
        break;
      case Action::kWeight:
      case Action::kRate:
        break;
    }
  }

  // What the item says, the rest as it was.
  server::Character changed(size_t index, const Value& item) {
    server::Character& its = fates_[index].character;
    config::Reader scratch;  // what is wrong was said when the draft was read
    for (const auto& key : server::character_keys()) {
      if (const Value* const value = item.find(key.name); value != nullptr) {
        key.read(*value, its, scratch);
      }
    }
    return its;
  }

  static std::string changes_of(const Value& item) {
    std::string text;
    for (const auto& key : server::character_keys()) {
      const Value* const value = item.find(key.name);
      if (value == nullptr) continue;
      text += fmt::format("{} {} {}", text.empty() ? ":" : ",", key.name, value->shown());
    }
    return text;
  }

  std::string text_of(const EventDraft& draft, const Value& item) const {
    std::string text = fmt::format("{} {}", name(draft.action), fmt::join(draft.servers, ", "));
    if (draft.weight) text += fmt::format(": {}", *draft.weight);
    return text + changes_of(item);
  }

  const Body& body_;
  const RunPlan& run_;
  config::Reader& reader_;
  std::vector<const Value*> items_;
  std::vector<Fate> fates_;
  std::vector<Event> events_;
};

}  // namespace

std::vector<Event> build_timeline(const Body& body, const RunPlan& run, const Value& tree,
                                  config::Reader& reader) {
  return Timeline(body, run, tree, reader).build();
}

}  // namespace giliran::lab
