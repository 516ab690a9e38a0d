// Who has an address that is in use, for the message that says so.
#pragma once

#include <string>

#include "base/address.h"

namespace giliran::net {

// "nginx (pid 812)", "this process itself", "a process of user www-data"; empty where /proc does
// not tell. Reads the tables of sockets and the descriptors of every process it may: slow, for
// errors before a start only.
std::string who_holds(const base::Address& address);

}  // namespace giliran::net
