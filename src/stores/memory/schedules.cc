#include "memory/schedules.h"

#include <algorithm>

#include "base/time.h"
#include "core/text.h"

namespace errand {
inline namespace v0 {
namespace memory {

namespace {

bool has_timing_of(const NewSchedule& a, const NewSchedule& b) {
  return a.cron == b.cron && a.interval == b.interval && a.time_zone == b.time_zone && a.dst == b.dst;
}

// As it is kept: its moments rounded, its template without any.
NewSchedule kept(const NewSchedule& given) {
  NewSchedule schedule = given;
  schedule.anchor = up_to_micros(given.anchor);
  schedule.next = up_to_micros(given.next);
  NewTask& task = schedule.task;
  task.queue = given.queue;
  task.schedule = given.name;
  task.run_at = {};
  task.slot.reset();
  task.expires_at.reset();
  task.unique.until.reset();
  return schedule;
}

void rise(std::optional<WallTime>& last, WallTime slot) {
  last = std::max(last.value_or(slot), slot);
}

}  // namespace

KeptSchedule& Schedules::put(const NewSchedule& given, std::uint64_t version, WallTime now) {
  const auto [at, is_new] = schedules_.try_emplace({given.queue, given.name});
  KeptSchedule& schedule = at->second;
  const NewSchedule before = std::exchange(schedule.schedule, kept(given));
  schedule.version = version;
  if (is_new) {
    schedule.created_at = down_to_micros(now);
    return schedule;
  }
  schedule.schedule.paused = before.paused;
  if (has_timing_of(before, given)) {
    schedule.schedule.anchor = before.anchor;
    if (before.next) schedule.schedule.next = before.next;
  }
  return schedule;
}

void Schedules::adopt(const KeptSchedule& given, std::uint64_t version) {
  KeptSchedule schedule = given;
  schedule.schedule = kept(given.schedule);
  schedule.version = version;
  schedule.waiting = schedule.running = 0;
  schedules_.emplace(Key(given.schedule.queue, given.schedule.name), std::move(schedule));
}

bool Schedules::erase(std::string_view queue, std::string_view name) {
  return schedules_.erase({std::string(queue), std::string(name)}) != 0;
}

KeptSchedule* Schedules::find(std::string_view queue, std::string_view name) {
  const auto found = schedules_.find({std::string(queue), std::string(name)});
  return found != schedules_.end() ? &found->second : nullptr;
}

KeptSchedule seen(const KeptSchedule& schedule, const Rows& rows) {
  KeptSchedule copy = schedule;
  for (const Rows::Id id : rows.runs(schedule.schedule.queue, schedule.schedule.name)) {
    ++(rows.all().at(id).state == TaskState::running ? copy.running : copy.waiting);
  }
  return copy;
}

std::optional<Added> dealt_with(const NewTask& given, const KeptSchedule* schedule, Rows& rows) {
  if (!Rows::has_slot(given)) return std::nullopt;
  if (const KeptTask* run = rows.run_of_slot(given)) return Added{.id = run->id, .existed = true};
  const bool is_past = schedule != nullptr && schedule->last && up_to_micros(*given.slot) <= *schedule->last;
  return is_past ? std::optional(Added{.existed = true}) : std::nullopt;
}

bool adds_any(const Advance& advance, const KeptSchedule& schedule, Rows& rows) {
  return std::any_of(advance.runs.begin(), advance.runs.end(),
                     [&](const NewTask& run) { return !dealt_with(run, &schedule, rows); });
}

void note_run(KeptSchedule& schedule, const KeptTask& run) {
  schedule.last_run = run.id;
  ++schedule.runs;
  if (run.task.slot) rise(schedule.last, *run.task.slot);
}

void move_on(KeptSchedule& schedule, const Advance& advance) {
  if (advance.until) rise(schedule.last, up_to_micros(*advance.until));
  schedule.schedule.next = up_to_micros(advance.next);
  schedule.skipped += advance.skipped;
}

std::string title_of(std::string_view queue, std::string_view name) {
  return "schedule \"" + clean_text(name) + "\" of queue \"" + std::string(queue) + "\"";
}

}  // namespace memory
}  // namespace v0
}  // namespace errand
