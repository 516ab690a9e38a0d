#include "control/listen_sockets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/parse.h"
#include "net/listen.h"
#include "net/supervisor.h"
#include "net/tcp_options.h"

namespace giliran::control {
namespace {

constexpr std::string_view kInherited = "fd@";

bool wildcard(const base::Address& address) {
  const std::string host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

// Whether both cannot be bound without sharing the port.
bool clash(const base::Address& a, const base::Address& b) {
  if (a == b) return true;
  return !a.is_unix() && a.family() == b.family() && a.port() == b.port() && a.port() != 0 &&
         (wildcard(a) || wildcard(b));
}

base::Result<Inherited> adopt(int fd, std::string name) {
  net::AdoptedSocket adopted = GILIRAN_TRY(net::adopt_listen_socket(fd));
  return Inherited{.number = fd,
                   .name = std::move(name),
                   .address = adopted.address,
                   .socket = std::make_shared<SharedSocket>(std::move(adopted.socket))};
}

}  // namespace

SharedSocket::~SharedSocket() {
  remove_file();
}

void SharedSocket::remove_file() {
  if (!socket.unix_path.empty()) std::remove(socket.unix_path.c_str());
  socket.unix_path.clear();
}

base::Result<std::vector<Inherited>> take_inherited(const config::Coordinator& config,
                                                    std::vector<std::string>& warnings) {
  std::vector<Inherited> all;
  for (const net::InheritedSocket& passed : GILIRAN_TRY(net::inherited_listen_sockets())) {
    auto adopted = adopt(passed.fd, passed.name);
    if (adopted) {
      all.push_back(std::move(*adopted));
    } else {
      warnings.push_back(fmt::format("inherited {}: not used", adopted.error().message));
    }
  }
  for (const config::Listener& listener : config.listeners) {
    const std::string& where = listener.listen.host_port;
    if (!where.starts_with(kInherited)) continue;
    const int fd =
        static_cast<int>(GILIRAN_TRY(base::parse_uint(where.substr(kInherited.size()), 65535)));
    if (std::ranges::find(all, fd, &Inherited::number) != all.end()) continue;
    auto adopted = adopt(fd, "");
    if (!adopted) return base::fail(fmt::format("{}: {}", where, adopted.error().message));
    all.push_back(std::move(*adopted));
  }
  return all;
}

base::Result<ListenSockets::Change> ListenSockets::prepare(const Plan& plan,
                                                           const net::TcpOptions& tcp) const {
  Change change;
  for (const Place& place : plan.places) {
    Listening* listening = find(plan, place, change);
    if (listening == nullptr) {
      change.opened.push_back(GILIRAN_TRY(open(plan, place, tcp)));
      listening = change.opened.back().get();
    }
    change.all.push_back(listening);
  }
  for (const auto& listening : listening_) {
    if (std::ranges::find(change.all, listening.get()) == change.all.end()) {
      change.removed.push_back(listening.get());
    }
  }
  return change;
}

void ListenSockets::commit(Change& change) {
  for (Listening* removed : change.removed) {
    const auto it = std::ranges::find(listening_, removed, &std::unique_ptr<Listening>::get);
    stopping_.push_back(std::move(*it));
    listening_.erase(it);
  }
  std::ranges::move(change.opened, std::back_inserter(listening_));
  change.opened.clear();
  for (const auto& gone : stopping_) {
    const bool used = std::ranges::any_of(
        listening_, [&](const auto& listening) { return listening->shared == gone->shared; });
    if (gone->shared != nullptr && !used) gone->shared->remove_file();
  }
}

void ListenSockets::stopped(size_t number) {
  std::erase_if(stopping_, [&](const auto& listening) { return listening->number == number; });
}

// The one that is there already for the place: same scheme, same address as it was written. Of
// several with port 0, each is taken once.
Listening* ListenSockets::find(const Plan& plan, const Place& place, const Change& change) const {
  const config::Scheme scheme = plan.config.listeners[place.listener].listen.scheme;
  for (const auto& listening : listening_) {
    if (listening->scheme != scheme || listening->descriptor != place.descriptor) continue;
    if (listening->wanted != place.address && listening->bound != place.address) continue;
    if (std::ranges::find(change.all, listening.get()) != change.all.end()) continue;
    return listening.get();
  }
  return nullptr;
}

base::Result<std::unique_ptr<Listening>> ListenSockets::open(const Plan& plan, const Place& place,
                                                             const net::TcpOptions& tcp) const {
  auto listening = std::make_unique<Listening>();
  listening->scheme = plan.config.listeners[place.listener].listen.scheme;
  listening->wanted = listening->bound = place.address;
  listening->descriptor = place.descriptor;
  const auto same = std::ranges::find_if(inherited_, [&](const Inherited& inherited) {
    return place.descriptor >= 0 ? inherited.number == place.descriptor
                                 : inherited.address == place.address;
  });
  base::Result<void> opened;
  if (same != inherited_.end()) {
    listening->shared = same->socket;
    listening->inherited = true;
    net::set_tcp_options(same->socket->socket.fd.get(), same->address.family(), tcp);
  } else if (place.address.is_unix()) {
    opened = open_shared(*listening, tcp);
  } else {
    opened = open_own(*listening, tcp);
  }
  if (opened) return listening;
  // A flag is said where the address is chosen by one.
  const bool by_flag = !plan.from_file && plan.config.listeners[place.listener].name.empty();
  const int code = opened.error().code;
  std::string message =
      code == 0 ? opened.error().message
                : net::listen_error(place.address, by_flag ? "--listen" : "", code).message;
  if (!by_flag) message = fmt::format("{}: {}", plan.name_of(place), message);
  for (const Inherited& inherited : inherited_) {
    if (place.address.port() == 0 || inherited.address.port() != place.address.port()) continue;
    message += fmt::format("; a socket for {} is inherited: listen there, or at fd@{}",
                           inherited.address.text(), inherited.number);
  }
  return base::fail(std::move(message), code);
}

// A Unix socket that listens already as another scheme goes on as this one.
base::Result<void> ListenSockets::open_shared(Listening& listening,
                                              const net::TcpOptions& tcp) const {
  for (const auto& other : listening_) {
    if (other->bound == listening.wanted) listening.shared = other->shared;
  }
  if (listening.shared != nullptr) return {};
  GILIRAN_TRY_VOID(net::probe_listen(listening.wanted, ""));
  listening.shared = std::make_shared<SharedSocket>(
      GILIRAN_TRY(net::open_listen_socket(listening.wanted, {.tcp = tcp})));
  return {};
}

// One for each worker on the same port. Sharing the port is always on, so that a reload may open
// the same address beside a socket that is about to stop; the probe keeps others from doing so.
base::Result<void> ListenSockets::open_own(Listening& listening, const net::TcpOptions& tcp) const {
  if (!is_ours(listening.wanted)) GILIRAN_TRY_VOID(net::probe_listen(listening.wanted, ""));
  for (uint32_t i = 0; i < workers_; ++i) {
    net::ListenSocket socket =
        GILIRAN_TRY(net::open_listen_socket(listening.bound, {.reuse_port = true, .tcp = tcp}));
    listening.bound = net::bound_address(socket);  // the port that was free, where 0 was asked
    listening.fds.push_back(socket.fd.get());
    listening.own.push_back(std::move(socket.fd));
  }
  return {};
}

bool ListenSockets::is_ours(const base::Address& address) const {
  const auto holds = [&](const auto& listening) {
    return !listening->inherited && clash(listening->bound, address);
  };
  return std::ranges::any_of(listening_, holds) || std::ranges::any_of(stopping_, holds);
}

void ListenSockets::set_tcp(const net::TcpOptions& tcp) const {
  for (const auto& listening : listening_) {
    const int family = listening->bound.family();
    for (const int fd : listening->fds) net::set_tcp_options(fd, family, tcp);
    if (listening->shared != nullptr) {
      net::set_tcp_options(listening->shared->socket.fd.get(), family, tcp);
    }
  }
}

std::vector<std::pair<int, base::Address>> ListenSockets::inherited() const {
  std::vector<std::pair<int, base::Address>> all;
  for (const Inherited& inherited : inherited_) {
    all.emplace_back(inherited.number, inherited.address);
  }
  return all;
}

std::vector<std::string> ListenSockets::unused() const {
  std::vector<std::string> all;
  for (const Inherited& inherited : inherited_) {
    const bool used = std::ranges::any_of(
        listening_, [&](const auto& listening) { return listening->shared == inherited.socket; });
    if (!used) {
      all.push_back(fmt::format("fd@{} ({})", inherited.number, inherited.address.text()));
    }
  }
  return all;
}

}  // namespace giliran::control
