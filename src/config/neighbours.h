// The words of other programs (haproxy, nginx, envoy, traefik, caddy) in a coordinator's file: what
// stands for each here.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace giliran::config {

// What is not there yet, whether a file or a flag asks for it.
inline constexpr std::string_view kNoTls =
    "there is no TLS yet: let a program in front end it, or listen at tcp:// and let the servers "
    "do it";
inline constexpr std::string_view kNoBackups =
    "there are no backup servers yet: every server of a pool has its turn";
inline constexpr std::string_view kNoActiveChecks =
    "there are no active checks yet: a server that does not connect, or keeps failing, is left out "
    "and tried again (mark_down_after in [[pool]]; backoff_first in [timeouts], or "
    "--backoff-first)";

// What stands here for a key that is not known: `inside` is the dotted path of its table, empty at
// the top. Empty: no word of anybody's. Case does not count, '-' and '_' are the same.
std::string_view advice_on_key(std::string_view inside, std::string_view name);

// What to write instead of a policy that is not one of `known`: "did you mean 'round-robin'?".
std::string advice_on_policy(std::string_view name, std::span<const std::string_view> known);

}  // namespace giliran::config
