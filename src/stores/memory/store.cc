// Named tasks in memory: the plainest way to keep what the seam promises, and the model for stores that are not plain.

#include <errand/store.h>

#include <algorithm>

#include "base/listeners.h"
#include "base/mutex.h"
#include "base/time.h"
#include "memory/rows.h"
#include "memory/schedules.h"
#include "memory/task.h"

namespace errand {
inline namespace v0 {
namespace memory {

namespace {

constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;

Error error(Code code, const std::string& what, const std::string& why) {
  return {code, "memory: " + what + ": " + why};
}

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::size_t keep) : rows_(keep) {}

  [[nodiscard]] StoreTraits traits() const noexcept override {
    return {.name = "memory", .durable = false, .exclusive = true};
  }

  Result<Committed> commit(const Batch& batch, WallTime now) override {
    MutexLock lock(mu_);
    keep_available(now);
    Committed committed;
    for (const Note& one : batch.notes) committed.notes.push_back(note(one));
    for (const Finish& one : batch.finished) committed.finished.push_back(finish(one, now));
    for (const NewTask& one : batch.added) committed.added.push_back(add(one, now));
    for (const Advance& one : batch.advanced) committed.advanced.push_back(advance(one, now));
    for (const ClaimRequest& one : batch.claims) committed.claims.push_back(claim(one, now));
    rows_.trim();
    return committed;
  }

  Result<KeptTask> find(TaskId id, WallTime now) override {
    MutexLock lock(mu_);
    const KeptTask* task = rows_.find(id.value);
    if (task == nullptr) return error(Code::not_found, "find task " + to_string(id), "no such task");
    return seen(*task, now);
  }

  Result<std::vector<KeptTask>> list(const TaskFilter& filter, TaskId after, std::size_t limit, WallTime now) override {
    MutexLock lock(mu_);
    std::vector<KeptTask> found;
    for (auto at = rows_.all().upper_bound(after.value); at != rows_.all().end() && found.size() < limit; ++at) {
      if (matches(at->second, filter, now)) found.push_back(seen(at->second, now));
    }
    return found;
  }

  Result<std::vector<Damaged>> list_damaged(TaskId /*after*/, std::size_t /*limit*/) override {
    return std::vector<Damaged>();
  }

  Result<std::vector<Counts>> counts(WallTime now) override {
    MutexLock lock(mu_);
    std::map<std::string_view, Counts> by_queue;
    for (const std::string& queue : paused_) by_queue[queue].paused = true;
    for (const auto& [id, task] : rows_.all()) count(task, now, by_queue[task.task.queue]);
    std::vector<Counts> all;
    for (auto& [queue, counts] : by_queue) {
      counts.queue = queue;
      all.push_back(std::move(counts));
    }
    return all;
  }

  Result<Changed> change(const TaskFilter& filter, const Change& change, TaskId after, std::size_t limit,
                         WallTime now) override {
    MutexLock lock(mu_);
    keep_available(now);
    std::vector<TaskId> meant;
    for (auto at = rows_.all().upper_bound(after.value); at != rows_.all().end() && meant.size() < limit; ++at) {
      if (matches(at->second, filter, now)) meant.push_back(at->second.id);
    }
    Changed changed;
    for (const TaskId id : meant) {
      KeptTask& task = *rows_.find(id.value);
      if (change.what == Change::What::cancel && task.state == TaskState::running) {
        task.cancel_requested = true;
        changed.running.push_back(id);
      } else {
        (apply(change, now, task) ? changed.ids : changed.refused).push_back(id);
      }
    }
    rows_.trim();
    return changed;
  }

  Result<std::size_t> restore(std::string_view queue, std::span<const std::string> kinds) override {
    MutexLock lock(mu_);
    std::vector<KeptTask*> found;
    for (const auto& [id, task] : rows_.all()) {
      if (task.aside == Aside::no_handler && is_waiting(task.state) && task.task.queue == queue &&
          std::find(kinds.begin(), kinds.end(), task.task.kind) != kinds.end()) {
        found.push_back(rows_.find(id));
      }
    }
    for (KeptTask* task : found) rows_.change(*task, [](KeptTask& t) { t.aside = Aside::no; });
    return found.size();
  }

  Result<void> set_paused(std::string_view queue, bool paused) override {
    MutexLock lock(mu_);
    if (paused) {
      paused_.insert(std::string(queue));
    } else if (const auto found = paused_.find(queue); found != paused_.end()) {
      paused_.erase(found);
    }
    return {};
  }

  Result<KeptSchedule> put_schedule(const NewSchedule& schedule, WallTime now) override {
    MutexLock lock(mu_);
    keep_available(now);
    return seen(schedules_.put(schedule, ++last_token_, now), rows_);
  }

  Result<void> remove_schedule(std::string_view queue, std::string_view name) override {
    MutexLock lock(mu_);
    if (!schedules_.erase(queue, name)) return no_schedule("remove", queue, name);
    return {};
  }

  Result<KeptSchedule> find_schedule(std::string_view queue, std::string_view name) override {
    MutexLock lock(mu_);
    const KeptSchedule* schedule = schedules_.find(queue, name);
    if (schedule == nullptr) return no_schedule("find", queue, name);
    return seen(*schedule, rows_);
  }

  Result<std::vector<Result<KeptSchedule>>> list_schedules(std::string_view queue) override {
    MutexLock lock(mu_);
    std::vector<Result<KeptSchedule>> found;
    for (const auto& [key, schedule] : schedules_.all()) {
      if (queue.empty() || key.first == queue) found.push_back(seen(schedule, rows_));
    }
    return found;
  }

  Result<void> pause_schedule(std::string_view queue, std::string_view name, bool paused) override {
    MutexLock lock(mu_);
    KeptSchedule* schedule = schedules_.find(queue, name);
    if (schedule == nullptr) return no_schedule(paused ? "pause" : "resume", queue, name);
    schedule->schedule.paused = paused;
    schedule->version = ++last_token_;
    return {};
  }

  Result<Adopted> adopt(const Adoption& page, WallTime now) override {
    Adopted adopted;
    std::set<std::string> queues;
    {
      MutexLock lock(mu_);
      keep_available(now);
      paused_.insert(page.paused.begin(), page.paused.end());
      for (const KeptSchedule& one : page.schedules) adopted.schedules.push_back(adopt(one));
      for (const KeptTask& one : page.tasks) {
        adopted.tasks.push_back(adopt(one, now));
        queues.insert(one.task.queue);
      }
      rows_.trim();
    }
    listeners_.tell(std::vector<std::string>(queues.begin(), queues.end()));
    return adopted;
  }

  void listen(std::weak_ptr<StoreListener> listener) override { listeners_.add(std::move(listener)); }

  Result<Tidied> tidy(std::size_t limit, WallTime now) override {
    MutexLock lock(mu_);
    keep_available(now);
    Tidied tidied;
    while (!rows_.expiring().empty() && rows_.expiring().begin()->first <= now && tidied.expired.size() < limit) {
      KeptTask& task = *rows_.find(rows_.expiring().begin()->second);
      expire(task, now);
      tidied.expired.push_back(task.id);
    }
    while (!rows_.prunable().empty() && rows_.prunable().begin()->first <= now && tidied.pruned < limit) {
      rows_.erase(rows_.prunable().begin()->second);
      ++tidied.pruned;
    }
    rows_.trim();
    tidied.more = tidied.expired.size() == limit || tidied.pruned == limit;
    return tidied;
  }

 private:
  // --- commit ---

  Result<void> finish(const Finish& finish, WallTime now) ERRAND_REQUIRES(mu_) {
    KeptTask* task = held(finish.id, finish.token);
    if (task == nullptr) return lease_lost("finish", finish.id);
    if (finish.to == TaskState::completed && task->task.ephemeral) {
      rows_.erase(finish.id.value);
      return {};
    }
    rows_.change(*task, [&](KeptTask& t) { memory::apply(finish, now, t); });
    if (is_final(finish.to)) keep_as_long_as_its_key(*task, finish.prune_at, now);
    return {};
  }

  // It has ended.
  void keep_as_long_as_its_key(KeptTask& task, std::optional<WallTime> prune_at, WallTime now) ERRAND_REQUIRES(mu_) {
    rows_.take_key(task, now);
    if (!task.holds_key) return;
    rows_.change(task, [&](KeptTask& t) { t.prune_at = up_to_micros(kept_until(t.task, t.state, prune_at)); });
  }

  Result<void> note(const Note& note) ERRAND_REQUIRES(mu_) {
    KeptTask* task = held(note.id, note.token);
    if (task == nullptr) return lease_lost("note progress of", note.id);
    memory::apply(note, *task);
    return {};
  }

  Result<Added> add(const NewTask& given, WallTime now) ERRAND_REQUIRES(mu_) {
    KeptSchedule* schedule = given.schedule.empty() ? nullptr : schedules_.find(given.queue, given.schedule);
    if (const auto had = dealt_with(given, schedule, rows_)) return *had;
    const UniqueKey& unique = given.unique;
    if (KeptTask* first = unique.key.empty() ? nullptr : rows_.holder(unique.key, now))
      return clash(*first, given, now);
    KeptTask task;
    task.id = TaskId{kStoreBit | ++last_id_};
    task.task = given;
    task.task.run_at = up_to_micros(given.run_at);
    task.task.expires_at = up_to_micros(given.expires_at);
    task.task.unique.until = up_to_micros(unique.until);
    task.task.slot = up_to_micros(given.slot);
    task.created_at = down_to_micros(now);
    task.state = given.run_at <= now ? TaskState::available : TaskState::scheduled;
    task.holds_key = true;
    if (schedule != nullptr) note_run(*schedule, task);
    return Added{rows_.add(std::move(task)).id};
  }

  // A second task with the key of `first`.
  Result<Added> clash(KeptTask& first, const NewTask& given, WallTime now) ERRAND_REQUIRES(mu_) {
    if (given.unique.on_clash == OnClash::refuse) {
      return error(Code::duplicate, "enqueue \"" + given.kind + "\" to queue \"" + given.queue + "\"",
                   "task " + to_string(first.id) + " has its unique key");
    }
    const bool replaced = replaces(given.unique.on_clash) && is_waiting(first.state);
    if (replaced) rows_.change(first, [&](KeptTask& t) { replace(t, given, now); });
    return Added{first.id, true, replaced};
  }

  Result<Advanced> advance(const Advance& advance, WallTime now) ERRAND_REQUIRES(mu_) {
    KeptSchedule* schedule = schedules_.find(advance.queue, advance.schedule);
    if (schedule == nullptr) return no_schedule("advance", advance.queue, advance.schedule);
    if (schedule->version != advance.version) {
      return error(Code::lease_lost, "advance " + title_of(advance.queue, advance.schedule),
                   "it has been changed since it was read");
    }
    Advanced done;
    if (advance.cancel_earlier && adds_any(advance, *schedule, rows_)) cancel_runs(advance, now, done);
    for (const NewTask& run : advance.runs) done.runs.push_back(add(run, now));
    move_on(*schedule, advance);
    done.version = schedule->version = ++last_token_;
    return done;
  }

  void cancel_runs(const Advance& advance, WallTime now, Advanced& done) ERRAND_REQUIRES(mu_) {
    const std::set<Rows::Id> live = rows_.runs(advance.queue, advance.schedule);  // it changes meanwhile
    for (const Rows::Id id : live) {
      KeptTask& task = *rows_.find(id);
      if (task.state == TaskState::running) {
        task.cancel_requested = true;
        done.running.push_back(task.id);
      } else if (apply(Change{.what = Change::What::cancel, .prune_at = advance.prune_at}, now, task)) {
        done.cancelled.push_back(task.id);
      }
    }
  }

  Claimed claim(const ClaimRequest& request, WallTime now) ERRAND_REQUIRES(mu_) {
    Claimed claimed;
    if (is_paused(request.queue)) return claimed;
    Rows::Line& line = rows_.line(request.queue);
    for (auto at = line.begin(); at != line.end();) {
      const auto [priority, run_at, id] = *at;
      if (priority >= request.below) break;
      KeptTask& task = *rows_.find(id);
      if (run_at > now) {
        // Nothing more of this priority is due.
        if (!claimed.next_due || run_at < *claimed.next_due) claimed.next_due = run_at;
        at = line.lower_bound({priority + 1, WallTime::min(), 0});
        continue;
      }
      if (claimed.tasks.size() == request.limit) {
        claimed.more = true;
        break;
      }
      if (task.task.expires_at && *task.task.expires_at <= now) {
        expire(task, now);
        claimed.expired.push_back(task.id);
      } else if (!request.any_kind && !std::binary_search(request.kinds.begin(), request.kinds.end(), task.task.kind)) {
        rows_.change(task, [](KeptTask& t) { t.aside = Aside::no_handler; });
      } else {
        ++last_token_;
        rows_.change(task, [token = last_token_](KeptTask& t) {
          t.state = TaskState::running;
          t.token = token;
        });
        rows_.take_key(task, now);
        claimed.tasks.push_back(task);
      }
      // Not ++at: whoever gives up a key to it is put in line anew.
      at = line.upper_bound({priority, run_at, id});
    }
    return claimed;
  }

  // --- what another store kept ---

  Result<void> adopt(const KeptSchedule& given) ERRAND_REQUIRES(mu_) {
    const NewSchedule& schedule = given.schedule;
    if (schedules_.find(schedule.queue, schedule.name) != nullptr)
      return error(Code::invalid, "take in " + title_of(schedule.queue, schedule.name), "there is one of this name");
    schedules_.adopt(given, ++last_token_);
    return {};
  }

  Result<void> adopt(const KeptTask& given, WallTime now) ERRAND_REQUIRES(mu_) {
    const auto is_there = [&](const std::string& why) {
      return error(Code::invalid, "take in task " + to_string(given.id), why);
    };
    if (rows_.find(given.id.value) != nullptr) return is_there("there is a task with this id");
    if (const KeptTask* other = rows_.run_of_slot(given.task))
      return is_there("task " + to_string(other->id) + " is the run of its slot");
    KeptTask task = given;
    if (task.state == TaskState::running) task.state = TaskState::available;
    task.holds_key = task.holds_key && (task.task.unique.states & bit(task.state)) != 0;
    if (const KeptTask* other = task.holds_key ? rows_.holder(task.task.unique.key, now) : nullptr)
      return is_there("task " + to_string(other->id) + " has its unique key");
    task.cancel_requested = false;
    last_id_ = std::max(last_id_, given.id.value & ~kStoreBit);
    last_token_ = std::max(last_token_, given.token);
    rows_.add(std::move(task));
    return {};
  }

  // --- changes from outside ---

  // False where the task is in a state in which it can't be done. Cancels of running tasks are not for here.
  bool apply(const Change& change, WallTime now, KeptTask& task) ERRAND_REQUIRES(mu_) {
    const bool waiting = is_waiting(task.state);
    const bool over = is_final(task.state);
    switch (change.what) {
      case Change::What::cancel:
        if (!waiting && task.state != TaskState::blocked) return false;
        rows_.change(task, [&](KeptTask& t) {
          t.state = TaskState::cancelled;
          t.finished_at = down_to_micros(now);
          t.prune_at = up_to_micros(change.prune_at);
        });
        keep_as_long_as_its_key(task, change.prune_at, now);
        return true;
      case Change::What::retry:
        if (!waiting && !over) return false;
        if (over && taken_by_another(task, now)) return false;
        rows_.change(task, [&](KeptTask& t) { begin_again(t, over, now); });
        if (over) rows_.take_key(task, now);
        return true;
      case Change::What::hold:
        if (!waiting || task.aside == Aside::held) return false;
        rows_.change(task, [](KeptTask& t) { t.aside = Aside::held; });
        return true;
      case Change::What::release:
        if (!waiting || task.aside != Aside::held) return false;
        rows_.change(task, [](KeptTask& t) { t.aside = Aside::no; });
        return true;
      case Change::What::remove:
        if (!over) return false;
        rows_.erase(task.id.value);
        return true;
      case Change::What::edit:
        if (!waiting) return false;
        rows_.change(task, [&](KeptTask& t) { edit(t, change, now); });
        return true;
    }
    return false;
  }

  // Whether its unique key, which it lets go of when it ends, has found another task since. Once its own time for the
  // key is over, that is no business of its.
  [[nodiscard]] bool taken_by_another(const KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_) {
    const UniqueKey& unique = task.task.unique;
    if (unique.key.empty() || (unique.states & bit(TaskState::available)) == 0) return false;
    if (Rows::is_over(unique, now)) return false;
    const KeptTask* holder = rows_.holder(unique.key, now);
    return holder != nullptr && holder->id != task.id;
  }

  void expire(KeptTask& task, WallTime now) ERRAND_REQUIRES(mu_) {
    const WallTime prune_at = saturating_add(now, kKeepDiscarded);
    rows_.change(task, [&](KeptTask& t) {
      t.state = TaskState::discarded;
      t.finished_at = down_to_micros(now);
      t.prune_at = up_to_micros(prune_at);
      if (!t.last_error) t.last_error = KeptError{Code::discarded, "expired: it was not started in time"};
    });
    keep_as_long_as_its_key(task, prune_at, now);
  }

  // --- the rest ---

  [[nodiscard]] KeptTask* held(TaskId id, std::uint64_t token) ERRAND_REQUIRES(mu_) {
    KeptTask* task = rows_.find(id.value);
    return task != nullptr && task->state == TaskState::running && task->token == token ? task : nullptr;
  }

  static Error lease_lost(const std::string& what, TaskId id) {
    return error(Code::lease_lost, what + " task " + to_string(id), "its claim is over, or another one has it");
  }

  static Error no_schedule(const std::string& what, std::string_view queue, std::string_view name) {
    return error(Code::not_found, what + " " + title_of(queue, name), "no such schedule");
  }

  [[nodiscard]] bool is_paused(std::string_view queue) const ERRAND_REQUIRES(mu_) {
    return paused_.find(queue) != paused_.end();
  }

  // A task whose time had come stays available when the clock goes back: its place is where the clock is now.
  void keep_available(WallTime now) ERRAND_REQUIRES(mu_) {
    if (now < latest_) {
      std::vector<KeptTask*> due;
      for (const auto& [id, task] : rows_.all()) {
        const bool matters = is_waiting(task.state) || task.state == TaskState::running;
        if (matters && task.task.run_at > now && task.task.run_at <= latest_) due.push_back(rows_.find(id));
      }
      for (KeptTask* task : due) rows_.change(*task, [&](KeptTask& t) { t.task.run_at = down_to_micros(now); });
    }
    latest_ = now;
  }

  // Lock order: nothing is taken under it.
  Mutex mu_;
  Rows rows_ ERRAND_GUARDED_BY(mu_);
  Schedules schedules_ ERRAND_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> paused_ ERRAND_GUARDED_BY(mu_);
  std::uint64_t last_id_ ERRAND_GUARDED_BY(mu_) = 0;
  std::uint64_t last_token_ ERRAND_GUARDED_BY(mu_) = 0;  // of claims; versions of schedules are of these, too
  WallTime latest_ ERRAND_GUARDED_BY(mu_) = WallTime::min();
  Listeners listeners_;
};

}  // namespace

}  // namespace memory

StorePtr open_memory(std::size_t keep) {
  return std::make_shared<memory::MemoryStore>(keep);
}

}  // namespace v0
}  // namespace errand
