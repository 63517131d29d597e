#include "durable/schedules.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "core/text.h"
#include "engine/recurrences.h"
#include "schedule/cron_parse.h"
#include "schedule/zone.h"

namespace errand {
inline namespace v0 {
namespace durable {

namespace {

// What could not be read is tried again after this.
constexpr Duration kAgainAfter = std::chrono::seconds(1);
// Earlier than every time of day there is, and far enough from the ends of time to be subtracted from.
constexpr WallTime kAtOnce{Duration::min() / 4};

std::string title_of(std::string_view name, std::string_view queue) {
  return "schedule \"" + clean_text(name) + "\" of queue \"" + std::string(queue) + "\"";
}

bool has_times_of(const NewSchedule& a, const NewSchedule& b) {
  return a.cron == b.cron && a.interval == b.interval && a.anchor == b.anchor && a.time_zone == b.time_zone &&
         a.dst == b.dst;
}

// What a store says is input.
Result<Timetable> timetable_of(const NewSchedule& schedule) {
  if (schedule.cron.empty()) {
    if (schedule.interval > Duration::zero()) return Timetable::every(schedule.anchor, schedule.interval);
    return Error(Code::invalid, "it has neither an expression nor an interval");
  }
  auto expression = parse_cron(schedule.cron);
  if (!expression) return expression.error();
  auto zone = find_zone(schedule.time_zone);
  if (!zone) return zone.error();
  return Timetable::cron(std::move(*expression), std::move(*zone), schedule.dst, schedule.anchor);
}

Spread spread_of(const NewSchedule& schedule) {
  return {schedule.name, schedule.jitter};
}

SlotRules rules_of(const NewSchedule& schedule) {
  return {.missed = {.missed = schedule.missed,
                     .at_most = static_cast<std::size_t>(std::max(schedule.catch_up_cap, 1)),
                     .window = schedule.catch_up_window,
                     .spread = spread_of(schedule)},
          .overlap = schedule.overlap,
          .paused = schedule.paused};
}

}  // namespace

Schedules::Schedules(Store& store, detail::Recurrences& closures, std::string queue)
    : store_(store), closures_(closures), queue_(std::move(queue)) {}

void Schedules::load(WallTime now) {
  auto all = store_.list_schedules(queue_);
  std::vector<std::string> complaints;
  if (!all) complaints.push_back("its schedules do not run until they can be read: " + all.error().message());
  std::set<std::string> unreadable;
  if (all) {
    for (const Result<KeptSchedule>& kept : *all) {
      if (!kept) {
        unreadable.insert("it does not run until it can be read: " + kept.error().message());
        continue;
      }
      const std::string& name = kept->schedule.name;
      if (!closures_.hold_name(name))
        complaints.push_back(title_of(name, queue_) + ": a closure's schedule has its name; both run");
    }
  }
  {
    MutexLock lock(mu_);
    load_at_.reset();
    if (!all || !unreadable.empty()) load_at_ = saturating_add(now, kAgainAfter);
    if (all) {
      for (Result<KeptSchedule>& kept : *all) {
        if (!kept) continue;
        if (auto complaint = note(std::move(*kept))) complaints.push_back(std::move(*complaint));
      }
      // Each is said once.
      std::set_difference(unreadable.begin(), unreadable.end(), unreadable_.begin(), unreadable_.end(),
                          std::back_inserter(complaints));
      unreadable_ = std::move(unreadable);
    }
    reckon();
  }
  for (const std::string& complaint : complaints) log(LogLevel::error, queue_, complaint);
}

void Schedules::start() {
  MutexLock lock(mu_);
  active_ = true;
}

void Schedules::stop() {
  MutexLock lock(mu_);
  active_ = false;
}

// --- what is known ---------------------------------------------------------------------------------------------------

// Takes in what was read, unless something newer has been. A complaint, where it can't fire.
std::optional<std::string> Schedules::note(KeptSchedule kept) {
  std::optional<std::string> complaint;
  Entry& entry = entries_[kept.schedule.name];
  if (kept.version < entry.kept.version) return complaint;
  const bool other_times = !entry.timetable || !has_times_of(entry.kept.schedule, kept.schedule);
  if (other_times && kept.version != entry.kept.version) {
    auto timetable = timetable_of(kept.schedule);
    if (!timetable)
      complaint = title_of(kept.schedule.name, queue_) + " has no slots here: " + timetable.error().message();
    entry.timetable = timetable ? std::optional(std::move(*timetable)) : std::nullopt;
  }
  entry.kept = std::move(kept);
  const NewSchedule& schedule = entry.kept.schedule;
  // Of a slot that waits no longer, or for something else now, the store's word holds.
  if (entry.waiting &&
      (schedule.next != entry.waiting->slot || schedule.overlap != Overlap::queue_one || schedule.paused))
    entry.waiting.reset();
  place(entry);
  return complaint;
}

std::optional<WallTime> Schedules::next_slot(const Entry& entry) {
  const auto last = dealt_with(entry.kept);
  if (!entry.timetable || !last) return std::nullopt;
  return entry.timetable->next(entry.waiting ? entry.waiting->last : *last);
}

// When it is to be looked at again.
void Schedules::place(Entry& entry) {
  if (entry.waiting && entry.ends != entry.ends_read) {
    entry.look_at = kAtOnce;
    return;
  }
  const auto slot = next_slot(entry);
  entry.look_at.reset();
  if (slot) entry.look_at = up_to_micros(spread_of(entry.kept.schedule).fire_time(*slot));
}

void Schedules::reckon() {
  due_ = load_at_;
  for (const auto& [name, entry] : entries_) {
    if (entry.look_at && (!due_ || *entry.look_at < *due_)) due_ = entry.look_at;
  }
}

void Schedules::forget(const std::string& name) {
  {
    MutexLock lock(mu_);
    entries_.erase(name);
    reckon();
  }
  closures_.let_go_of_name(name);
}

Result<KeptSchedule> Schedules::read(const std::string& name) {
  auto kept = store_.find_schedule(queue_, name);
  if (!kept) {
    if (kept.error().code() == Code::not_found) forget(name);
    return kept;
  }
  std::optional<std::string> complaint;
  {
    MutexLock lock(mu_);
    complaint = note(*kept);
    reckon();
  }
  if (complaint) log(LogLevel::error, queue_, *complaint);
  return kept;
}

// --- slots -----------------------------------------------------------------------------------------------------------

std::optional<WallTime> Schedules::dealt_with(const KeptSchedule& kept) {
  if (!kept.schedule.next) return std::nullopt;
  const WallTime before = *kept.schedule.next - Duration(1);
  return kept.last ? std::max(before, *kept.last) : before;
}

NewTask Schedules::run_of(const NewSchedule& schedule, std::optional<WallTime> slot, WallTime now) {
  NewTask run = schedule.task;
  run.queue = schedule.queue;
  run.schedule = schedule.name;
  run.slot = slot;
  run.run_at = now;
  return run;
}

// What there is to do for a schedule, as it is known to be.
Schedules::Move Schedules::move(const Entry& entry, WallTime now) {
  const KeptSchedule& kept = entry.kept;
  const NewSchedule& schedule = kept.schedule;
  Move move{std::nullopt, entry.waiting};
  auto last = dealt_with(kept);
  if (!entry.timetable || !last) return move;
  Advance advance{.queue = schedule.queue, .schedule = schedule.name, .version = kept.version};
  auto live = static_cast<int>(kept.waiting + kept.running);
  if (move.waiting) last = move.waiting->last;
  if (move.waiting && live == 0) {
    advance.runs.push_back(run_of(schedule, move.waiting->slot, now));
    advance.skipped = move.waiting->skipped;
    advance.until = last;
    move.waiting.reset();
    live = 1;
  }
  const Turn turn = take_turn(*entry.timetable, *last, now, rules_of(schedule), live, move.waiting.has_value());
  if (move.waiting) {
    if (turn.last) move.waiting->last = *turn.last;
    move.waiting->skipped += turn.skipped;
    return move;
  }
  for (const WallTime slot : turn.starts) advance.runs.push_back(run_of(schedule, slot, now));
  advance.cancel_earlier = turn.cancels;
  advance.skipped += turn.skipped - turn.behind;
  if (!turn.waits) {
    if (turn.last) advance.until = last = turn.last;
    advance.next = entry.timetable->next(*last);
  } else {
    move.waiting = Waiting{*turn.waits, *turn.last, turn.behind};
    advance.next = turn.waits;
    const auto before = entry.timetable->passed(*last, *turn.waits - Duration(1), 1).newest;
    if (!before.empty()) advance.until = before.back();
  }
  if (advance.until) move.advance = std::move(advance);
  return move;
}

std::vector<Advance> Schedules::take(WallTime now) {
  std::vector<std::string> due;
  bool loads = false;
  {
    MutexLock lock(mu_);
    in_flight_.clear();
    if (!active_ || !due_ || *due_ > now) return {};
    loads = load_at_ && *load_at_ <= now;
    for (auto& [name, entry] : entries_) {
      if (!entry.look_at || *entry.look_at > now) continue;
      due.push_back(name);
      entry.ends_read = entry.ends;
    }
  }
  if (loads) load(now);
  std::vector<Advance> advances;
  std::vector<std::string> complaints;
  for (const std::string& name : due) {
    const auto kept = read(name);
    MutexLock lock(mu_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    if (!kept) {
      if (!std::exchange(entry.is_away, true)) complaints.push_back(kept.error().message());
      entry.look_at = saturating_add(now, kAgainAfter);
      continue;
    }
    entry.is_away = false;
    Move next = move(entry, now);
    if (next.advance) {
      // Until it is known what became of it, it is due.
      entry.look_at = std::min(entry.look_at.value_or(now), now);
      auto runs = std::exchange(next.advance->runs, {});
      in_flight_.emplace_back(*next.advance, next.waiting);
      advances.push_back(std::move(*next.advance));
      advances.back().runs = std::move(runs);
    } else {
      entry.waiting = next.waiting;
      place(entry);
    }
  }
  {
    MutexLock lock(mu_);
    reckon();
  }
  for (const std::string& complaint : complaints) log(LogLevel::error, queue_, complaint);
  return advances;
}

void Schedules::done(const std::vector<Result<Advanced>>& results, WallTime now) {
  std::vector<std::string> gone;
  std::vector<std::string> complaints;
  {
    MutexLock lock(mu_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& [advance, waiting] = in_flight_[i];
      const Result<Advanced>& result = results[i];
      if (result) {
        skipped_ += advance.skipped;
        for (const Result<Added>& run : result->runs) {
          if (!run) complaints.push_back(run.error().message());
        }
      }
      const auto found = entries_.find(advance.schedule);
      // What was read meanwhile knows better.
      if (found == entries_.end() || found->second.kept.version != advance.version) continue;
      Entry& entry = found->second;
      if (result) {
        entry.kept.version = result->version;
        entry.kept.schedule.next = advance.next;
        entry.kept.last = std::max(entry.kept.last.value_or(*advance.until), *advance.until);
        entry.waiting = waiting;
        place(entry);
      } else if (result.error().code() == Code::not_found) {
        gone.push_back(advance.schedule);
      } else if (result.error().code() != Code::lease_lost) {  // then it is read again, at once
        complaints.push_back(result.error().message());
        entry.look_at = saturating_add(now, kAgainAfter);
      }
    }
    in_flight_.clear();
    reckon();
  }
  for (const std::string& name : gone) forget(name);
  for (const std::string& complaint : complaints) log(LogLevel::error, queue_, complaint);
}

std::optional<WallTime> Schedules::next_due() const {
  MutexLock lock(mu_);
  return active_ ? due_ : std::nullopt;
}

void Schedules::run_ended(const std::string& name) {
  MutexLock lock(mu_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  ++found->second.ends;
  if (!found->second.waiting) return;
  place(found->second);
  reckon();
}

void Schedules::look_again() {
  MutexLock lock(mu_);
  for (auto& [name, entry] : entries_) {
    ++entry.ends;
    if (entry.waiting) place(entry);
  }
  reckon();
}

}  // namespace durable
}  // namespace v0
}  // namespace errand
