// A socket that listens, made from an address.
#pragma once

#include <string>
#include <string_view>

#include "base/address.h"
#include "base/error.h"
#include "net/descriptor.h"
#include "net/io.h"

namespace giliran::net {

struct ListenSocket {
  Descriptor fd;          // non-blocking, close-on-exec
  std::string unix_path;  // the file to unlink at the end; empty: none
};

// Binds and listens. Takes over the file of a Unix socket nobody listens on any more.
base::Result<ListenSocket> open_listen_socket(const base::Address& address,
                                              const ListenOptions& options);

// The address it is bound to: the port, where 0 was asked.
base::Address bound_address(const ListenSocket& socket);

// A listening socket of somebody else's making (inherited from a supervisor): checked, made
// non-blocking and close-on-exec, and given the options its accepted sockets are to have.
struct AdoptedSocket {
  ListenSocket socket;  // without unix_path: the file is not ours
  base::Address address;
};
// Takes the descriptor over, also where it fails. An error says what is wrong with it.
base::Result<AdoptedSocket> adopt_listen_socket(int fd, const TcpOptions& tcp = {});

// What went wrong with listening on an address, for a person; `flag` changes the address.
base::Error listen_error(const base::Address& address, std::string_view flag, int error);

// Binds a new non-blocking socket to the address, but does not listen. 0 or errno.
int bind_socket(const base::Address& address, bool reuse_port, Descriptor& out);

// The path of a Unix address in the file system; empty for every other address.
std::string unix_file(const base::Address& address);

// Whether the file is a Unix socket nobody listens on (its owner has gone).
bool is_stale_unix_socket(const base::Address& address);

}  // namespace giliran::net
