// Those who look after schedules: the queue's own, and others that do it by hand.

#include "durable_world.h"

namespace sim {

using namespace std::chrono_literals;

// Of a queue's own: made, given other terms, paused, triggered, taken away. Its slots are the queue's business.
void World::keep_schedule(Line& line) {
  const std::string name = "tick";
  const std::vector<std::string> there = oracle_.schedules_of(line.queue->name());
  const bool is_there = std::find(there.begin(), there.end(), name) != there.end();
  if (!is_there || one_in(6)) return put_schedule(line, name);
  disturb(line, [&] {
    auto schedule = line.queue->schedule(name);
    if (!schedule) return;
    switch (rng_.below(7)) {
      case 0:
      case 1:
        schedule->pause();
        break;
      case 2:
      case 3:
        schedule->trigger();
        break;
      case 4:
        if (one_in(3)) schedule->cancel();
        break;
      default:
        schedule->resume();
    }
  });
}

void World::put_schedule(Line& line, const std::string& name) {
  constexpr errand::Duration kIntervals[] = {1s, 5s, 60s, 3600s};
  constexpr std::string_view kCrons[] = {kEveryFiveSeconds, kEveryMinute, kEveryHour, kEverySevenSeconds};
  errand::ScheduleOptions options;
  options.name = name;
  options.overlap = static_cast<errand::Overlap>(rng_.below(4));
  options.missed = static_cast<errand::Missed>(rng_.below(3));
  options.first = one_in(3) ? errand::First::now : errand::First::after_one_interval;
  options.priority = static_cast<int>(rng_.below(10));
  options.max_attempts = 2;
  options.retry = errand::Retry::fixed(1s);
  options.catch_up_cap = 1 + static_cast<int>(rng_.below(4));
  errand::Named run{.kind = "says", .payload = name + " of " + line.queue->name()};
  disturb(line, [&] {
    if (one_in(3)) {
      static_cast<void>(line.queue->cron(kCrons[rng_.below(std::size(kCrons))], std::move(run), options));
    } else {
      static_cast<void>(line.queue->every(kIntervals[rng_.below(std::size(kIntervals))], std::move(run), options));
    }
  });
}

// Whoever looks after a schedule: reads it, and adds the runs of the slots that have come. Two may do so at once.
void World::advance_schedule(Line& line) {
  const errand::WallTime now = lines_[0].tasks->committer().now();
  const std::string queue = line.queue->name();
  auto found = store_->find_schedule(queue, "hourly");
  if (!found && found.error().code() == errand::Code::not_found) {
    // Without a next slot: its queue is not to run it as well.
    found = store_->put_schedule({.queue = queue,
                                  .name = "hourly",
                                  .interval = 1h,
                                  .task = {.queue = queue, .kind = "says", .schedule = "hourly"}},
                                 now);
  }
  if (!found || store_->is_dead()) return;
  std::vector<errand::NewTask> runs;
  // Some were dealt with before: whose clock was set back, or who did not hear that it is done.
  for (std::uint64_t left = 1 + rng_.below(2); left > 0; --left) {
    const errand::WallTime slot{std::chrono::hours(one_in(3) ? rng_.below(static_cast<std::uint64_t>(slot_) + 1)
                                                             : static_cast<std::uint64_t>(++slot_))};
    runs.push_back({.queue = queue,
                    .kind = "says",
                    .payload = oracle_.asks(),
                    .run_at = now,
                    .max_attempts = 2,
                    .schedule = "hourly",
                    .slot = slot});
  }
  // The queue does not know of these until it is told: what comes meanwhile may have to wait for the next claim.
  ++busy_;
  ++disturbed_;
  if (one_in(2)) {
    static_cast<void>(store_->commit({.added = runs}, now));
  } else {
    errand::Advance advance;
    advance.queue = queue;
    advance.schedule = "hourly";
    advance.version = found->version;
    advance.runs = runs;
    const errand::Advance one[] = {advance};
    static_cast<void>(store_->commit({.advanced = one}, now));
  }
  const std::string names[] = {queue};
  if (!store_->is_dead()) lines_[0].tasks->hub().changed(names);
  --busy_;
}

}  // namespace sim
