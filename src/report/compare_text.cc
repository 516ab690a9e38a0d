#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/compare.h"
#include "report/format.h"
#include "report/table.h"

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;

std::string metric_text(const ComparedRow& row) {
  if (row.metric == "response_time") return "response " + row.what;
  if (row.metric == "service_time") return "service " + row.what;
  return row.metric;
}

std::string value_text(const ComparedRow& row, double value) {
  if (row.unit == "us") return format_latency_us(value);
  if (row.unit == "1/s") return format_rate(value);
  return fmt::format("{:.3g}%", 100 * value);
}

// "+12.3%", from ten times on "x12.3"; of errors, which are shares already, "+0.12" points.
std::string change_text(const ComparedRow& row, double change) {
  if (row.unit == "share") return fmt::format("{:+.2f}", 100 * change);
  if (change >= 9) return fmt::format("x{:.{}f}", 1 + change, change < 99 ? 1 : 0);
  return fmt::format("{:+.1f}%", 100 * change);
}

std::string verdict_text(Change verdict) {
  return verdict == Change::kNone ? "none shown" : std::string(name(verdict));
}

// Which rows were not judged, by the reason.
std::string not_judged_text(const Compared& c) {
  std::vector<std::pair<std::string, std::string>> whys;
  for (const ComparedRow& row : c.rows) {
    if (row.why.empty()) continue;
    const auto known =
        std::ranges::find(whys, row.why, &std::pair<std::string, std::string>::first);
    if (known == whys.end()) {
      whys.emplace_back(row.why, metric_text(row));
    } else {
      known->second += ", " + metric_text(row);
    }
  }
  std::string text;
  for (const auto& [why, rows] : whys) {
    text += "  " + wrapped(fmt::format("not judged: {}: {}", rows, why), 4);
  }
  return text;
}

std::string names(const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& file : files) text += (text.empty() ? "" : ", ") + printable(file);
  return text;
}

std::string side_text(const char* letter, const ComparedSide& side) {
  return wrapped(fmt::format("{}: {}: {} answers, {}, {} errors{}", letter, names(side.files),
                             format_count(side.totals.answered), format_rate(side.rate),
                             format_count(side.totals.errors()),
                             side.limited.empty() ? "" : ", CLIENT-LIMITED"),
                 3);
}

std::string method_text(const Compared& c) {
  return fmt::format(
      "{:.0f} % intervals: moving-block bootstrap over {} and {} intervals in blocks of {} and {}, "
      "{} resamples, seed {}; less than {:.3g} % ({:.3g} points of errors) is no difference",
      100 * kCompareConfidence, c.a.intervals, c.b.intervals, c.a.block_intervals,
      c.b.block_intervals, c.options.resamples, c.options.seed, 100 * c.options.threshold,
      100 * kErrorsThreshold);
}

std::string which(const Compared& c, Change verdict) {
  std::string text;
  for (const ComparedRow& row : c.rows) {
    if (row.verdict != verdict) continue;
    text += (text.empty() ? "" : ", ") + metric_text(row) + " " + change_text(row, *row.change) +
            (row.unit == "share" ? " points" : "");
  }
  return text;
}

Json side_json(const ComparedSide& side) {
  const auto distribution = [](const base::Histogram& histogram) {
    Json list = Json::array();
    if (histogram.count() == 0) return list;
    // Each step halves what is left five times over, as HdrHistogram prints it.
    for (double left = 100; left * static_cast<double>(histogram.count()) >= 50;
         left *= 0.8705506) {
      list.push_back({100 - left, static_cast<double>(histogram.percentile(100 - left)) / 1e3});
    }
    list.push_back({100, static_cast<double>(histogram.max()) / 1e3});
    return list;
  };
  Json over_time = Json::array();
  for (const ClientInterval& i : side.over_time) {
    Json object = {{"t_s", i.begin_s},
                   {"for_s", i.for_s},
                   {"rate", i.for_s > 0 ? static_cast<double>(i.answered) / i.for_s : 0},
                   {"errors", i.failed + i.bad_status}};
    if (i.response_time.count() != 0) {
      object["p50_us"] = static_cast<double>(i.response_time.percentile(50)) / 1e3;
      object["p99_us"] = static_cast<double>(i.response_time.percentile(99)) / 1e3;
    }
    over_time.push_back(std::move(object));
  }
  return {{"files", side.files},
          {"url", side.url},
          {"loop", side.loop},
          {"answered", side.totals.answered},
          {"rate", side.rate},
          {"errors_share", side.errors_share()},
          {"intervals", side.intervals},
          {"measured_s", side.measured_s},
          {"valid", side.limited.empty()},
          {"reasons", side.limited},
          {"distribution",
           {{"service_time", distribution(side.service_time)},
            {"response_time", distribution(side.response_time)}}},
          {"over_time", std::move(over_time)}};
}

