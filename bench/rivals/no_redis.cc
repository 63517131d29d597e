// In the place of redis.cc where there is no hiredis to build it with.

#include "measure.h"
#include "rivals/rivals.h"

namespace bench::redis {

std::string missing() {
  return "libhiredis-dev before the build";
}

double enqueue(std::uint64_t) {
  demand(false, "built without hiredis");
  return 0;
}

double enqueue_pipelined(std::uint64_t count) {
  return enqueue(count);
}

}  // namespace bench::redis
