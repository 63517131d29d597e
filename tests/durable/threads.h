#pragma once
// What the tests of named tasks with real threads share: events that are waited for, and a store that fails or waits
// when the test says so. What handlers use goes after their queue does: each test ends with that.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "support.h"

// False if it never comes.
template <class Is>
bool soon(Is is) {
  const auto until = errand::real_clock()->mono() + kSoon;
  while (!is()) {
    if (errand::real_clock()->mono() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

// How often each of some numbers came.
class Tally {
 public:
  explicit Tally(int numbers) : seen_(static_cast<std::size_t>(numbers)) {}

  void add(int number) {
    const std::lock_guard lock(mu_);
    ++seen_.at(static_cast<std::size_t>(number));
    ++all_;
    changed_.notify_all();
  }
  // False if fewer come.
  bool reaches(int all) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, kSoon, [&] { return all_ >= all; });
  }
  [[nodiscard]] int all() const {
    const std::lock_guard lock(mu_);
    return all_;
  }
  [[nodiscard]] int of(int number) const {
    const std::lock_guard lock(mu_);
    return seen_.at(static_cast<std::size_t>(number));
  }
  // How many of the first `numbers` came another number of times than `times`.
  [[nodiscard]] int others_than(int times, int numbers) const {
    const std::lock_guard lock(mu_);
    int others = 0;
    for (int i = 0; i < numbers; ++i) others += seen_.at(static_cast<std::size_t>(i)) != times ? 1 : 0;
    return others;
  }

 private:
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::vector<int> seen_;
  int all_ = 0;
};

// So many threads, joined when it goes.
class Threads {
 public:
  template <class F>
  Threads(int count, F f) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([f, i] { f(i); });
  }
  ~Threads() { join(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  void join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  std::vector<std::thread> threads_;
};

// A store in memory that says of itself what it is told to, whose calls fail while the test wants that, and whose
// commits the test sees before they are made.
class Shaky final : public errand::Store {
 public:
  explicit Shaky(bool durable = true) : durable_(durable) {}

  std::atomic<bool> fails{false};
  std::atomic<bool> hangs{false};  // then nothing is to be asked that would not come back
  std::atomic<int> commits{0};
  std::atomic<int> finds{0};
  std::atomic<int> failing_restores{0};  // so many of the next ones

  // Both are called on the thread that leads.
  void before_commit(std::function<void(const errand::Batch&)> look) {
    const std::lock_guard lock(mu_);
    look_ = std::move(look);
  }
  void after_commit(std::function<void()> look) {
    const std::lock_guard lock(mu_);
    look_after_ = std::move(look);
  }

  // Called on the thread that changes tasks, or pauses, while nobody changes these.
  std::function<void()> before_change{};
  std::function<void()> after_change{};
  std::function<void(bool)> before_pause{};
  // Whose row nobody can read; changed while nobody calls.
  std::string damaged_schedule{};
  // Ends that are refused, each for itself.
  void refuse(std::function<bool(const errand::Finish&)> refuses) {
    const std::lock_guard lock(mu_);
    refuses_ = std::move(refuses);
  }

  errand::StoreTraits traits() const noexcept override { return {.name = "shaky", .durable = durable_}; }
  errand::Result<errand::Committed> commit(const errand::Batch& batch, errand::WallTime now) override {
    ++commits;
    std::function<void(const errand::Batch&)> look;
    std::function<void()> look_after;
    {
      const std::lock_guard lock(mu_);
      look = look_;
      look_after = look_after_;
    }
    if (look) look(batch);
    if (fails) return away("commit");
    auto committed = commit_the_rest(batch, now);
    if (look_after) look_after();
    return committed;
  }
  errand::Result<errand::KeptTask> find(errand::TaskId id, errand::WallTime now) override {
    ++finds;
    if (fails) return away("find");
    return inner_->find(id, now);
  }
  errand::Result<std::vector<errand::KeptTask>> list(const errand::TaskFilter& filter, errand::TaskId after,
                                                     std::size_t limit, errand::WallTime now) override {
    if (fails) return away("list");
    return inner_->list(filter, after, limit, now);
  }
  errand::Result<std::vector<errand::Damaged>> list_damaged(errand::TaskId after, std::size_t limit) override {
    if (fails) return away("list damaged tasks");
    return inner_->list_damaged(after, limit);
  }
  errand::Result<std::vector<errand::Counts>> counts(errand::WallTime now) override {
    EXPECT_FALSE(hangs);
    if (fails) return away("count");
    return inner_->counts(now);
  }
  errand::Result<errand::Changed> change(const errand::TaskFilter& filter, const errand::Change& change,
                                         errand::TaskId after, std::size_t limit, errand::WallTime now) override {
    if (fails) return away("change");
    if (before_change) before_change();
    auto changed = inner_->change(filter, change, after, limit, now);
    if (after_change) after_change();
    return changed;
  }
  errand::Result<std::size_t> restore(std::string_view queue, std::span<const std::string> kinds) override {
    if (fails || failing_restores.fetch_sub(1) > 0) return away("restore");
    return inner_->restore(queue, kinds);
  }
  errand::Result<void> set_paused(std::string_view queue, bool paused) override {
    if (fails) return away("pause");
    if (before_pause) before_pause(paused);
    return inner_->set_paused(queue, paused);
  }
  errand::Result<errand::KeptSchedule> put_schedule(const errand::NewSchedule& schedule,
                                                    errand::WallTime now) override {
    if (fails) return away("keep a schedule");
    return inner_->put_schedule(schedule, now);
  }
  errand::Result<void> remove_schedule(std::string_view queue, std::string_view name) override {
    if (fails) return away("remove a schedule");
    return inner_->remove_schedule(queue, name);
  }
  errand::Result<errand::KeptSchedule> find_schedule(std::string_view queue, std::string_view name) override {
    if (fails) return away("find a schedule");
    if (name == damaged_schedule) return damaged();
    return inner_->find_schedule(queue, name);
  }
  errand::Result<std::vector<errand::Result<errand::KeptSchedule>>> list_schedules(std::string_view queue) override {
    if (fails) return away("list schedules");
    auto all = inner_->list_schedules(queue);
    for (auto& one : *all) {
      if (one && one->schedule.name == damaged_schedule) one = damaged();
    }
    return all;
  }
  errand::Result<void> pause_schedule(std::string_view queue, std::string_view name, bool paused) override {
    if (fails) return away("pause a schedule");
    return inner_->pause_schedule(queue, name, paused);
  }
  errand::Result<errand::Adopted> adopt(const errand::Adoption& page, errand::WallTime now) override {
    return inner_->adopt(page, now);
  }
  void listen(std::weak_ptr<errand::StoreListener> listener) override { inner_->listen(std::move(listener)); }
  errand::Result<errand::Tidied> tidy(std::size_t limit, errand::WallTime now) override {
    if (fails) return away("tidy");
    return inner_->tidy(limit, now);
  }

 private:
  static errand::Error away(const std::string& what) {
    return {errand::Code::unavailable, "shaky: " + what + ": the store is away"};
  }

  static errand::Error damaged() { return {errand::Code::invalid, "shaky: its row is damaged"}; }

  errand::Result<errand::Committed> commit_the_rest(errand::Batch batch, errand::WallTime now) {
    std::function<bool(const errand::Finish&)> refuses;
    {
      const std::lock_guard lock(mu_);
      refuses = refuses_;
    }
    if (!refuses) return inner_->commit(batch, now);
    std::vector<errand::Finish> taken;
    for (const errand::Finish& one : batch.finished) {
      if (!refuses(one)) taken.push_back(one);
    }
    const std::span<const errand::Finish> all = std::exchange(batch.finished, taken);
    auto committed = inner_->commit(batch, now);
    if (!committed) return committed;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!refuses(all[i])) continue;
      const errand::Error no(errand::Code::too_large, "shaky: finish task: it is too much");
      committed->finished.insert(committed->finished.begin() + static_cast<std::ptrdiff_t>(i), no);
    }
    return committed;
  }

  const errand::StorePtr inner_ = errand::open_memory();
  const bool durable_;
  std::mutex mu_;
  std::function<void(const errand::Batch&)> look_;
  std::function<void()> look_after_;
  std::function<bool(const errand::Finish&)> refuses_;
};
