// Schedules of the store's: each slot gets a run, or is counted as left out, as overlap and missed say; and none is
// forgotten. Their slots are so far apart as their interval says, or one of a few expressions: all others, and zones,
// are tests/schedule's.

#include "durable_oracle.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace sim {

using errand::Missed;
using errand::Overlap;
using errand::TaskId;
using errand::WallTime;

namespace {

constexpr errand::Duration kOnTime = std::chrono::minutes(1);

errand::Duration interval_of(const errand::NewSchedule& terms) {
  if (terms.cron == kEveryFiveSeconds) return std::chrono::seconds(5);
  if (terms.cron == kEveryMinute) return std::chrono::minutes(1);
  if (terms.cron == kEveryHour) return std::chrono::hours(1);
  return terms.cron == kEverySevenSeconds ? std::chrono::seconds(7) : terms.interval;
}

WallTime slot_after(const errand::NewSchedule& terms, WallTime after) {
  const errand::Duration interval = interval_of(terms);
  const bool is_anchored = terms.cron.empty() || terms.cron == kEverySevenSeconds;
  const WallTime anchor = is_anchored ? terms.anchor : WallTime();
  if (after < anchor) return anchor;
  return anchor + ((after - anchor) / interval + 1) * interval;
}

bool is_slot(const errand::NewSchedule& terms, WallTime at) {
  return slot_after(terms, at - errand::Duration(1)) == at;
}

// Of the slots from `first` to `now`, those that would have a run if nothing else were in their way.
std::vector<WallTime> candidates(const errand::NewSchedule& terms, WallTime first, WallTime now) {
  if (now < first) return {};
  const errand::Duration interval = interval_of(terms);
  const WallTime newest = first + (now - first) / interval * interval;
  if (terms.missed == Missed::skip) {
    return now - newest <= kOnTime ? std::vector{newest} : std::vector<WallTime>();
  }
  std::vector<WallTime> found{newest};
  if (terms.missed == Missed::latest) return found;
  while (static_cast<int>(found.size()) < terms.catch_up_cap && found.front() > first)
    found.insert(found.begin(), found.front() - interval);
  return found;
}

// Whether these runs are what such slots come to, where so many are live.
bool fits(const errand::NewSchedule& terms, const std::vector<WallTime>& slots, WallTime first,
          const std::vector<WallTime>& may, std::size_t live) {
  switch (terms.overlap) {
    case Overlap::allow:
      return slots == may;
    case Overlap::cancel_previous:
      return may.empty() ? slots.empty() : slots == std::vector{may.back()};
    case Overlap::skip:
      return may.empty() || live > 0 ? slots.empty() : slots == std::vector{may.front()};
    case Overlap::queue_one:
      break;
  }
  // One that has waited for the others is the first of all.
  if (slots.empty()) return may.empty() || live > 0;
  return live == 0 && slots.size() == 1 && (slots[0] == first || (!may.empty() && slots[0] == may.front()));
}

std::string title(const errand::NewSchedule& terms) {
  return "schedule \"" + terms.name + "\" of \"" + terms.queue + "\"";
}

// Up to here slots have been dealt with.
WallTime dealt_with(const errand::NewSchedule& terms, const std::optional<WallTime>& last) {
  const WallTime before = *terms.next - errand::Duration(1);
  return last ? std::max(before, *last) : before;
}

// Whether two slots are of one schedule.
template <class Slot>
bool is_of(const Slot& a, const Slot& b) {
  return std::get<0>(a) == std::get<0>(b) && std::get<1>(a) == std::get<1>(b);
}

}  // namespace

// A run of this slot: whether it is new.
bool Oracle::add_slot(const errand::NewTask& task, const errand::Added& added) {
  const Slot slot{task.queue, task.schedule, task.slot->time_since_epoch().count()};
  const auto had = slots_.find(slot);
  if (!added.existed && had != slots_.end()) {
    breaks("a slot has two tasks, " + text(TaskId{had->second}) + " and " + text(added.id));
  }
  // Those before the newest one count as done, too.
  const auto newest = std::max_element(slots_.begin(), slots_.end(), [&](const auto& a, const auto& b) {
    return std::pair(is_of(a.first, slot), a.first) < std::pair(is_of(b.first, slot), b.first);
  });
  const bool late = newest != slots_.end() && is_of(newest->first, slot) && slot < newest->first;
  if (added.existed && had == slots_.end() && !late) breaks("a slot is taken for done that never was");
  if (added.existed) {
    count("slots that were done");
    return false;
  }
  slots_[slot] = added.id.value;
  return true;
}

