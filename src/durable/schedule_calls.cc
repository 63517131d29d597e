// What is asked of a queue's stored schedules, and done to them from outside.

#include <algorithm>
#include <span>

#include "base/time.h"
#include "durable/schedules.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace durable {

namespace {

// Of something that others change meanwhile.
constexpr int kMostChanges = 100;

}  // namespace

Result<void> Schedules::put(const NewSchedule& schedule, WallTime now) {
  if (!closures_.hold_name(schedule.name)) {
    return Error(Code::invalid, "schedule on queue \"" + queue_ + "\": name: there is a schedule \"" + schedule.name +
                                    "\" of a closure already");
  }
  auto kept = store_.put_schedule(schedule, now);
  if (!kept) {
    bool is_there = false;
    {
      MutexLock lock(mu_);
      is_there = entries_.find(schedule.name) != entries_.end();
    }
    if (!is_there) closures_.let_go_of_name(schedule.name);
    return kept.error();
  }
  MutexLock lock(mu_);
  static_cast<void>(note(std::move(*kept)));
  reckon();
  return {};
}

Result<void> Schedules::remove(const std::string& name) {
  auto removed = store_.remove_schedule(queue_, name);
  if (!removed && removed.error().code() != Code::not_found) return removed;
  forget(name);
  return {};
}

Result<void> Schedules::pause(const std::string& name) {
  if (auto paused = store_.pause_schedule(queue_, name, true); !paused) return paused;
  auto kept = read(name);
  return kept ? Result<void>() : kept.error();
}

Result<void> Schedules::resume(const std::string& name, WallTime now) {
  for (int tries = 0;; ++tries) {
    if (tries == kMostChanges)
      return Error(Code::unavailable,
                   "resume schedule \"" + name + "\" of queue \"" + queue_ + "\": it changes all the time");
    const auto kept = read(name);
    if (!kept) return kept.error();
    if (!kept->schedule.paused) return {};
    Move next;
    {
      MutexLock lock(mu_);
      const auto found = entries_.find(name);
      if (found == entries_.end()) continue;
      next = move(found->second, now);
    }
    if (!next.advance) break;
    const std::span<const Advance> passed(&*next.advance, 1);
    const auto committed = store_.commit({.advanced = passed}, now);
    if (!committed) return committed.error();
    const Result<Advanced>& advanced = committed->advanced.front();
    if (advanced) {
      MutexLock lock(mu_);
      skipped_ += next.advance->skipped;
      break;
    }
    // Somebody was faster, and it is not the same any more.
    if (advanced.error().code() != Code::lease_lost) return advanced.error();
  }
  if (auto resumed = store_.pause_schedule(queue_, name, false); !resumed) return resumed;
  const auto kept = read(name);
  return kept ? Result<void>() : kept.error();
}

ScheduleInfo Schedules::info_of(const KeptSchedule& kept) const {
  const NewSchedule& schedule = kept.schedule;
  ScheduleInfo info;
  info.name = schedule.name;
  info.expression = schedule.cron.empty() ? "@every " + to_text(schedule.interval) : schedule.cron;
  info.time_zone = schedule.time_zone;
  info.paused = schedule.paused;
  info.next_slot = schedule.next;
  info.last_slot = kept.last;
  info.last_run = kept.last_run;
  info.runs = kept.runs;
  info.skipped = kept.skipped;
  info.running = static_cast<int>(kept.waiting + kept.running);
  const auto found = entries_.find(schedule.name);
  if (found == entries_.end()) return info;
  // A slot that waits is not the next one to come, and what it has kept out is left out.
  info.next_slot = next_slot(found->second);
  if (found->second.waiting) info.skipped += found->second.waiting->skipped;
  return info;
}

Result<ScheduleInfo> Schedules::info(const std::string& name) {
  const auto kept = read(name);
  if (!kept) return kept.error();
  MutexLock lock(mu_);
  return info_of(*kept);
}

Result<std::vector<ScheduleInfo>> Schedules::list() {
  const auto all = store_.list_schedules(queue_);
  if (!all) return all.error();
  std::vector<ScheduleInfo> infos;
  MutexLock lock(mu_);
  for (const Result<KeptSchedule>& kept : *all) {
    if (kept) infos.push_back(info_of(*kept));  // else it has been said
  }
  return infos;
}

Result<std::vector<WallTime>> Schedules::next(const std::string& name, int count, WallTime now) {
  if (auto kept = read(name); !kept) return kept.error();
  std::vector<WallTime> slots;
  MutexLock lock(mu_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return slots;
  const Entry& entry = found->second;
  const auto last = dealt_with(entry.kept);
  if (!entry.timetable || !last) return slots;
  for (auto slot = entry.timetable->next(std::max(now, *last)); slot && static_cast<int>(slots.size()) < count;
       slot = entry.timetable->next(*slot)) {
    slots.push_back(*slot);
  }
  return slots;
}

Result<NewTask> Schedules::extra_run(const std::string& name, WallTime now) {
  const auto kept = read(name);
  if (!kept) return kept.error();
  return run_of(kept->schedule, std::nullopt, now);
}

std::uint64_t Schedules::skipped() const {
  MutexLock lock(mu_);
  std::uint64_t skipped = skipped_;
  for (const auto& [name, entry] : entries_) {
    if (entry.waiting) skipped += entry.waiting->skipped;
  }
  return skipped;
}

bool Schedules::known() const {
  MutexLock lock(mu_);
  return !load_at_;
}

}  // namespace durable
}  // namespace v0
}  // namespace errand
