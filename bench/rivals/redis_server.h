#pragma once
// The Redis of those who use one.

#include "rivals/child.h"

namespace bench {

/// Flushes what it was told before it answers.
[[nodiscard]] inline Server redis_server(const Place& place) {
  return {place,
          {"redis-server", "--port", "0", "--unixsocket", "socket", "--appendonly", "yes", "--appendfsync", "always",
           "--save", "", "--loglevel", "warning"},
          "socket"};
}

}  // namespace bench
