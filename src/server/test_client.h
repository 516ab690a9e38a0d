// For tests: a server in this process, and a plain client that blocks.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "net/engine.h"
#include "net/test_loop.h"
#include "net/test_peer.h"
#include "server/server.h"

namespace giliran::server {

inline std::unique_ptr<Server> start_server(ServerOptions options) {
  if (options.listens.empty()) {
    options.listens = {{.scheme = config::Scheme::kHttp, .host_port = "127.0.0.1:0"}};
  }
  if (options.seed == 0) options.seed = 1;
  auto server = Server::start(options);
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

inline base::Address address_of(std::string_view url) {
  auto address = base::Address::parse(url.substr(url.find("://") + 3));
  EXPECT_TRUE(address) << url;
  return *address;
}

// Drains, then waits: every record is written after it.
inline void stop(Server& server) {
  server.drain([] {});
  server.join();
}

// One connection, driven by the calling thread.
class TestClient {
 public:
  explicit TestClient(const base::Address& to) : io_(make(clock_)), peer_(*io_) {
    peer_.connect(to);
    EXPECT_TRUE(net::run_until(*io_, [this] { return peer_.connected; }));
  }
  explicit TestClient(const std::string& url) : TestClient(address_of(url)) {}
  ~TestClient() {
    if (peer_.closed) return;
    peer_.close();
    net::run_until(*io_, [this] { return peer_.closed; });
  }

  // Returns once the kernel has it all.
  void send(std::string text) {
    peer_.send(std::move(text));
    EXPECT_TRUE(net::run_until(*io_, [this] { return !io_->sending(peer_.socket); }));
  }
  // Everything received until it contains `text` at least `times` times.
  std::string until(std::string_view text, size_t times = 1) {
    EXPECT_TRUE(net::run_until(*io_, [&] { return count(peer_.incoming, text) >= times; }))
        << "received: " << peer_.incoming;
    return peer_.incoming;
  }
  // Everything until the server closes.
  std::string until_end() {
    EXPECT_TRUE(net::run_until(*io_, [this] { return peer_.ended || peer_.receive_error != 0; }))
        << "received: " << peer_.incoming;
    return peer_.incoming;
  }
  int receive_error() const { return peer_.receive_error; }
  void half_close() { io_->shutdown_send(peer_.socket); }
  void reset() {
    peer_.close(net::CloseMode::kReset);
    net::run_until(*io_, [this] { return peer_.closed; });
  }
  template <typename Predicate>
  bool wait(Predicate predicate) {
    return net::run_until(*io_, predicate);
  }

 private:
  static std::unique_ptr<net::Io> make(base::Clock& clock) {
    auto io = net::make_epoll_io(clock);
    EXPECT_TRUE(io);
    return std::move(*io);
  }
  static size_t count(std::string_view in, std::string_view what) {
    size_t n = 0;
    for (size_t at = in.find(what); at != in.npos; at = in.find(what, at + what.size())) ++n;
    return n;
  }

  base::SystemClock clock_;
  std::unique_ptr<net::Io> io_;
  net::TestPeer peer_;
};

// GET on a connection of its own; the whole response.
inline std::string get(const std::string& url, const std::string& path,
                       const std::string& fields = "") {
  TestClient client(url);
  client.send("GET " + path + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" + fields + "\r\n");
  return client.until_end();
}

inline std::string body_of(const std::string& response) {
  const size_t at = response.find("\r\n\r\n");
  return at == response.npos ? "" : response.substr(at + 4);
}

// A log in a folder of its own.
class TestLog {
 public:
  TestLog() {
    char name[] = "/tmp/giliran_server_test_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~TestLog() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/server.log"; }
  // The records of that kind.
  std::vector<nlohmann::json> records(std::string_view kind) const {
    std::vector<nlohmann::json> found;
    std::ifstream file(path());
    for (std::string line; std::getline(file, line);) {
      auto record = nlohmann::json::parse(line);
      if (record["kind"] == kind) found.push_back(std::move(record));
    }
    return found;
  }

 private:
  std::string folder_;
};

}  // namespace giliran::server
