// Whole runs with threads and real sockets on the loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "client/options.h"
#include "client/test_server.h"
#include "net/engine.h"
#include "net/listen.h"

namespace giliran::client {
namespace {

using nlohmann::json;

// A TestServer on a thread of its own.
class ServerThread {
 public:
  explicit ServerThread(TestServerOptions options)
      : io_(net::make_epoll_io(clock_).value()),
        server_(std::make_unique<TestServer>(*io_, std::move(options))),
        address_(server_->listen(base::Address::loopback(0))),
        thread_([this] { io_->run(); }) {}
  ~ServerThread() { stop(); }

  // After it, the server may be looked at.
  const TestServer& stop() {
    if (thread_.joinable()) {
      io_->stop();
      thread_.join();
    }
    return *server_;
  }
  std::string url(std::string_view scheme) const {
    return std::string(scheme) + "://" + address_.text();
  }

 private:
  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_;
  std::unique_ptr<TestServer> server_;
  base::Address address_;
  std::thread thread_;
};

class RunClientTest : public testing::Test {
 protected:
  RunClientTest() {
    directory_ = testing::TempDir() + "giliran_client_" + std::to_string(::getpid());
    std::filesystem::create_directory(directory_);
  }
  ~RunClientTest() override { std::filesystem::remove_all(directory_); }

  ClientOptions options(std::string url) {
    ClientOptions options;
    options.url = std::move(url);
    options.threads = 2;
    options.log_path = directory_ + "/client.log";
    options.log_full = telemetry::LogFull::kWait;
    options.json_path = directory_ + "/result.json";
    options.quiet = true;
    options.seed = 1;
    options.timeout = std::chrono::seconds(20);
    return options;
  }
  json result() const { return json::parse(std::ifstream(directory_ + "/result.json")); }
  std::vector<json> log() const {
    std::vector<json> records;
    std::ifstream file(directory_ + "/client.log");
    for (std::string line; std::getline(file, line);) records.push_back(json::parse(line));
    std::erase_if(records, [](const json& r) { return r.contains("pid"); });  // marks
    return records;
  }

