#include "model_schedules.h"

#include <gtest/gtest.h>

using namespace errand;
using namespace std::chrono_literals;

namespace {

bool chance(Rng& rng, int in) {
  return rng.below(static_cast<std::uint64_t>(in)) == 0;
}

std::string word(Rng& rng, const char* prefix, int count) {
  return prefix + std::to_string(rng.below(static_cast<std::uint64_t>(count)));
}

// Few, so that they meet: a second apart, around now.
WallTime slot_near(Rng& rng, WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now) + std::chrono::seconds(rng.below(6)) - 3s;
}

std::string text_of(const std::optional<WallTime>& at) {
  return at ? std::to_string(at->time_since_epoch().count()) : "-";
}

// Everything but the version, which each store counts in its own way.
std::string describe(const KeptSchedule& kept) {
  const NewSchedule& s = kept.schedule;
  return s.queue + "/" + s.name + " cron " + s.cron + " interval " + std::to_string(s.interval.count()) + " anchor " +
         text_of(s.anchor) + " zone " + s.time_zone + " dst " + std::string(to_string(s.dst)) + " overlap " +
         std::string(to_string(s.overlap)) + " paused " + std::to_string(s.paused) + " next " + text_of(s.next) +
         " payload " + s.task.payload + " created " + text_of(kept.created_at) + " last " + text_of(kept.last) +
         " last run " + to_string(kept.last_run) + " runs " + std::to_string(kept.runs) + " skipped " +
         std::to_string(kept.skipped) + " waiting " + std::to_string(kept.waiting) + " running " +
         std::to_string(kept.running);
}

std::string describe(const Result<Advanced>& done) {
  if (!done) return std::string(to_string(done.error().code()));
  std::string text;
  for (const auto& run : done->runs)
    text += run ? "run " + to_string(run->id) + " " + std::to_string(run->existed) + std::to_string(run->replaced) + " "
                : std::string(to_string(run.error().code())) + " ";
  for (const TaskId id : done->cancelled) text += "cancelled " + to_string(id) + " ";
  for (const TaskId id : done->running) text += "running " + to_string(id) + " ";
  return text;
}

}  // namespace

void ScheduleMoves::step(Store& ours, Store& theirs, Rng& rng, WallTime now) {
  switch (rng.below(8)) {
    case 0:
    case 1:
      return put(ours, theirs, rng, now);
    case 2:
      return remove_or_pause(ours, theirs, rng);
    case 3:
    case 4:
      return read(ours, theirs);
    default:
      return advance(ours, theirs, rng, now);
  }
}

void ScheduleMoves::compare(Store& ours, Store& theirs) {
  const auto a = ours.list_schedules("");
  const auto b = theirs.list_schedules("");
  ASSERT_TRUE(a) << a.error().message();
  ASSERT_EQ(a->size(), b->size());
  for (std::size_t i = 0; i < a->size(); ++i) {
    ASSERT_TRUE((*a)[i]) << (*a)[i].error().message();
    ASSERT_EQ(describe(*(*a)[i]), describe(*(*b)[i]));
  }
}

void ScheduleMoves::make_run(NewTask& task, Rng& rng, WallTime now) {
  task.schedule = word(rng, "s", 2);
  if (chance(rng, 2)) task.slot = slot_near(rng, now);
}

std::vector<KeptSchedule> ScheduleMoves::of_another(Store& store, Rng& rng) {
  std::vector<KeptSchedule> found;
  const auto all = store.list_schedules("");
  for (const auto& one : *all) {
    if (!chance(rng, 2)) continue;
    KeptSchedule& other = found.emplace_back(*one);
    other.schedule.queue = other.schedule.task.queue = word(rng, "q", 2);
    other.schedule.name = other.schedule.task.schedule = word(rng, "s", 2);
  }
  return found;
}

void ScheduleMoves::put(Store& ours, Store& theirs, Rng& rng, WallTime now) {
  NewSchedule given;
  given.queue = word(rng, "q", 2);
  given.name = word(rng, "s", 2);
  given.cron = word(rng, "cron", 2);
  if (chance(rng, 4)) given.cron.clear(), given.interval = 5s;
  given.anchor = slot_near(rng, now);
  given.time_zone = chance(rng, 4) ? "Asia/Gaza" : "UTC";
  given.dst = chance(rng, 8) ? Dst::skip : Dst::after;
  given.overlap = static_cast<Overlap>(rng.below(4));
  given.paused = chance(rng, 2);
  if (!chance(rng, 4)) given.next = slot_near(rng, now);
  given.task.kind = "k0";
  given.task.payload = word(rng, "p", 100);
  const auto a = ours.put_schedule(given, now);
  const auto b = theirs.put_schedule(given, now);
  ASSERT_TRUE(a) << a.error().message();
  ASSERT_EQ(describe(*a), describe(*b));
}

void ScheduleMoves::remove_or_pause(Store& ours, Store& theirs, Rng& rng) {
  const std::string queue = word(rng, "q", 2);
  const std::string name = word(rng, "s", 2);
  const bool paused = chance(rng, 2);
  const bool removes = chance(rng, 2);
  const auto act = [&](Store& store) {
    return removes ? store.remove_schedule(queue, name) : store.pause_schedule(queue, name, paused);
  };
  const auto a = act(ours);
  const auto b = act(theirs);
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) {
    ASSERT_EQ(a.error().code(), b.error().code());
  }
}

void ScheduleMoves::read(Store& ours, Store& theirs) {
  const auto a = ours.list_schedules("");
  const auto b = theirs.list_schedules("");
  ASSERT_TRUE(a) << a.error().message();
  for (std::size_t i = 0; i < a->size(); ++i) {
    const NewSchedule& one = (*a)[i]->schedule;
    read_.push_back({one.queue, one.name, (*a)[i]->version, b->at(i)->version});
  }
}

// With what was read of late: stale as likely as not.
void ScheduleMoves::advance(Store& ours, Store& theirs, Rng& rng, WallTime now) {
  if (read_.empty()) return;
  Read& read = read_[read_.size() - 1 - rng.below(std::min<std::uint64_t>(read_.size(), 6))];
  Advance one;
  one.queue = read.queue;
  one.schedule = read.name;
  one.version = read.ours;
  if (!chance(rng, 4)) one.until = slot_near(rng, now);
  if (!chance(rng, 4)) one.next = slot_near(rng, now);
  one.skipped = rng.below(3);
  one.cancel_earlier = chance(rng, 3);
  if (chance(rng, 2)) one.prune_at = now + 1s;
  for (std::uint64_t i = rng.below(4); i > 0; --i) {
    NewTask& run = one.runs.emplace_back();
    run.queue = read.queue;
    run.kind = word(rng, "k", 3);
    run.schedule = read.name;
    run.run_at = now;
    run.ephemeral = chance(rng, 3);
    if (!chance(rng, 4)) run.slot = slot_near(rng, now);
    if (chance(rng, 4)) run.unique = {.key = word(rng, "u", 4), .on_clash = static_cast<OnClash>(rng.below(5))};
  }
  Advance other = one;
  other.version = read.theirs;
  const auto a = ours.commit({.advanced = std::span(&one, 1)}, now);
  const auto b = theirs.commit({.advanced = std::span(&other, 1)}, now);
  ASSERT_TRUE(a) << a.error().message();
  ASSERT_EQ(describe(a->advanced.at(0)), describe(b->advanced.at(0)));
  if (!a->advanced[0] || chance(rng, 2)) return;
  read.ours = a->advanced[0]->version;
  read.theirs = b->advanced[0]->version;
}