void Oracle::tell_schedule(const char* what, const ScheduleKey& key) const {
  if (tells) std::fprintf(stderr, "schedule \"%s\" of \"%s\": %s\n", key.second.c_str(), key.first.c_str(), what);
}

// --- what the store is asked, and answers ----------------------------------------------------------------------------

void Oracle::put_schedule(const errand::NewSchedule& given, const errand::Result<errand::KeptSchedule>& kept,
                          WallTime now, bool faulty) {
  mix(kept ? 7 : 8);
  tell_schedule(kept ? "is kept" : "is not kept", {given.queue, given.name});
  latest_ = std::max(latest_, now);
  if (!kept) {
    if (!faulty) breaks("a schedule was not kept, and the store was well: " + kept.error().message());
    maybe_any_ = true;
    return;
  }
  succeeded();
  count("schedules kept");
  const auto [at, is_new] = schedules_.try_emplace({given.queue, given.name});
  KnownSchedule& known = at->second;
  const errand::NewSchedule before = std::exchange(known.terms, given);
  if (!is_new) {
    known.terms.paused = before.paused;
    if (before.interval == given.interval && before.cron == given.cron) {
      known.terms.anchor = before.anchor;
      if (before.next) known.terms.next = before.next;
    }
  }
  if (kept->version <= known.version) breaks(title(given) + ": its version does not rise");
  known.version = kept->version;
  known.live_seen = {kept->waiting + kept->running};
  compare_schedule(known, *kept);
}

void Oracle::removed_schedule(const std::string& queue, const std::string& name, const errand::Result<void>& removed,
                              bool faulty) {
  mix(removed ? 9 : 10);
  tell_schedule(removed ? "is removed" : "is not removed", {queue, name});
  const bool is_there = schedules_.contains({queue, name});
  if (removed) {
    succeeded();
    count("schedules removed");
    if (!is_there) breaks("a schedule was removed that is not there");
    schedules_.erase({queue, name});
  } else if (removed.error().code() == errand::Code::not_found) {
    if (is_there) breaks("a schedule that is there could not be found");
  } else {
    if (!faulty) breaks("a schedule was not removed, and the store was well: " + removed.error().message());
    maybe_any_ = true;
  }
}

void Oracle::paused_schedule(const std::string& queue, const std::string& name, bool paused,
                             const errand::Result<void>& done, const errand::Result<errand::KeptSchedule>& kept,
                             bool faulty) {
  mix(done ? 11 : 12);
  tell_schedule(!done ? "is as it was" : paused ? "is paused" : "is resumed", {queue, name});
  const auto found = schedules_.find({queue, name});
  if (!done && done.error().code() == errand::Code::not_found) {
    if (found != schedules_.end()) breaks("a schedule that is there could not be found");
    return;
  }
  if (!done) {
    if (!faulty) breaks("a schedule was not paused, and the store was well: " + done.error().message());
    maybe_any_ = true;
    return;
  }
  succeeded();
  count(paused ? "schedules paused" : "schedules resumed");
  if (found == schedules_.end()) return breaks("a schedule was paused that is not there");
  KnownSchedule& known = found->second;
  known.terms.paused = paused;
  known.live_seen.clear();
  if (kept && kept->version <= known.version) breaks(title(known.terms) + ": its version does not rise");
  known.version = kept ? kept->version : 0;
}

void Oracle::read_schedule(const std::string& queue, const std::string& name,
                           const errand::Result<errand::KeptSchedule>& kept, bool faulty) {
  const auto found = schedules_.find({queue, name});
  tell_schedule(kept ? "is read" : "is not read", {queue, name});
  if (!kept) {
    const bool is_gone = kept.error().code() == errand::Code::not_found;
    if (is_gone && found != schedules_.end()) breaks("a schedule that is there could not be found");
    if (!is_gone && !faulty) breaks("a schedule was not read, and the store was well: " + kept.error().message());
    return;
  }
  if (found == schedules_.end()) return breaks("a schedule is there that nobody has made");
  KnownSchedule& known = found->second;
  if (known.version == 0) known.version = kept->version;
  compare_schedule(known, *kept);
  known.live_seen.insert(kept->waiting + kept->running);
}

