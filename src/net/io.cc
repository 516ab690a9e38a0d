#include "net/io.h"

#include "base/assert.h"

namespace giliran::net {

void SocketEvents::on_connected(SocketId, int) {
  GILIRAN_ASSERT(false && "a socket nobody connected");
}
void SocketEvents::on_spliced(SocketId, Spliced) {
  GILIRAN_ASSERT(false && "a splice nobody asked for");
}
void SocketEvents::on_hangup(SocketId) {
  GILIRAN_ASSERT(false && "a hang-up nobody watches");
}
void SocketEvents::on_peer_ended(SocketId) {
  GILIRAN_ASSERT(false && "an end nobody watches");
}

}  // namespace giliran::net
