// Transactions of the callers' own, and of bodies that end their tasks in one.

#include <errand/codec.h>
#include <errand/sqlite.h>

#include "durable_world.h"
#include "sqlite/store.h"

namespace sim {

struct Letter {
  std::string text;
  static constexpr std::string_view kind = "says";
};

}  // namespace sim

template <>
struct errand::Codec<sim::Letter> {
  static constexpr std::string_view content_type = "text/plain";
  static errand::Result<std::string> encode(const sim::Letter& letter) { return letter.text; }
  static errand::Result<sim::Letter> decode(std::string_view bytes, std::string_view) {
    return sim::Letter{std::string(bytes)};
  }
};

namespace sim {

using namespace std::chrono_literals;
using errand::Result;
using errand::TaskId;

namespace {

// A transaction of the store behind the watched one.
struct WatchedTransaction {
  errand::Transaction& tx;
  const errand::Store& store;
  std::vector<errand::NewTask> tasks{};
  std::vector<Result<errand::Added>> added{};
  std::optional<errand::Finish> finished{};

  Result<errand::Added> add(const errand::NewTask& task, errand::WallTime now) {
    auto one = tx.add(task, now);
    tasks.push_back(task);
    added.push_back(one);
    return one;
  }
  Result<void> finish(const errand::Finish& finish, errand::WallTime now) {
    finished = finish;
    return tx.finish(finish, now);
  }
  [[nodiscard]] bool is_of(const errand::Store& other) const { return &store == &other; }
};

}  // namespace

void World::enqueue_in_transaction(Line& line) {
  if (where_ == Where::memory || store_->is_away) return enqueue(line);
  transact(line, nullptr);
}

// The body ends its task, and what follows it comes with that. False: the claim stands as before.
bool World::completes_in_transaction(errand::Attempt& attempt) {
  if (where_ == Where::memory || store_->is_away) return false;
  const std::string& queue = oracle_.tasks().at(attempt.id().value).queue;
  return transact(queue == lines_[0].queue->name() ? lines_[0] : lines_[1], &attempt);
}

// Enqueues some, and completes the attempt, if there is one; or takes it all back.
bool World::transact(Line& line, errand::Attempt* attempt) {
  auto& inner = static_cast<errand::sqlite::SqliteTasks&>(*store_->inner());
  const bool rolls_back = one_in(3);
  std::optional<errand::Error> not_finished;
  WatchedTransaction* watched = nullptr;
  std::optional<WatchedTransaction> kept;
  const auto body = [&](errand::Transaction& tx) -> Result<void> {
    watched = &kept.emplace(WatchedTransaction{tx, *store_});
    for (std::uint64_t left = attempt == nullptr ? 1 + rng_.below(3) : rng_.below(2); left > 0; --left) {
      std::uint64_t watch = 0;
      errand::TaskOptions options = this->options(line, &watch);
      options.on_finish = {};
      const std::string payload = oracle_.asks();
      oracle_.asks_to_be_unique(payload, options.unique, clock_->now());
      auto task = line.queue->enqueue(*watched, Letter{payload}, std::move(options));
      if (!task && task.error().code() != errand::Code::duplicate) return task.error();
    }
    if (attempt != nullptr) {
      if (auto done = errand::complete(*watched, *attempt); !done) {
        not_finished = done.error();
        return done;
      }
    }
    if (rolls_back) return errand::Error(errand::Code::failed, "rolled back");
    return {};
  };
  oracle_.hears(clock_->now());
  const auto done = inner.transaction(body, 5s);
  const std::vector<errand::NewTask> tasks = watched != nullptr ? watched->tasks : std::vector<errand::NewTask>();
  if (not_finished && not_finished->code() == errand::Code::lease_lost)
    oracle_.breaks("a body could not complete its task: " + not_finished->message());
  if (rolls_back && !done) {
    oracle_.count("rolled back");
    return false;
  }
  oracle_.count("transactions");
  if (!done) {
    oracle_.transaction_failed(tasks, attempt != nullptr ? attempt->id() : TaskId{}, store_->is_faulty);
    return false;
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) oracle_.added(tasks[i], watched->added[i], clock_->now());
  if (watched->finished) oracle_.completed(*watched->finished);
  return watched->finished.has_value();
}

}  // namespace sim