void Oracle::looks_at_schedules(const std::vector<errand::Result<errand::KeptSchedule>>& all, bool began) {
  std::set<ScheduleKey> there;
  const bool in_doubt = began && maybe_any_;
  for (const auto& kept : all) {
    if (!kept) return breaks("a schedule can't be read: " + kept.error().message());
    const ScheduleKey key{kept->schedule.queue, kept->schedule.name};
    there.insert(key);
    if (in_doubt) {
      adopt_schedule(*kept);
    } else if (const auto found = schedules_.find(key); found == schedules_.end()) {
      breaks(title(kept->schedule) + " is there, and nobody has made it");
    } else {
      if (found->second.version == 0) found->second.version = kept->version;
      compare_schedule(found->second, *kept);
    }
  }
  for (const auto& [key, known] : schedules_) {
    if (!there.contains(key) && !in_doubt) breaks(title(known.terms) + " is lost");
  }
  std::erase_if(schedules_, [&](const auto& entry) { return !there.contains(entry.first); });
  if (began) succeeded();
}

// What a schedule of an operation that failed has come to is what its row says.
void Oracle::adopt_schedule(const errand::KeptSchedule& kept) {
  KnownSchedule& known = schedules_[{kept.schedule.queue, kept.schedule.name}];
  known = {kept.schedule, kept.version, kept.last, kept.last_run, kept.runs, kept.skipped, {}};
}

void Oracle::compare_schedule(const KnownSchedule& known, const errand::KeptSchedule& kept) {
  const errand::NewSchedule& terms = kept.schedule;
  const std::string what = title(terms) + ": ";
  if (kept.version != known.version) breaks(what + "its version is another one");
  if (terms.paused != known.terms.paused) breaks(what + "paused, or not");
  if (terms.interval != known.terms.interval || terms.cron != known.terms.cron ||
      terms.overlap != known.terms.overlap || terms.missed != known.terms.missed ||
      terms.catch_up_cap != known.terms.catch_up_cap)
    breaks(what + "it has other terms");
  if (terms.anchor != known.terms.anchor || terms.next != known.terms.next)
    breaks(what + "its next slot is another one");
  if (kept.last != known.last) breaks(what + "its last slot is another one");
  if (kept.last_run != known.last_run) breaks(what + "its last run is another one");
  if (kept.runs != known.runs || kept.skipped != known.skipped) {
    breaks(what + std::to_string(known.runs) + " runs and " + std::to_string(known.skipped) +
           " slots left out, and the store says " + std::to_string(kept.runs) + " and " + std::to_string(kept.skipped));
  }
  const Live live = live_runs({terms.queue, terms.name});
  if (kept.waiting != live.waiting || kept.running != live.running) breaks(what + "its live runs are others");
}

// --- slots -----------------------------------------------------------------------------------------------------------

Oracle::Live Oracle::live_runs(const ScheduleKey& key) const {
  Live live;
  for (const auto& [id, task] : tasks_) {
    if (task.final || task.removed || task.queue != key.first || task.schedule != key.second) continue;
    ++(task.token != 0 ? live.running : live.waiting);
  }
  return live;
}

void Oracle::note_run(const errand::NewTask& task, TaskId id) {
  const auto found = schedules_.find({task.queue, task.schedule});
  if (task.schedule.empty() || found == schedules_.end()) return;
  KnownSchedule& known = found->second;
  ++known.runs;
  known.last_run = id;
  count(task.slot ? "runs of slots" : "runs besides the slots");
  if (task.slot) known.last = std::max(known.last.value_or(*task.slot), *task.slot);
}

void Oracle::advance(const errand::Advance& advance, const errand::Result<errand::Advanced>& result, WallTime now) {
  mix(result ? 3 : 4);
  tell_schedule(result ? "its slots are taken" : "its slots are refused", {advance.queue, advance.schedule});
  const auto found = schedules_.find({advance.queue, advance.schedule});
  const std::string what = "schedule \"" + advance.schedule + "\": ";
  const bool stands =
      found != schedules_.end() && (found->second.version == 0 || found->second.version == advance.version);
  if (!result) {
    count("stale slots refused");
    const bool is_sure = stands && found->second.version != 0;
    if (is_sure) breaks(what + "its slots were refused, and its version stood: " + result.error().message());
    return;
  }
  if (!stands) return breaks(what + "slots were taken for it that were another version's");
  KnownSchedule& known = found->second;
  if (known.terms.next) check_slots(advance, known, now);
  cancel_earlier_runs(advance, *result);
  for (std::size_t i = 0; i < result->runs.size(); ++i) added(advance.runs[i], result->runs[i], now);
  if (result->version <= known.version) breaks(what + "its version does not rise");
  if (advance.until) known.last = std::max(known.last.value_or(*advance.until), *advance.until);
  known.terms.next = advance.next;
  known.skipped += advance.skipped;
  known.version = result->version;
  known.live_seen.clear();
}

