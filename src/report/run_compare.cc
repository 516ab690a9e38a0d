#include "report/run_compare.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/printable.h"
#include "report/format.h"
#include "report/json_text.h"
#include "report/merge.h"
#include "report/table.h"
#include "web/page.h"

namespace giliran::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFailed = 1;
constexpr int kBadFile = 2;
constexpr int kWorse = 3;

class Runner {
 public:
  Runner(const CompareRun& run, std::ostream& out, std::ostream& err)
      : run_(run), out_(out), err_(err) {}

  int compare() {
    auto a = read(run_.a);
    auto b = read(run_.b);
    if (!a || !b) return kBadFile;
    const Compared compared = report::compare(*a, *b, run_.options);
    if (!write(to_json(compared), "giliran compare")) return kFailed;
    if (!stdout_taken()) out_ << base::printable_lines(text(compared));
    const bool worse = compared.verdict == Change::kWorse || compared.verdict == Change::kMixed;
    return worse ? kWorse : 0;
  }

  int merge() {
    auto all = read(run_.a);
    if (!all) return kBadFile;
    auto merged = report::merge(*all);
    if (!merged) return complain(merged.error().message, kBadFile);
    const Json json = to_json(*merged);
    const bool asked = !run_.json_path.empty() || !run_.html_path.empty();
    if (asked && !write(json, "giliran client, merged")) return kFailed;
    if (!asked) out_ << json_text(json) << '\n';
    // Where the result is data on standard output, the words go elsewhere.
    std::ostream& words = asked && !stdout_taken() ? out_ : err_;
    const ClientResult& r = merged->result;
    words << fmt::format("{} results: {} answers, {}, {} errors, response p99 {}, max {}\n",
                         all->size(), format_count(r.totals.answered), format_rate(r.rate),
                         format_count(r.totals.errors()),
                         format_latency_us(us(r.response_time.percentile(99))),
                         format_latency_us(us(r.response_time.max())));
    for (const std::string& note : merged->notes)
      words << "  " << wrapped(printable("note: " + note), 4);
    if (!r.verdict.valid) {
      const auto& reasons = r.verdict.reasons;
      const std::string reason = reasons.empty() ? "no reason told" : reasons.front();
      words << "  " << wrapped(printable("CLIENT-LIMITED: " + reason), 4);
    }
    return 0;
  }

 private:
  static double us(uint64_t ns) { return static_cast<double>(ns) / 1e3; }
  bool stdout_taken() const { return run_.json_path == "-" || run_.html_path == "-"; }

  int complain(const std::string& what, int status) {
    err_ << "giliran compare: " << base::printable_lines(what) << '\n';
    return status;
  }

  std::optional<std::vector<ClientResult>> read(const std::vector<std::string>& paths) {
    std::vector<ClientResult> results;
    bool good = true;
    for (const std::string& path : paths) {
      auto result = read_client_result(path);
      if (!result) {
        complain(result.error().message, kBadFile);
        good = false;
        continue;
      }
      results.push_back(std::move(*result));
    }
    if (!good) return std::nullopt;
    return results;
  }

  bool write(const Json& json, std::string_view title) {
    if (run_.json_path.empty() && run_.html_path.empty()) return true;
    const std::string bytes = json_text(json);
    return write_to(run_.json_path, "--json", [&] { return bytes + "\n"; }) &&
           write_to(run_.html_path, "--html", [&] { return web::page(title, bytes); });
  }

  template <typename Make>
  bool write_to(const std::string& path, std::string_view flag, const Make& make) {
    if (path.empty()) return true;
    if (path == "-") {
      out_ << make();
      return true;
    }
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << make();
    file.close();
    if (file) return true;
    complain(fmt::format("{} {}: {}", flag, path, std::strerror(errno)), kFailed);
    return false;
  }

  const CompareRun& run_;
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace

int run_compare(const CompareRun& run, std::ostream& out, std::ostream& err) {
  Runner runner(run, out, err);
  return run.merge ? runner.merge() : runner.compare();
}

}  // namespace giliran::report