  std::string directory_;
};

TEST_F(RunClientTest, ExactlySoManyRequestsOverTwoThreads) {
  ServerThread server({});
  ClientOptions asked = options(server.url("http"));
  asked.connections = 7;
  asked.requests = 3001;
  EXPECT_EQ(run_client(asked), 0);
  EXPECT_EQ(server.stop().requests(), 3001u);
  EXPECT_EQ(server.stop().connections(), 7u);
  const json totals = result()["totals"];
  EXPECT_EQ(totals["issued"], 3001);
  EXPECT_EQ(totals["answered"], 3001);
  EXPECT_EQ(totals["bytes_out"], server.stop().bytes_in());
  const auto records = log();
  ASSERT_EQ(records.size(), 3001u);
  std::vector<bool> seen(3002);
  for (const json& record : records) {
    EXPECT_EQ(record["end"], "ok");
    seen[record["id"].get<size_t>()] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 3001);
}

TEST_F(RunClientTest, TcpLinesUntilTheDeadline) {
  ServerThread server({.http = false, .answer = "s1 hello\n"});
  ClientOptions asked = options(server.url("tcp"));
  asked.connections = 3;
  asked.duration = std::chrono::milliseconds(200);
  EXPECT_EQ(run_client(asked), 0);
  const json object = result();
  EXPECT_EQ(object["totals"]["issued"], server.stop().requests());
  EXPECT_EQ(object["totals"]["failed"], 0);
  EXPECT_GE(object["issuing_s"].get<double>(), 0.2);
  uint64_t messages = 0, flows = 0;
  for (const json& record : log()) ++(record["kind"] == "flow" ? flows : messages);
  EXPECT_EQ(messages, server.stop().requests());
  EXPECT_EQ(flows, 3u);
}

TEST_F(RunClientTest, NothingThatSucceedsIsStatusOne) {
  ClientOptions asked = options("http://127.0.0.1:" + std::to_string(*net::free_port()));
  asked.requests = 4;
  asked.connections = 4;
  EXPECT_EQ(run_client(asked), 1);
  EXPECT_EQ(result()["errors"], json({{"connect-refused", 4}}));
  EXPECT_EQ(log().size(), 4u);
}

TEST_F(RunClientTest, AMissedThresholdIsSaidWhereNothingSucceededToo) {
  ClientOptions asked = options("http://127.0.0.1:" + std::to_string(*net::free_port()));
  asked.requests = 4;
  asked.expect = *report::Expectation::parse_list("errors<1%");
  EXPECT_EQ(run_client(asked), 3);
}

TEST_F(RunClientTest, AnotherRunsLogIsNotAddedToUnasked) {
  ServerThread server({});
  ClientOptions asked = options(server.url("http"));
  asked.requests = 10;
  EXPECT_EQ(run_client(asked), 0);
  EXPECT_EQ(run_client(asked), 2);
  EXPECT_EQ(log().size(), 10u);
  asked.append = true;
  EXPECT_EQ(run_client(asked), 0);
  const std::vector<json> records = log();
  ASSERT_EQ(records.size(), 20u);
  std::set<std::string> runs, traces;
  for (const json& record : records) {
    runs.insert(record["run"].get<std::string>());
    traces.insert(record["trace"].get<std::string>());
  }
  EXPECT_EQ(runs.size(), 2u);
  EXPECT_EQ(traces.size(), 20u) << "of the same seed, and yet told apart";
  EXPECT_TRUE(runs.contains(result()["run"].get<std::string>()));
  asked.log_path = {};
  EXPECT_EQ(run_client(asked), 2);
}

TEST_F(RunClientTest, BadUsageIsStatusTwo) {
  ClientOptions asked = options("nonsense");
  EXPECT_EQ(run_client(asked), 2);
  asked = options("tcp://127.0.0.1:1");
  asked.json_path = directory_ + "/no/such/directory";
  EXPECT_EQ(run_client(asked), 2);
  asked = options("tcp://127.0.0.1:1");
  asked.html_path = asked.json_path;
  EXPECT_EQ(run_client(asked), 2);
  asked.json_path = asked.html_path = "-";
  EXPECT_EQ(run_client(asked), 2);
  asked.html_path = {};
  asked.progress = Progress::kJson;
  EXPECT_EQ(run_client(asked), 2);
}

// Not after a search of minutes.
TEST_F(RunClientTest, ASearchOpensItsFilesBeforeItStarts) {
  ServerThread server({});
  ClientOptions asked = options(server.url("http"));
  asked.log_path = {};
  asked.find_max = *report::Expectation::parse_list("errors<50%");
  asked.step_duration = std::chrono::milliseconds(50);
  asked.json_path = directory_ + "/no/such/directory";
  EXPECT_EQ(run_client(asked), 2);
  asked.json_path = directory_ + "/result.json";
  asked.coordinator_log = directory_ + "/no.log";
  EXPECT_EQ(run_client(asked), 2);
  asked.coordinator_log = {};
  for (const double rate : {0.01, 20e6}) {
    asked.start_rate = rate;
    EXPECT_EQ(run_client(asked), 2);
  }
  EXPECT_EQ(server.stop().requests(), 0u);
}

TEST_F(RunClientTest, AnInterruptEndsItWithASummary) {
  // Blocked in every thread of this test, so that no other thread takes the signal.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &set, &before);
  std::atomic<bool> asked_once = false;
  ServerThread server({.on_request = [&] { asked_once = true; }});
  ClientOptions asked = options(server.url("http"));
  asked.duration = std::chrono::minutes(5);
  std::thread interrupter([&] {
    while (!asked_once) std::this_thread::yield();
    ::kill(::getpid(), SIGTERM);
  });
  EXPECT_EQ(run_client(asked), 128 + SIGTERM);
  interrupter.join();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(result()["interrupted"], true);
  EXPECT_EQ(result()["totals"]["failed"], 0);
}

TEST_F(RunClientTest, ProgressIsOneObjectALine) {
  ServerThread server({});
  ClientOptions asked = options(server.url("http"));
  asked.progress = Progress::kJson;
  asked.requests = 100;
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_client(asked), 0);
  std::istringstream lines(testing::internal::GetCapturedStdout());
  std::vector<json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(json::parse(line));
  ASSERT_FALSE(objects.empty());
  EXPECT_EQ(objects.back()["requests"], 100);
  EXPECT_EQ(objects.back()["servers"]["s1"], 100);
}

}  // namespace
}  // namespace giliran::client