Json row_json(const ComparedRow& row) {
  Json object = {
      {"metric", row.metric}, {"what", row.what}, {"unit", row.unit}, {"a", row.a}, {"b", row.b}};
  if (row.change) object["change"] = *row.change;
  if (row.interval) {
    object["low"] = row.interval->low;
    object["high"] = row.interval->high;
  }
  object["verdict"] = name(row.verdict);
  if (!row.why.empty()) object["why"] = row.why;
  return object;
}

}  // namespace

std::string Compared::sentence() const {
  switch (verdict) {
    case Change::kBetter:
      return "B is better than A: " + which(*this, Change::kBetter);
    case Change::kWorse:
      return "B is worse than A: " + which(*this, Change::kWorse);
    case Change::kMixed:
      return "B is worse than A in some and better in other things: worse: " +
             which(*this, Change::kWorse) + "; better: " + which(*this, Change::kBetter);
    case Change::kNone:
    case Change::kNotJudged:
      break;
  }
  const bool judged = std::ranges::any_of(
      rows, [](const ComparedRow& row) { return row.verdict != Change::kNotJudged; });
  if (judged) return "no difference shown between A and B";
  return "nothing could be judged, so that no difference is shown between A and B";
}

std::string text(const Compared& c) {
  Table table(
      {{"", Align::kLeft}, {"A"}, {"B"}, {"change"}, {"99 % interval"}, {"", Align::kLeft}});
  for (const ComparedRow& row : c.rows) {
    const std::string interval = row.interval
                                     ? fmt::format("{} .. {}", change_text(row, row.interval->low),
                                                   change_text(row, row.interval->high))
                                     : "-";
    table.add({metric_text(row) + (row.unit == "share" ? ", points" : ""), value_text(row, row.a),
               value_text(row, row.b), row.change ? change_text(row, *row.change) : "-", interval,
               verdict_text(row.verdict)});
  }
  std::string out = side_text("A", c.a) + side_text("B", c.b) + "\n" + table.text() + "\n" +
                    not_judged_text(c) + "  " + wrapped(method_text(c), 4);
  for (const std::string& warning : c.warnings) {
    out += "  " + wrapped("WARNING: " + printable(warning), 4);
  }
  return out + "\n" + wrapped(c.sentence(), 2);
}

Json to_json(const Compared& c) {
  Json rows = Json::array();
  for (const ComparedRow& row : c.rows) rows.push_back(row_json(row));
  return {{"format", "giliran-compare/1"},
          {"version", GILIRAN_VERSION},
          {"verdict", name(c.verdict)},
          {"text", c.sentence()},
          {"warnings", c.warnings},
          {"a", side_json(c.a)},
          {"b", side_json(c.b)},
          {"rows", std::move(rows)},
          {"threshold", c.options.threshold},
          {"errors_threshold", kErrorsThreshold},
          {"confidence", kCompareConfidence},
          {"method",
           {{"resamples", c.options.resamples},
            {"seed", c.options.seed},
            {"block_intervals", {{"a", c.a.block_intervals}, {"b", c.b.block_intervals}}},
            {"text", method_text(c)}}}};
}

}  // namespace giliran::report
