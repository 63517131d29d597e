#pragma once
// A process with two queues on one store, whose callers, workers and store's thread take turns; a disk that fails; a
// clock that jumps; and deaths of the process, after each of which another one goes on with what the disk has kept.
//
//   durable_world.cc         lives and deaths, and what befalls them
//   durable_actors.cc        what callers and workers do
//   durable_transactions.cc  and what they do in transactions of their own
//   durable_schedules.cc     and to schedules
//   durable_closures.cc      closures beside named tasks

#include <errand/queue.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/running_file.h"
#include "durable/named_tasks.h"
#include "durable_oracle.h"
#include "durable_store.h"
#include "engine/engine.h"
#include "sim_clock.h"
#include "stage.h"
#include "support/folder.h"
#include "test_disk/disk.h"

namespace sim {

enum class Where : unsigned char { memory, sqlite };

class World {
 public:
  World(std::uint64_t seed, Where where, int steps, const Folder& folder);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// From the first open to the last close, or to the first broken promise.
  void live();

  void tells(bool what_happens) { oracle_.tells = what_happens; }
  [[nodiscard]] const Oracle& oracle() const noexcept { return oracle_; }
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }

 private:
  static constexpr int kQueues = 2;
  static constexpr int kWorkers = 2;  // of each queue
  static constexpr int kCallers = 3;

  struct Line {
    std::unique_ptr<errand::Queue> queue{};
    errand::detail::Engine* engine = nullptr;
    errand::detail::NamedTasks* tasks = nullptr;
    std::vector<errand::detail::Worker*> workers{};
    bool paused = false;         // as its callers know; while the store is away that one may say otherwise
    bool pause_in_hand = false;  // somebody is at it
  };

  // --- lives ---
  void open();
  void play(bool last);
  void dies(Oracle::Death how);
  void close(Oracle::Death how);
  void look(bool began);
  void handle(Line& line);

  // --- what befalls them ---
  void weather();
  void moves_time();
  void plan_fault();
  void heals();
  void on_all_wait();
  [[nodiscard]] bool has_steps() const { return stage_->turns() < turns_until_; }
  [[nodiscard]] bool goes_on();

  // --- actors ---
  void stores_thread();
  void worker(int line, int number);
  void caller();
  void healer();
  struct Paused {
    bool named;
    bool closures;
  };
  void taken(const Line& line, errand::TaskId record, Paused paused);
  errand::Outcome says(errand::Attempt& attempt);
  void returns(errand::Attempt& attempt);
  Said body(errand::Attempt& attempt, bool explicitly);

  errand::Outcome runs(errand::Attempt& attempt);

  // --- what callers do ---
  void submit(Line& line);
  void cancel_closure(Line& line);
  void enqueue(Line& line);
  void enqueue_many(Line& line);
  void enqueue_in_transaction(Line& line);
  void enqueue_and_wait(Line& line);
  void cancel(Line& line);
  void change(Line& line);
  void pause_or_resume(Line& line, bool pauses);
  void tell_again();
  void advance_schedule(Line& line);
  void keep_schedule(Line& line);
  void put_schedule(Line& line, const std::string& name);
  bool transact(Line& line, errand::Attempt* attempt);
  [[nodiscard]] bool completes_in_transaction(errand::Attempt& attempt);
  [[nodiscard]] errand::Unique unique();
  [[nodiscard]] errand::TaskOptions options(Line& line, std::uint64_t* watch);
  struct Calm {
    bool is_well;
    bool is_quiet;
    std::uint64_t disturbed;
  };
  [[nodiscard]] Calm calm() const;
  [[nodiscard]] bool is_calm_since(const Calm& before) const;
  void disturb(Line& line, const std::function<void()>& act);
  [[nodiscard]] std::optional<errand::TaskId> any_task(const Line& line, bool lives = false);
  [[nodiscard]] bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }
  void told(const std::string& payload, const errand::Result<errand::Task<>>& task, Line& line,
            const errand::TaskOptions& options, std::uint64_t watch, const Calm& before);

  const std::uint64_t seed_;
  const Where where_;
  const Folder& folder_;  // for the one file that is not on the simulated disk: who was running
  errand::Rng rng_;
  std::unique_ptr<disk::Disk> disk_;
  std::shared_ptr<SimClock> clock_ = std::make_shared<SimClock>();
  Oracle oracle_;
  std::shared_ptr<WatchedStore> store_{};
  errand::StorePtr memory_{};
  std::vector<Line> lines_{};
  std::unique_ptr<Stage> stage_{};
  std::string slots_{};  // of the file of who is running, as the dead process left it
  int boots_ = 0;
  int lives_ = 0;
  std::uint64_t turns_left_;
  std::uint64_t turns_until_ = 0;
  std::uint64_t watches_ = 0;
  std::optional<Oracle::Death> death_{};
  bool is_last_ = false;
  bool healed_ = false;
  bool no_more_slots_ = false;
  int busy_ = 0;                 // who is at work on tasks that wait
  std::uint64_t disturbed_ = 0;  // how often somebody was, or something befell the store or the clock
  int slot_ = 0;
  std::uint64_t trace_ = 0;
};

}  // namespace sim