void Oracle::check_slots(const errand::Advance& advance, const KnownSchedule& known, WallTime now) {
  const errand::NewSchedule& terms = known.terms;
  const std::string what = title(terms) + ": ";
  const WallTime before = dealt_with(terms, known.last);
  const WallTime first = slot_after(terms, before);
  // One that has waited had come before the clock was set back.
  const bool may_be_later = terms.overlap == Overlap::queue_one;
  if (!advance.until || *advance.until < first || (*advance.until > now && !may_be_later))
    return breaks(what + "it is advanced to where it was, or to what has not come");
  const auto passed = static_cast<std::uint64_t>((*advance.until - first) / interval_of(terms)) + 1;
  if (passed != advance.runs.size() + advance.skipped) {
    breaks(what + std::to_string(passed) + " slots have passed, and " + std::to_string(advance.runs.size()) +
           " have runs, and " + std::to_string(advance.skipped) + " were left out");
  }
  if (advance.next != slot_after(terms, *advance.until)) breaks(what + "the slot that is to come next is not the next");
  std::vector<WallTime> slots;
  WallTime last = before;
  for (const errand::NewTask& run : advance.runs) {
    if (!run.slot || !is_slot(terms, *run.slot) || *run.slot <= last || *run.slot > *advance.until)
      return breaks(what + "a run of it is not one of a slot that has come");
    last = *run.slot;
    slots.push_back(last);
  }
  count("slots left out", advance.skipped);
  if (terms.paused) {
    if (!slots.empty()) breaks(what + "it is paused, and has a run");
    return;
  }
  const std::vector<WallTime> may = candidates(terms, first, now);
  const bool fits_any = std::any_of(known.live_seen.begin(), known.live_seen.end(),
                                    [&](std::size_t live) { return fits(terms, slots, first, may, live); });
  if (fits_any) return;
  std::string live;
  for (const std::size_t count : known.live_seen) live += " " + std::to_string(count);
  breaks(what + "its slots have other runs than its terms say: " + std::string(to_string(terms.overlap)) + ", " +
         std::string(to_string(terms.missed)) + ", " + std::to_string(slots.size()) + " of " +
         std::to_string(may.size()) + " at " + std::to_string((now - first) / interval_of(terms)) +
         " slots behind the first, beside" + live);
}

// Where a new run takes the place of those that live.
void Oracle::cancel_earlier_runs(const errand::Advance& advance, const errand::Advanced& done) {
  const bool adds =
      std::any_of(done.runs.begin(), done.runs.end(), [](const auto& run) { return run && !run->existed; });
  std::vector<TaskId> waiting;
  std::vector<TaskId> running;
  if (advance.cancel_earlier && adds) {
    for (const auto& [id, task] : tasks_) {
      if (task.final || task.removed || task.queue != advance.queue || task.schedule != advance.schedule) continue;
      (task.token != 0 ? running : waiting).push_back(TaskId{id});
    }
  }
  auto cancelled = done.cancelled;
  auto asked = done.running;
  std::sort(cancelled.begin(), cancelled.end());
  std::sort(asked.begin(), asked.end());
  if (cancelled != waiting || asked != running)
    breaks("schedule \"" + advance.schedule + "\": a new run took the place of others than those that live");
  for (const TaskId id : waiting) {
    count("runs replaced");
    ended(tasks_.at(id.value), errand::TaskState::cancelled);
  }
  for (const TaskId id : running) tasks_.at(id.value).cancel_asked = true;
}

std::string Oracle::overdue_schedule(WallTime now) const {
  for (const auto& [key, known] : schedules_) {
    const errand::NewSchedule& terms = known.terms;
    if (!terms.next || terms.paused || slot_after(terms, dealt_with(terms, known.last)) > now) continue;
    const Live live = live_runs(key);
    const bool may_wait = terms.overlap == Overlap::queue_one && live.waiting + live.running > 0;
    if (!may_wait) return title(terms);
  }
  return {};
}

std::vector<std::string> Oracle::schedules_of(const std::string& queue) const {
  std::vector<std::string> names;
  for (const auto& [key, known] : schedules_) {
    if (key.first == queue && known.terms.next) names.push_back(key.second);
  }
  return names;
}

}  // namespace sim
