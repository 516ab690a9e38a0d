#include "server/options.h"

namespace giliran::server {

base::Result<Character> ServerOptions::character() const {
  Character read;
  if (!config.empty()) read = GILIRAN_TRY(load_character(config));
  if (delay) read.delay = *delay;
  if (work) read.work = *work;
  if (blocking) read.blocking = true;
  if (fail) read.fail = *fail;
  if (slowdown) read.slowdown = *slowdown;
  if (body_bytes) read.body_bytes = body_bytes;
  return read;
}

}  // namespace giliran::server
