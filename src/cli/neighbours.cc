// Whoever comes from another tool types its words; each is answered with ours. Only what means the
// same here is taken; a flag that means nearly the same would make a measurement that nobody asked
// for.
#include "cli/neighbours.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/neighbours.h"
#include "lab/built_in.h"

namespace giliran::cli {
namespace {

using enum Neighbour::Is;
using config::kNoActiveChecks;
using config::kNoBackups;
using config::kNoTls;

constexpr std::string_view kForeground =
    "it stays in the foreground: a shell's & or a systemd unit (./run install --systemd) puts it "
    "behind";
constexpr std::string_view kSignals =
    "send the process a signal: HUP reads the file again, USR1 reopens the log, TERM drains and "
    "ends";
constexpr std::string_view kPort =
    "the port is part of the address: --listen 127.0.0.1:PORT, or --listen :PORT for every IPv4 "
    "address";
constexpr std::string_view kSpoken =
    "what happens is said on standard error, and each request is in --log PATH";
constexpr std::string_view kBody =
    "a body is given with --body TEXT or --body-file PATH, its type with -H 'Content-Type: ...'";
constexpr std::string_view kHeader =
    "a header field is given with -H, such as -H 'User-Agent: NAME' or -H 'Cookie: NAME=VALUE'";
constexpr std::string_view kOutputs =
    "results go to --json PATH, --html PATH and --hgrm PATH (percentiles), each request to --log "
    "PATH";

constexpr Neighbour kClient[] = {
    {kFlag, "-X,--request", "--method"},
    {kFlag, "-z", "--duration"},
    {kFlag, "--vus,--concurrency,--clients", "--connections"},
    {kFlag, "--iterations", "--requests"},
    {kFlag, "--disable-keepalive,--no-connection-reuse,--no-vu-connection-reuse",
     "--new-connection"},
    {kFlag, "--silent", "--quiet"},
    {kOther, "--rps,--qps,--rate-limit",
     "a rate is given with -R (--rate): -R 100 sends 100 requests a second in all, on time whether "
     "answers come or not"},
    {kOther, "-k,--insecure,--insecure-skip-tls-verify",
     "there is no https yet, so no certificate to check; connections are kept alive as it is (ab's "
     "-k)"},
    {kOther, "--keepalive,--keep-alive",
     "connections are kept alive as it is; --new-connection opens one for each request"},
    {kOther, "-u,--user,--basic,-a",
     "a password is sent in a header field: -H \"Authorization: Basic $(printf %s NAME:PASSWORD | "
     "base64)\"; k6's -u is -c"},
    {kOther, "--oauth2-bearer",
     "a token is sent in a header field: -H 'Authorization: Bearer "
     "TOKEN'"},
    {kOther, "-A,--user-agent,-b,-C,--cookie,-e,--referer", kHeader},
    {kOther, "-T,--content-type",
     "it is a header field: -H 'Content-Type: TYPE'; a file is sent "
     "with --body-file PATH"},
    {kOther, "--host", "it is a header field: -H 'Host: NAME'"},
    {kOther, "-i,--include,-I,--head",
     "heads are asked for with -m HEAD; answers are counted, not printed"},
    {kOther,
     "--data,--data-raw,--data-binary,--data-ascii,--data-urlencode,-p,--postfile,-D,-F,--form",
     kBody},
    {kOther, "-G,--get,--url", "the URL is an argument: giliran client URL"},
    {kOther, "-L,--latency,-U,--u_latency,--latency-correction",
     "the summary always has the percentiles, of response time and of service time; redirects are "
     "not followed (curl's -L)"},
    {kOther, "--location,--max-redirs,--disable-redirects,--redirect",
     "redirects are not followed: an answer 3xx is an answer"},
    {kOther, "-s,--script",
     "there are no scripts: several URLs or --targets FILE say what to ask, {{rand:1..9}} in them "
     "what varies, --stages how the rate does"},
    {kOther, "--stage", "--stages takes all of them: --stages 10s:100,1m:1k"},
    {kOther, "-o,--output,--out,--summary-export,-w,-g,--csv", kOutputs},
    {kOther, "-v,--verbose,--debug", "each request is in --log PATH"},
    {kOther, "-x,--proxy", "no proxy is used: give its address in the URL, and -H 'Host: NAME'"},
    {kOther, "--connect-timeout,--max-time", "--timeout 5s is of one request, connecting included"},
    {kOther, "-2,--h2,--http2,--http2-prior-knowledge,--http3",
     "HTTP/1.1 is spoken; there is no "
     "HTTP/2 yet"},
    {kOther, "--http1.1", "HTTP/1.1 is what is spoken: leave it out"},
    {kOther, "-0,--http1.0", "HTTP/1.1 is spoken, and nothing else yet"},
    {kOther, "--compressed,--disable-compression",
     "ask with -H 'Accept-Encoding: gzip'; bodies are counted as they come, not unpacked"},
    {kOther, "--unix-socket,--abstract-unix-socket", "the client asks over TCP only"},
    {kOther, "--interface,--bind-address", "--source ADDRESS is where connections come from"},
    {kOther, "--cacert,--cert,-E,--key", "there is no https yet"},
    {kOther, "--retry", "nothing is sent twice: each failure is counted"},
    {kOther, "-r", "failures never end a run (ab's -r); a rate is given with -R"},
    {kOther, "-f,--threshold,--thresholds",
     "--expect 'errors<0.1%,p99<50ms' makes it the exit status"},
    {kOther, "--cpus", "-t N (--threads) says how many threads send"},
    {kOther, "--no-tui", "--progress none leaves the live line out"},
    {kValue, "--duration", "the body of curl's and hey's -d is --body TEXT here"},
    {kValue, "--threads",
     "the time of hey's -t is --timeout TIME here, that of ab's -t is -d TIME"},
};

constexpr Neighbour kCoordinator[] = {
    {kFlag, "-f,--file,--config-path,--configfile", "--config"},
    {kFlag, "--bind", "--listen"},
    {kFlag, "--backend,--upstream,--to", "--server"},
    {kFlag, "--balance,--algorithm,--lb-policy,--strategy", "--policy"},
    {kFlag, "--workers,--concurrency,--nbthread", "--threads"},
    {kFlag, "--maxconn", "--connections-max"},
    {kFlag, "--access-log", "--log"},
    {kOther, "-t,--test,--validate,--dry-run,--check",
     "giliran check FILE says whether a file is good, or all that is wrong with it"},
    {kOther, "-T,--dump,--dump-config",
     "giliran check --print FILE prints the effective "
     "configuration"},
    {kOther, "-s,-sf,-st,--signal,--reload,--reopen,--stop,--quit,--watch", kSignals},
    {kOther, "-D,-W,-Ws,-B,--daemon,--daemonize,--background", kForeground},
    {kOther, "-p,--port", kPort},
    {kOther, "--host,--address", "an address has its port: --listen HOST:PORT"},
    {kOther, "--pid,--pidfile,--pid-file",
     "no file keeps its number: a shell has $!, systemd the "
     "unit"},
    {kOther, "-g", "each single key of a file is a flag: --help-all lists them"},
    {kOther, "-u,--user,--group,--chroot",
     "start it as the user it is to be; ports below 1024 need CAP_NET_BIND_SERVICE"},
    {kOther, "-n", "--connections-max N bounds the connections of clients"},
    {kOther, "-m", "--memory-max 512MiB bounds the buffers"},
    {kOther, "-v,--verbose,-d,--debug,-l,--log-level", kSpoken},
    {kOther, "--weight,--weights", "a weight stands behind its server: --server HOST:PORT=3"},
    {kOther, "--mode,--tcp,--http",
     "--listen tcp://HOST:PORT balances connections, --listen http://HOST:PORT requests"},
    {kOther, "--tls,--ssl,--https,--cert,--key,--certificate,--ssl-cert,--tls-cert,--acme", kNoTls},
    {kOther, "--health-check,--healthcheck,--health,--check-interval", kNoActiveChecks},
    {kOther, "--backup", kNoBackups},
    {kWord, "backup", kNoBackups},
    {kOther, "--sticky,--sticky-sessions,--cookie,--affinity",
     "it is a key of a pool in a file: sticky_cookie = \"giliran\""},
    {kOther, "--retries,--retry,--max-retries",
     "they are keys of a pool in a file: retries_max, retry_on, retry_budget"},
    {kOther, "--queue,--queue-size,--max-conns,--in-flight-max,--queue-max",
     "they are keys of a pool in a file: in_flight_max, queue_max, queue_timeout"},
    {kOther, "--timeout",
     "each wait has its own: --connect-timeout, --response-timeout, "
     "--idle-timeout and more (--help-all)"},
    {kOther, "--admin,--metrics,--stats,--prometheus,--dashboard,--api",
     "it comes later; until then giliran report reads the log, which has each request"},
    {kOther, "-R,--rate,--rate-limit", "--request-rate-max 50/s is of one client address"},
    {kOther, "--route,--path,--location,--redirect,--header",
     "routes are in a file: [[listener.route]] (docs/configuration.md)"},
    {kValue, "--log-format",
     "the lines of HAProxy are httplog and tcplog, those of NGINX and Apache combined"},
    {kWord, "start,run,serve,up", "leave it out"},
    {kWord, "reload,restart,stop,quit,reopen", kSignals},
    {kWord, "check,test,validate", "giliran check FILE says what is wrong with a file"},
};

constexpr Neighbour kServer[] = {
    {kFlag, "--bind", "--listen"},
    {kFlag, "--workers,--concurrency", "--threads"},
    {kFlag, "--latency,--sleep", "--delay"},
    {kFlag, "--error-rate", "--fail"},
    {kFlag, "--size,--response-size", "--body"},
    {kFlag, "--access-log", "--log"},
    {kOther, "-p,--port", kPort},
    {kOther, "--host,--address,--addr", "an address has its port: --listen HOST:PORT"},
    {kOther, "-t", "--threads N says how many"},
    {kOther, "--status",
     "--fail 100%:503 always answers so; a request asks for one of its own: "
     "?status=503"},
    {kOther, "--cpu,--burn", "--work 2ms burns CPU time for each request"},
    {kOther, "--root,--dir,--directory,--static",
     "no files are served: it answers with its name, or with --body BYTES"},
    {kOther, "--upstream,--to,--fanout",
     "a request asks for it: GET /fanout?to=URL, where --allow-to HOST:PORT lets it"},
    {kOther, "--join",
     "joining a coordinator comes later; name this server there: giliran "
     "coordinator --server HOST:PORT"},
    {kOther, "--tls,--ssl,--https,--cert,--key", kNoTls},
    {kOther, "-D,--daemon,--daemonize,--background", kForeground},
    {kOther, "-s,--reload,--stop", kSignals},
    {kOther, "-v,--verbose,-d,--debug,--log-level", kSpoken},
    {kWord, "start,run,serve,up", "leave it out"},
    {kWord, "reload,restart,stop,quit", kSignals},
};

constexpr Neighbour kLab[] = {
    {kFlag, "-o,--output,--dir,--results", "--out"},
    {kFlag, "--runs,--repetitions,--times", "--repeat"},
    {kFlag, "--silent", "--quiet"},
    {kOther, "-l,--list", "giliran lab list"},
    {kOther, "--show", "giliran lab show NAME"},
    {kOther, "--rerun", "giliran lab rerun DIR"},
    {kOther, "-c,-n,-d,-R,-t,--clients,--connections,--requests,--rate,--servers",
     "what is run is in the scenario: giliran lab show NAME > mine.toml, change it, giliran lab "
     "mine.toml"},
    {kOther, "--html,--json,--log",
     "all of it is written: report.html, result.json and the logs "
     "are in --out DIR"},
    {kOther, "-v,--verbose,--debug", "the logs are in --out DIR, the commands in its commands.txt"},
};

constexpr Neighbour kReport[] = {
    {kFlag, "-n,--top,--limit", "--slowest"},
    {kOther, "--html", "a report as a page comes later; --json writes the findings"},
    {kOther, "-f,--follow", "following a log comes later"},
    {kOther, "-o,--output", "it writes to standard output: > FILE"},
    {kOther, "--format", "--json writes JSON; text is the default"},
    {kOther, "-v,--verbose", "--slowest N shows more of the slowest requests"},
};

constexpr Neighbour kCompare[] = {
    {kFlag, "--old,--before,--baseline", "--a"},
    {kFlag, "--new,--after", "--b"},
    {kFlag, "--tolerance", "--threshold"},
    {kOther, "-o,--output", "--json PATH and --html PATH write the comparison"},
};

constexpr Neighbour kCheck[] = {
    {kFlag, "--dump,--effective,-T", "--print"},
    {kOther, "-c,-f,--config,--file",
     "the file is the argument: giliran check FILE, or - for a "
     "pipe"},
    {kOther, "-t,--test", "leave it out: giliran check FILE starts nothing"},
};

constexpr Neighbour kCommands[] = {
    {kWord, "bench,benchmark,load,loadtest,attack,wrk,wrk2,hey,oha,ab,k6,vegeta,curl,get",
     "giliran client URL -c 50 -d 10s"},
    {kWord, "proxy,lb,balancer,balance,loadbalancer,load-balancer,haproxy,nginx,envoy,start,run,up",
     "giliran coordinator --listen HOST:PORT --server HOST:PORT"},
    {kWord, "backend,upstream,node,worker,httpbin,echo,serve", "giliran server --listen HOST:PORT"},
    {kWord, "validate,lint,test,config,configtest", "giliran check FILE"},
    {kWord, "analyse,analyze,log,logs,stats,halog", "giliran report LOG..."},
    {kWord, "diff,benchstat,merge", "giliran compare A.json B.json"},
    {kWord, "reload,restart,stop,quit,reopen", kSignals},
    {kWord, "top,ctl,simulate,admin,status", "it comes later"},
    {kWord, "scenario,scenarios,experiment,list,show", "giliran lab list"},
};

bool ends_with_one_of(std::string_view text, std::span<const std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

bool is_file_of_keys(std::string_view text) {
  constexpr std::array<std::string_view, 6> kEnds = {".toml", ".cfg", ".conf",
                                                     ".yaml", ".yml", ".ini"};
  return ends_with_one_of(text, kEnds);
}

bool is_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  return colon != std::string_view::npos && base::all_digits(text.substr(colon + 1));
}

std::string_view without_path(std::string_view address) {
  while (address.ends_with('/')) address.remove_suffix(1);
  return address;
}

}  // namespace

std::span<const Neighbour> neighbours_of(std::string_view command) {
  if (command == "client") return kClient;
  if (command == "coordinator") return kCoordinator;
  if (command == "server") return kServer;
  if (command == "lab") return kLab;
  if (command == "report") return kReport;
  if (command == "compare") return kCompare;
  if (command == "check") return kCheck;
  return {};
}

const Neighbour* find_neighbour(std::span<const Neighbour> table, Neighbour::Is is,
                                std::string_view name) {
  const auto find = [&](auto is_it) -> const Neighbour* {
    const auto found = std::ranges::find_if(table, [&](const Neighbour& row) {
      return row.is == is && base::any_name(row.names, is_it);
    });
    return found == table.end() ? nullptr : &*found;
  };
  const Neighbour* whole = find([&](std::string_view each) { return each == name; });
  if (whole != nullptr || name.starts_with("--")) return whole;
  // -R100 too.
  return find([&](std::string_view each) {
    return each.size() == 2 && each.front() == '-' && name.starts_with(each);
  });
}

std::string advice_on_argument(std::string_view command, std::string_view argument) {
  const Neighbour* word = find_neighbour(neighbours_of(command), kWord, argument);
  if (word != nullptr) return std::string(word->here);
  if (command == "coordinator" && argument.starts_with("weight=")) {
    return "a weight stands behind its server: --server HOST:PORT=3";
  }
  const bool serves = command == "coordinator" || command == "server";
  if (serves && is_file_of_keys(argument)) {
    return fmt::format("a file is given with -c: giliran {} -c {}", command, argument);
  }
  std::string address(without_path(argument));
  if (base::all_digits(address)) address.insert(0, "127.0.0.1:");
  if (!serves || !is_address(address)) return {};
  return command == "server"
             ? fmt::format("where to listen is given with --listen {}", address)
             : fmt::format(
                   "give --listen {0} to listen there, --server {1} for a server to send to",
                   address,
                   address.substr(
                       address.find("://") == std::string::npos ? 0 : address.find("://") + 3));
}

std::string advice_on_command(std::string_view argument) {
  if (argument.find("://") != std::string_view::npos || is_address(without_path(argument))) {
    return fmt::format("giliran client {}", argument);
  }
  if (is_file_of_keys(argument)) {
    return fmt::format("giliran coordinator -c {0}, giliran lab {0} or giliran check {0}",
                       argument);
  }
  if (argument.ends_with(".log")) return fmt::format("giliran report {}", argument);
  if (argument.ends_with(".json")) return fmt::format("giliran compare A.json B.json");
  const auto scenarios = lab::scenario_names();
  if (std::ranges::find(scenarios, argument) != scenarios.end()) {
    return fmt::format("giliran lab {}", argument);
  }
  const Neighbour* word = find_neighbour(kCommands, kWord, argument);
  return word == nullptr ? std::string() : std::string(word->here);
}

}  // namespace giliran::cli
