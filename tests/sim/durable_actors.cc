// What callers and workers do, in whatever order the stage has them.

#include <stdexcept>

#include "durable_world.h"

namespace sim {

using namespace std::chrono_literals;
using errand::Result;
using errand::TaskId;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

// --- the process -----------------------------------------------------------------------------------------------------

void World::handle(Line& line) {
  const auto keep = 24h * 3650;
  const errand::HandlerOptions options{.keep_completed = keep, .keep_cancelled = keep, .keep_discarded = keep};
  line.queue->handle(
      "says", [this](std::span<const std::byte>, errand::Attempt& attempt) { return says(attempt); }, options);
  line.queue->handle(
      "returns", [this](std::span<const std::byte>, errand::Attempt& attempt) { returns(attempt); }, options);
}

void World::stores_thread() {
  errand::durable::Hub& hub = lines_[0].tasks->hub();
  while (goes_on()) {
    const std::uint32_t seen = hub.committer.word().load(std::memory_order_acquire);
    const errand::WaitUntil until = hub.step();
    clock_->wait(hub.committer.word(), seen, until);
  }
}

void World::worker(int line_number, int number) {
  Line& line = lines_[static_cast<std::size_t>(line_number)];
  errand::detail::Engine& engine = *line.engine;
  errand::detail::Worker& worker = *line.workers[static_cast<std::size_t>(number)];
  while (goes_on()) {
    errand::detail::Worker::Claimed claimed;
    {
      const errand::detail::Seat seat(engine, &worker);
      while (engine.step_timers()) {
      }
      engine.run_callbacks();
      const bool calm = !line.pause_in_hand;
      const Paused paused{calm && oracle_.is_paused(line.queue->name()), calm && line.paused};
      claimed = worker.claim();
      if (claimed.record != nullptr) taken(line, TaskId{errand::detail::id_of(*claimed.record, claimed.word)}, paused);
    }
    if (claimed.record == nullptr) {
      stage_->idle();
      continue;
    }
    const errand::detail::Seat seat(engine, &worker);
    worker.run(claimed);
    if (one_in(4)) worker.settle();
    stage_->pause();
  }
}

void World::taken(const Line& line, TaskId record, Paused paused) {
  if (const TaskId named = line.tasks->task_of(record.value)) return oracle_.taken(named, paused.named);
  if (!store_->is_dead()) oracle_.closure_taken(record, paused.closures);
}

errand::Outcome World::says(errand::Attempt& attempt) {
  const Said said = body(attempt, true);
  switch (said.what) {
    case Said::What::retry:
      return errand::retry("again");
    case Said::What::snooze:
      return errand::snooze(errand::Duration(1 + rng_.below(500'000'000)));
    case Said::What::cancel:
      return errand::cancel("no need");
    case Said::What::discard:
      return errand::discard("no use");
    case Said::What::threw:
      throw std::runtime_error("thrown");
    default:
      return errand::done();
  }
}

void World::returns(errand::Attempt& attempt) {
  if (body(attempt, false).what == Said::What::threw) throw std::runtime_error("thrown");
}

Said World::body(errand::Attempt& attempt, bool explicitly) {
  const bool heard = !store_->is_dead();
  if (heard) {
    const auto payload = attempt.payload();
    oracle_.begins(attempt.id(), payload, attempt.number(), clock_->now());
  }
  bool completed = false;
  for (std::uint64_t turns = rng_.below(6); turns > 0 && !store_->is_dead(); --turns) {
    if (heard && !completed && one_in(12)) completed = completes_in_transaction(attempt);
    stage_->pause();
  }
  Said said;
  said.stop = attempt.stop_reason();
  using What = Said::What;
  constexpr What kSaid[] = {What::done,   What::done,   What::retry,  What::threw,
                            What::snooze, What::cancel, What::discard};
  said.what = explicitly ? kSaid[rng_.below(std::size(kSaid))] : one_in(3) ? What::threw : What::returned;
  if (is_last_ && !one_in(4)) said.what = explicitly ? What::done : What::returned;
  if (store_->is_dead()) return said;
  if (completed) {
    oracle_.ends_late(attempt.id());
  } else {
    oracle_.ends(attempt.id(), said);
  }
  return said;
}

// --- callers ---------------------------------------------------------------------------------------------------------

void World::caller() {
  while (goes_on()) {
    Line& line = lines_[rng_.below(kQueues)];
    const std::uint64_t dice = rng_.below(100);
    if (dice < 29) {
      enqueue(line);
    } else if (dice < 36) {
      submit(line);
    } else if (dice < 37) {
      cancel_closure(line);
    } else if (dice < 45) {
      enqueue_many(line);
    } else if (dice < 52) {
      enqueue_in_transaction(line);
    } else if (dice < 56) {
      enqueue_and_wait(line);
    } else if (dice < 63) {
      cancel(line);
    } else if (dice < 75) {
      change(line);
    } else if (dice < 77) {
      pause_or_resume(line, true);
    } else if (dice < 83) {
      pause_or_resume(line, false);
    } else if (dice < 86) {
      tell_again();
    } else if (dice < 90) {
      advance_schedule(line);
    } else {
      keep_schedule(line);
    }
    stage_->pause();
  }
}

// In the last life: nothing stands in the way of any task any more, nor of any slot; and then no more slots come.
void World::healer() {
  for (Line& line : lines_) {
    line.queue->resume();
    const auto released = line.queue->change({.all = true}, {.what = errand::Change::What::release});
    if (!released) oracle_.breaks("tasks can't be released: " + released.error().message());
    for (const std::string& name : oracle_.schedules_of(line.queue->name())) {
      if (auto schedule = line.queue->schedule(name)) schedule->resume();
    }
  }
  healed_ = true;
  const std::atomic<std::uint32_t> nobody{0};
  clock_->wait(nobody, 0, {clock_->mono() + 5s, {}});
  for (Line& line : lines_) {
    for (const std::string& name : oracle_.schedules_of(line.queue->name())) {
      if (auto schedule = line.queue->schedule(name)) schedule->cancel();
    }
  }
  no_more_slots_ = true;
}

// Nobody and nothing is about to disturb a line.
World::Calm World::calm() const {
  const bool well =
      !store_->is_faulty && !store_->is_away && !store_->is_dead() && !lines_[0].tasks->committer().trouble();
  return {well, busy_ == 0, disturbed_};
}

bool World::is_calm_since(const Calm& before) const {
  const Calm now = calm();
  return before.is_well && now.is_well && before.is_quiet && before.disturbed == now.disturbed;
}

void World::disturb(Line& line, const std::function<void()>& act) {
  oracle_.stirs(line.queue->name());
  ++busy_;
  ++disturbed_;
  act();
  --busy_;
}

std::optional<TaskId> World::any_task(const Line& line, bool lives) {
  std::vector<TaskId> ids;
  for (const auto& [id, task] : oracle_.tasks()) {
    const bool is_meant = !task.removed && !(lives && task.final);
    if (task.queue == line.queue->name() && is_meant) ids.push_back(TaskId{id});
  }
  if (ids.empty()) return std::nullopt;
  // The last ones are more likely to be on their way.
  const std::size_t few = std::min<std::size_t>(ids.size(), one_in(2) ? 6 : 1000);
  return ids[ids.size() - 1 - rng_.below(few)];
}

errand::Unique World::unique() {
  using errand::bit;
  using errand::TaskState;
  errand::Unique unique{.key = "key " + std::to_string(rng_.below(3))};
  unique.on_clash = static_cast<errand::OnClash>(rng_.below(5));
  if (one_in(3)) unique.within = std::chrono::microseconds(1 + rng_.below(one_in(3) ? 3'600'000'000 : 3'000'000));
  constexpr std::uint16_t kStates[] = {errand::kWaitingStates,
                                       errand::kWaitingStates | bit(TaskState::discarded),
                                       errand::kLiveStates | bit(TaskState::completed),
                                       errand::kLiveStates | bit(TaskState::cancelled),
                                       bit(TaskState::running) | bit(TaskState::completed),
                                       bit(TaskState::running),
                                       bit(TaskState::completed),
                                       bit(TaskState::discarded) | bit(TaskState::cancelled)};
  if (one_in(3)) unique.states = kStates[rng_.below(std::size(kStates))];
  return unique;
}

errand::TaskOptions World::options(Line&, std::uint64_t* watch) {
  errand::TaskOptions options;
  const std::uint64_t dice = rng_.below(100);
  if (dice < 20) options.delay = errand::Duration(rng_.below(4'000'000'000));
  if (dice >= 20 && dice < 25) options.at = clock_->now() + errand::Duration(rng_.below(4'000'000'000));
  if (one_in(2)) options.priority = static_cast<int>(rng_.below(10));
  options.max_attempts = 1 + static_cast<int>(rng_.below(4));
  options.retry = errand::Retry::fixed(errand::Duration(1'000'000 + rng_.below(2'000'000'000)));
  if (one_in(7)) options.timeout = errand::Duration(1 + rng_.below(1'000'000'000));
  if (one_in(9)) options.expires_at = clock_->now() + errand::Duration(rng_.below(3'000'000'000));
  if (one_in(4)) options.unique = unique();
  const std::uint16_t states = options.unique.states.value_or(options.unique.within > 0s ? errand::kAllStates : 0);
  options.ephemeral = one_in(10) && (states & errand::bit(errand::TaskState::completed)) == 0;
  *watch = 0;
  if (one_in(2)) {
    *watch = ++watches_;
    options.on_finish = [this, number = *watch, life = lives_](const errand::TaskInfo& info) {
      if (life == lives_ && !store_->is_dead()) oracle_.on_finish(number, info);
    };
  }
  return options;
}

void World::told(const std::string& payload, const Result<errand::Task<>>& task, Line& line,
                 const errand::TaskOptions& options, std::uint64_t watch, const Calm& before) {
  if (store_->is_dead()) return;
  if (!task) {
    const bool faulty = !before.is_well || !calm().is_well || before.disturbed != disturbed_;
    return oracle_.refused(payload, task.error(), faulty);
  }
  const bool now = options.delay == errand::Duration::zero() && !options.at;
  const bool in_line = now && is_calm_since(before) && !oracle_.is_paused(line.queue->name());
  oracle_.accepted(payload, task->id(), task->existed(), in_line);
  if (watch != 0) oracle_.watches(task->id(), watch);
}

void World::enqueue(Line& line) {
  std::uint64_t watch = 0;
  errand::TaskOptions options = this->options(line, &watch);
  const errand::TaskOptions as_asked{.delay = options.delay, .at = options.at};
  const Calm before = calm();
  const std::string payload = oracle_.asks();
  oracle_.asks_to_be_unique(payload, options.unique, clock_->now());
  const bool says = !options.unique.empty() || !one_in(3);
  auto task = line.queue->enqueue_bytes(says ? "says" : "returns", bytes_of(payload), std::move(options));
  told(payload, task, line, as_asked, watch, before);
}

void World::enqueue_many(Line& line) {
  std::vector<errand::Named> tasks;
  std::vector<std::string> payloads;
  std::vector<std::uint64_t> watches;
  std::vector<errand::TaskOptions> asked;
  const Calm before = calm();
  const bool alike = one_in(2);  // a backlog, of no importance
  for (std::uint64_t left = 1 + rng_.below(alike ? 24 : 4); left > 0; --left) {
    watches.push_back(0);
    errand::TaskOptions options = this->options(line, &watches.back());
    if (alike) options = {.priority = 9, .max_attempts = 2, .retry = errand::Retry::fixed(1s)}, watches.back() = 0;
    asked.push_back({.delay = options.delay, .at = options.at});
    payloads.push_back(oracle_.asks());
    oracle_.asks_to_be_unique(payloads.back(), options.unique, clock_->now());
    tasks.push_back({.kind = "says", .payload = payloads.back(), .options = std::move(options)});
  }
  const auto results = line.queue->enqueue_many(std::move(tasks));
  for (std::size_t i = 0; i < results.size(); ++i) told(payloads[i], results[i], line, asked[i], watches[i], before);
}

void World::enqueue_and_wait(Line& line) {
  const Calm before = calm();
  const std::string payload = oracle_.asks();
  auto task =
      line.queue->enqueue_bytes("says", bytes_of(payload), {.max_attempts = 2, .retry = errand::Retry::fixed(1s)});
  told(payload, task, line, {}, 0, before);
  if (!task || store_->is_dead()) return;
  // Somebody may tell it to try again between its end and the return.
  const auto retries = [&] {
    const auto found = oracle_.tasks().find(task->id().value);
    return found != oracle_.tasks().end() ? found->second.retries : 0;
  };
  const int retries_before = retries();
  bool over = task->wait_for(10s);
  if (store_->is_dead() || retries() != retries_before) return;
  if (!over && oracle_.is_final(task->id())) {
    // It may have ended just as the time was up.
    const Calm calm = this->calm();
    over = task->wait_for(0s);
    if (store_->is_dead() || !is_calm_since(calm)) return;
  }
  oracle_.stopped_waiting(task->id(), over);
}

void World::cancel(Line& line) {
  const auto id = any_task(line);
  if (!id) return;
  disturb(line, [&] {
    const int retries = oracle_.asks_to_cancel(*id);
    const auto done = line.queue->cancel(*id);
    if (!store_->is_dead() && done) oracle_.cancelled(*id, retries);
  });
}

void World::change(Line& line) {
  const std::uint64_t dice = rng_.below(11);
  const auto id = any_task(line, dice >= 3 && dice <= 8);
  if (!id) return;
  errand::Queue& queue = *line.queue;
  disturb(line, [&] {
    switch (dice) {
      case 0:
      case 1:
        static_cast<void>(queue.retry(*id));
        break;
      case 2:
        static_cast<void>(queue.remove(*id));
        break;
      case 3:
        static_cast<void>(queue.hold(*id));
        break;
      case 4:
        static_cast<void>(queue.release(*id));
        break;
      case 5:
        static_cast<void>(queue.set_priority(*id, static_cast<int>(rng_.below(10))));
        break;
      case 6:
        static_cast<void>(queue.reschedule(*id, clock_->now() + errand::Duration(rng_.below(2'000'000'000))));
        break;
      case 7:
      case 8:
        static_cast<void>(queue.set_payload(*id, bytes_of(oracle_.asks())));
        break;
      default:
        static_cast<void>(queue.change({.priority = 9}, {.what = errand::Change::What::release}));
    }
  });
}

void World::pause_or_resume(Line& line, bool pauses) {
  if (line.pause_in_hand) return;
  line.pause_in_hand = true;
  disturb(line, [&] {
    if (pauses) {
      line.queue->pause();
    } else {
      line.queue->resume();
    }
  });
  line.paused = pauses;
  line.pause_in_hand = false;
}

// A process that lost its claims says what became of them, a second time or too late.
void World::tell_again() {
  if (oracle_.told().empty()) return;
  // By preference of a task that somebody has claimed anew.
  errand::Finish old = oracle_.told()[rng_.below(oracle_.told().size())];
  for (const errand::Finish& one : oracle_.told()) {
    const auto found = oracle_.tasks().find(one.id.value);
    if (found != oracle_.tasks().end() && found->second.token != 0 && one_in(2)) old = one;
  }
  const errand::Finish one[] = {old};
  static_cast<void>(store_->commit({.finished = one}, lines_[0].tasks->committer().now()));
}

}  // namespace sim
