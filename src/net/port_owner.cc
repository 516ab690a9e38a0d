// The kernel says of a bind only that it failed. /proc/net has the sockets with their inode and
// user, /proc/PID/fd the inodes of those processes that are ours to see; the two are joined here.
#include "net/port_owner.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/parse.h"

namespace giliran::net {
namespace {

namespace fs = std::filesystem;

struct Held {
  uint64_t inode = 0;
  uint64_t user = 0;
  bool listens = false;
};

// --- the tables of sockets ---

// As the kernel prints it: words of four bytes in the order of this machine, then the port.
std::optional<base::Address> parse_place(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || (colon != 8 && colon != 32)) return std::nullopt;
  std::array<uint32_t, 4> words{};
  const auto number = [](std::string_view digits, auto& out) {
    const char* const end = digits.data() + digits.size();
    return std::from_chars(digits.data(), end, out, 16).ptr == end;
  };
  uint16_t port = 0;
  if (!number(text.substr(colon + 1), port)) return std::nullopt;
  for (size_t i = 0; i < colon / 8; ++i) {
    if (!number(text.substr(i * 8, 8), words[i])) return std::nullopt;
  }
  if (colon == 8) return base::Address::ipv4(ntohl(words[0]), port);
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  name.sin6_port = htons(port);
  std::memcpy(&name.sin6_addr, words.data(), sizeof name.sin6_addr);
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&name), sizeof name);
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

// Whether a socket at `held` is why nobody can bind `wanted`. An IPv6 socket at [::] may have the
// port of IPv4 too.
bool in_the_way(const base::Address& held, const base::Address& wanted) {
  if (held.port() != wanted.port()) return false;
  if (held.is_any()) return held.family() == AF_INET6 || held.family() == wanted.family();
  return held.family() == wanted.family() && (wanted.is_any() || held == wanted);
}

void add_tcp(const char* table, const base::Address& wanted, std::vector<Held>& out) {
  constexpr size_t kPlace = 1, kState = 3, kUser = 7, kInode = 9;
  constexpr std::string_view kListening = "0A";
  std::ifstream in(table);
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() <= kInode) continue;
    const auto place = parse_place(words[kPlace]);
    if (!place || !in_the_way(*place, wanted)) continue;
    // Without an inode it lingers (TIME_WAIT) and belongs to nobody.
    const uint64_t inode = base::parse_uint(words[kInode]).value_or(0);
    if (inode == 0) continue;
    out.push_back({.inode = inode,
                   .user = base::parse_uint(words[kUser]).value_or(0),
                   .listens = words[kState] == kListening});
  }
}

void add_unix(const std::string& path, std::vector<Held>& out) {
  constexpr size_t kInode = 6, kPath = 7;
  std::ifstream in("/proc/net/unix");
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() <= kPath || !line.ends_with(" " + path)) continue;
    out.push_back({.inode = base::parse_uint(words[kInode]).value_or(0), .listens = true});
  }
}

// One that listens, where there is one.
std::optional<Held> find_held(const base::Address& address) {
  std::vector<Held> all;
  if (address.is_unix()) {
    add_unix(address.text().substr(std::string_view("unix:").size()), all);
  } else {
    add_tcp("/proc/net/tcp", address, all);
    add_tcp("/proc/net/tcp6", address, all);
  }
  const auto listens = std::ranges::find(all, true, &Held::listens);
  if (listens != all.end()) return *listens;
  return all.empty() ? std::nullopt : std::optional(all.front());
}

// --- the processes ---

bool has_open(const fs::path& process, const std::string& socket) {
  std::error_code error;
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    if (fs::read_symlink(at->path(), gone) == socket) return true;
  }
  return false;
}

// The first by number: of a master and its workers, the master.
uint64_t process_with(uint64_t inode) {
  const std::string socket = fmt::format("socket:[{}]", inode);
  uint64_t first = 0;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = base::parse_uint(at->path().filename().string());
    if (!pid || (first != 0 && *pid > first)) continue;
    if (has_open(at->path(), socket)) first = *pid;
  }
  return first;
}

// "nginx"; of ours, which of them: "giliran server".
std::string program_of(uint64_t pid) {
  std::ifstream comm(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(comm, name);
  if (name != "giliran") return name;
  std::ifstream line(fmt::format("/proc/{}/cmdline", pid), std::ios::binary);
  std::string program, command;
  std::getline(line, program, '\0');
  std::getline(line, command, '\0');
  return command.empty() ? name : name + ' ' + command;
}

std::string user_name(uint64_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer;
  const int error =
      ::getpwuid_r(static_cast<uid_t>(user), &entry, buffer.data(), buffer.size(), &found);
  return error == 0 && found != nullptr ? entry.pw_name : fmt::format("{}", user);
}

}  // namespace

std::string who_holds(const base::Address& address) {
  const auto held = find_held(address);
  if (!held) return {};
  const uint64_t pid = process_with(held->inode);
  if (pid == static_cast<uint64_t>(::getpid())) return "this process itself";
  if (pid != 0) return fmt::format("{} (pid {})", program_of(pid), pid);
  return address.is_unix() ? "" : fmt::format("a process of user {}", user_name(held->user));
}

}  // namespace giliran::net
