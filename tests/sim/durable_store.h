#pragma once
// A store as the simulated process sees it: other things happen while it is at work, it goes away, and it dies with
// its process. What it is asked and what it answers is told to the oracle.

#include <errand/store.h>

#include <utility>

#include "durable_oracle.h"
#include "stage.h"

namespace sim {

class WatchedStore final : public errand::Store {
 public:
  WatchedStore(errand::StorePtr inner, Oracle& oracle, errand::Rng& rng)
      : inner_(std::move(inner)), oracle_(oracle), rng_(rng) {}

  /// The process is dead: nothing comes through any more, and nobody hears of it.
  void dies() { dead_ = true; }
  bool is_away = false;
  Stage* stage = nullptr;
  /// Whether the disk below it may fail just now; told when something has succeeded.
  bool is_faulty = false;

  [[nodiscard]] errand::StorePtr inner() const { return inner_; }
  [[nodiscard]] bool is_dead() const noexcept { return dead_; }

  [[nodiscard]] errand::StoreTraits traits() const noexcept override { return inner_->traits(); }

  errand::Result<errand::Committed> commit(const errand::Batch& batch, errand::WallTime now) override {
    return passes([&] {
      // As they came: the store may take them over.
      std::vector<errand::NewTask> added(batch.added.begin(), batch.added.end());
      auto committed = inner_->commit(batch, now);
      errand::Batch as_it_came = batch;
      as_it_came.added = added;
      oracle_.committed(as_it_came, committed, now, is_faulty);
      return committed;
    });
  }
  errand::Result<errand::Changed> change(const errand::TaskFilter& filter, const errand::Change& change,
                                         errand::TaskId after, std::size_t limit, errand::WallTime now) override {
    return passes([&] {
      auto changed = inner_->change(filter, change, after, limit, now);
      oracle_.changed(filter, change, changed, now, is_faulty);
      return changed;
    });
  }
  errand::Result<void> set_paused(std::string_view queue, bool paused) override {
    return passes([&] {
      auto set = inner_->set_paused(queue, paused);
      oracle_.paused(std::string(queue), paused, set.has_value());
      return set;
    });
  }
  errand::Result<errand::Tidied> tidy(std::size_t limit, errand::WallTime now) override {
    return passes([&] {
      auto tidied = inner_->tidy(limit, now);
      oracle_.tidied(tidied, now, is_faulty);
      return tidied;
    });
  }
  errand::Result<errand::KeptTask> find(errand::TaskId id, errand::WallTime now) override {
    return passes([&] { return inner_->find(id, now); });
  }
  errand::Result<std::vector<errand::KeptTask>> list(const errand::TaskFilter& filter, errand::TaskId after,
                                                     std::size_t limit, errand::WallTime now) override {
    return passes([&] { return inner_->list(filter, after, limit, now); });
  }
  errand::Result<std::vector<errand::Damaged>> list_damaged(errand::TaskId after, std::size_t limit) override {
    return passes([&] { return inner_->list_damaged(after, limit); });
  }
  errand::Result<std::vector<errand::Counts>> counts(errand::WallTime now) override {
    return passes([&] { return inner_->counts(now); });
  }
  errand::Result<std::size_t> restore(std::string_view queue, std::span<const std::string> kinds) override {
    return passes([&] { return inner_->restore(queue, kinds); });
  }
  errand::Result<errand::KeptSchedule> put_schedule(const errand::NewSchedule& schedule,
                                                    errand::WallTime now) override {
    return passes([&] {
      auto kept = inner_->put_schedule(schedule, now);
      oracle_.put_schedule(schedule, kept, now, is_faulty);
      return kept;
    });
  }
  errand::Result<void> remove_schedule(std::string_view queue, std::string_view name) override {
    return passes([&] {
      auto removed = inner_->remove_schedule(queue, name);
      oracle_.removed_schedule(std::string(queue), std::string(name), removed, is_faulty);
      return removed;
    });
  }
  errand::Result<errand::KeptSchedule> find_schedule(std::string_view queue, std::string_view name) override {
    return passes([&] {
      auto kept = inner_->find_schedule(queue, name);
      oracle_.read_schedule(std::string(queue), std::string(name), kept, is_faulty);
      return kept;
    });
  }
  errand::Result<std::vector<errand::Result<errand::KeptSchedule>>> list_schedules(std::string_view queue) override {
    return passes([&] { return inner_->list_schedules(queue); });
  }
  errand::Result<void> pause_schedule(std::string_view queue, std::string_view name, bool paused) override {
    return passes([&] {
      auto done = inner_->pause_schedule(queue, name, paused);
      // Its version is another one from now on.
      const auto kept = inner_->find_schedule(queue, name);
      oracle_.paused_schedule(std::string(queue), std::string(name), paused, done, kept, is_faulty);
      return done;
    });
  }

  errand::Result<errand::Adopted> adopt(const errand::Adoption& page, errand::WallTime now) override {
    return inner_->adopt(page, now);
  }
  [[nodiscard]] errand::Result<void> may_wait() const override { return inner_->may_wait(); }
  void listen(std::weak_ptr<errand::StoreListener> listener) override { inner_->listen(std::move(listener)); }
  [[nodiscard]] errand::RunningSlot* take_running_slot() noexcept override { return inner_->take_running_slot(); }
  void give_back(errand::RunningSlot* slot) noexcept override { inner_->give_back(slot); }

 private:
  template <class Call>
  auto passes(Call call) -> decltype(call()) {
    lets_others();
    if (dead_) return errand::Error(errand::Code::unavailable, "sim: the process is dead");
    if (is_away) return errand::Error(errand::Code::unavailable, "sim: the store is away");
    auto answer = call();
    // What happened is on the disk; whether the process lives to hear of it is another matter.
    lets_others();
    if (dead_) return errand::Error(errand::Code::unavailable, "sim: the process is dead");
    return answer;
  }
  void lets_others() {
    if (Stage::is_actor() && rng_.below(2) == 0) stage->pause();
  }

  const errand::StorePtr inner_;
  Oracle& oracle_;
  errand::Rng& rng_;
  bool dead_ = false;
};

}  // namespace sim
