// A list in Redis.

#include <hiredis/hiredis.h>

#include <deque>
#include <memory>

#include "durable.h"
#include "rivals/redis_server.h"
#include "rivals/rivals.h"

namespace bench::redis {

namespace {

class Client {
 public:
  explicit Client(const Server& server) : context_(redisConnectUnixWithTimeout(server.socket().c_str(), {10, 0})) {
    demand(context_ != nullptr && context_->err == 0 && redisSetTimeout(context_.get(), {10, 0}) == REDIS_OK,
           "Redis takes no connection");
  }
  void push() {
    demand(redisAppendCommand(context_.get(), "RPUSH bench %b", kPayload.data(), kPayload.size()) == REDIS_OK,
           "Redis takes no command");
  }
  // The number it answers to the oldest command that it has not been asked about.
  long long answer() {
    void* got = nullptr;
    demand(redisGetReply(context_.get(), &got) == REDIS_OK, "Redis does not answer");
    const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(got), freeReplyObject);
    demand(reply->type == REDIS_REPLY_INTEGER, "Redis refuses a command");
    return reply->integer;
  }
  void is_kept(std::uint64_t count) {
    demand(redisAppendCommand(context_.get(), "LLEN bench") == REDIS_OK, "Redis takes no command");
    demand(answer() == static_cast<long long>(count), "Redis lost a task");
  }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };
  const std::unique_ptr<redisContext, Free> context_;
};

// One thread, which uses its connections in turn.
double enqueue(std::uint64_t count, std::size_t connections, std::uint64_t in_flight) {
  const Place place;
  const Server server = redis_server(place);
  std::deque<Client> clients;
  for (std::size_t i = 0; i < connections; ++i) clients.emplace_back(server);
  place.settle();
  const auto start = SteadyClock::now();
  for (std::uint64_t i = 0; i < count + in_flight - 1; ++i) {
    if (i < count) clients[i % connections].push();
    if (i >= in_flight - 1) clients[(i - (in_flight - 1)) % connections].answer();
  }
  const double took = seconds_since(start);
  clients.front().is_kept(count);
  return static_cast<double>(count) / took;
}

// Redis reads 16 KiB of each connection between two flushes: with one of them it waits for a slow disk most of the
// time, and with more than these it is not faster.
constexpr std::size_t kConnections = 8;

}  // namespace

std::string missing() {
  return is_in_path("redis-server") ? "" : "redis-server";
}

double enqueue(std::uint64_t count) {
  return enqueue(count, 1, 1);
}

double enqueue_pipelined(std::uint64_t count) {
  return enqueue(count, kConnections, kInFlight);
}

}  // namespace bench::redis
