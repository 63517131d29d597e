// The whole memory tier on one thread: n logical workers take the same steps as the threads do, in an order that a seed
// decides, under a clock that the seed moves. After each step the promises are looked at.
//
//   sim_tests --gtest_filter=Sim.* ; ERRAND_SIM_SEED=n replays one seed, ERRAND_SIM_SEEDS=n runs as many

#include <errand/errand.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "core/lifecycle.h"
#include "engine/engine.h"

namespace errand {
inline namespace v0 {
namespace {

using namespace std::chrono_literals;
using detail::Engine;
using detail::Seat;
using detail::Worker;

constexpr std::uint64_t kTraceOfSeed42 = 10737549204516531571u;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

// What the simulation knows about a task by itself, without asking the engine.
struct Model {
  int priority = kNormal;
  int bodies = 0;                       // that have begun
  int finish_calls = 0;                 // of on_finish
  bool watched = false;                 // has an on_finish
  bool moved = false;                   // its place in line is not its submit's any more
  std::optional<SteadyTime> due{};      // until then it waits, where nothing but its delay says how long
  std::optional<std::size_t> parent{};  // Order::depth_first: the worker whose own this task is, as a body's child
  TaskState last = TaskState::refused;  // by the events
  std::uint64_t serial = 0;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, QueueOptions options, int workers) : rng_(seed) {
    clock_ = std::make_shared<ManualClock>();
    options.drive = Drive::manual;
    options.clock = clock_;
    options.seed = seed;
    options.name = "sim";
    options.workers = workers;
    options.stuck_after = 5ms;
    children_taken_.resize(static_cast<std::size_t>(workers));
    engine_ = std::make_unique<Engine>(std::move(options));
    observer_.emplace(engine_->observe(1 << 16));
    for (int i = 0; i < workers; ++i) {
      workers_.push_back(&engine_->borrow_guest());
      running_.push_back({});
    }
  }

  ~Simulation() {
    for (std::size_t i = 0; i < workers_.size(); ++i) finish(i);
    for (Worker* worker : workers_) engine_->return_guest(*worker);
    engine_->shutdown({.drain = Drain::none, .timeout = Duration::zero()});
    look_at_events();
    for (const auto& [id, task] : tasks_) {
      EXPECT_TRUE(is_final(task.last)) << to_string(id) << " is " << to_string(task.last);
      EXPECT_EQ(task.finish_calls, task.watched ? 1 : 0) << to_string(id);
    }
  }

  void step() {
    const std::uint64_t dice = rng_.below(100);
    const std::size_t worker = rng_.below(workers_.size());
    if (dice < 30) {
      submit();
    } else if (dice < 58) {
      claim(worker);
    } else if (dice < 82) {
      finish(worker);
    } else if (dice < 88) {
      moves_time();
    } else if (dice < 92) {
      step_timers();
    } else if (dice < 94) {
      if (const auto id = any_task()) static_cast<void>(engine_->cancel(*id));
    } else if (dice < 96) {
      if (const auto id = any_task()) reprioritise(*id);
    } else if (dice < 97) {
      if (const auto id = any_task(); id && engine_->retry(*id)) {
        tasks_[*id].moved = true;
        tasks_[*id].due.reset();
      }
    } else if (dice < 98) {
      workers_[worker]->surrender();
      orphaned_ = true;
      for (auto& [id, task] : tasks_) task.moved = task.moved || task.parent == worker;
    } else if (dice < 99) {
      engine_->pause();
      EXPECT_EQ(workers_[worker]->claim().record, nullptr) << "a paused queue starts nothing";
      engine_->end_pause();
      engine_->wake_everybody();
    } else {
      clock_->set_now(clock_->now() + Duration(static_cast<std::int64_t>(rng_.below(20'000'000)) - 10'000'000));
    }
    look_at_events();
    check_sums();
  }

  [[nodiscard]] std::uint64_t trace() const { return trace_; }

 private:
  // Half of the time just to where something is due: a moment too far is not seen anywhere else.
  void moves_time() {
    const SteadyTime next = engine_->next_due();
    if (rng_.below(2) == 0 && next != SteadyTime::max()) {
      if (next > clock_->mono()) clock_->advance(next - clock_->mono());
    } else {
      clock_->advance(Duration(rng_.below(3'000'000)));
    }
  }

  void step_timers() {
    if (engine_->step_timers()) return;  // there is more to do
    look_at_events();
    for (const auto& [id, task] : tasks_) {
      EXPECT_FALSE(task.due && *task.due <= clock_->mono()) << to_string(id) << " is due, and still waits";
    }
  }

  // Up to 4 ms; or to where the wheel's slots of 256 ns, 66 us or 17 ms meet, or turns of them.
  Duration some_delay() {
    if (rng_.below(2) == 0) return Duration(rng_.below(4'000'000));
    const std::int64_t width = std::int64_t{1} << (8 * (1 + rng_.below(3)));
    const std::int64_t now = clock_->mono().time_since_epoch().count();
    return Duration((now / width + 1 + static_cast<std::int64_t>(rng_.below(300))) * width - now);
  }

  void submit() {
    TaskOptions options;
    const std::uint64_t dice = rng_.below(100);
    if (dice < 20) options.delay = some_delay();
    if (dice >= 20 && dice < 25) options.at = clock_->now() + Duration(rng_.below(4'000'000));
    if (dice % 3 == 0) options.priority = static_cast<int>(rng_.below(10));
    if (dice % 5 == 0) options.max_attempts = 1 + static_cast<int>(rng_.below(3));
    if (dice % 5 == 0) options.retry = Retry::fixed(Duration(1 + rng_.below(2'000'000)));
    if (dice % 7 == 0) options.timeout = Duration(1 + rng_.below(1'000'000));
    if (dice % 11 == 0) options.expires_at = clock_->now() + Duration(rng_.below(3'000'000));
    const bool watched = dice % 4 == 0;
    auto self = std::make_shared<TaskId>();
    if (watched) {
      options.on_finish = [this, self](const TaskInfo& info) {
        EXPECT_TRUE(is_final(info.state));
        EXPECT_EQ(info.id, *self);
        ++tasks_[*self].finish_calls;
      };
    }
    const bool plain = dice >= 80;
    const int priority = plain ? kNormal : options.priority;
    const bool in_order = !options.at && options.delay == Duration::zero();
    auto body = [this, self, kind = rng_.below(12)](Attempt& attempt) -> Outcome {
      ++tasks_[*self].bodies;
      EXPECT_EQ(attempt.id(), *self);
      if (kind == 0) return retry("again");
      if (kind == 1 && tasks_[*self].bodies < 3) return snooze(1ms);
      if (kind == 2) return discard("no use");
      if (kind == 3) throw std::runtime_error("thrown");
      if (kind == 4) submit();
      // A tree that would grow for ever, if there were no end to the steps.
      if (depth_first()) {
        for (std::uint64_t more = rng_.below(4); more > 0; --more) submit();
      }
      return done();
    };
    const std::size_t taken = room_taken();
    const detail::Draft draft = plain ? engine_->begin() : engine_->begin(options);
    if (draft.record == nullptr) {
      const std::unique_ptr<Error> error(reinterpret_cast<Error*>(draft.id_or_error));
      EXPECT_EQ(error->code(), Code::queue_full);
      EXPECT_EQ(taken, engine_->options.capacity) << "there was room";
      ++refused_;
      return;
    }
    using F = decltype(body);
    *self = TaskId{draft.id_or_error};
    ASSERT_FALSE(tasks_.contains(*self)) << "an id was given twice";
    Model& task = tasks_[*self];
    task.priority = priority;
    task.watched = watched && !plain;
    task.moved = !in_order;
    if (!in_order && !options.at && !options.expires_at) task.due = clock_->mono() + options.delay;
    const bool limited = options.max_attempts || options.timeout || options.expires_at || watched;
    if (depth_first() && (plain || (in_order && !limited))) task.parent = inside_;
    task.serial = ++serial_;
    detail::store<F>(*draft.record, std::move(body));
    engine_->publish(draft, detail::kOps<F>);
    detail::unpin<void>(*draft.record);
  }

  void claim(std::size_t index) {
    if (running_[index].record != nullptr) return;
    const Seat seat(*engine_, workers_[index]);
    look_at_events();
    const Worker::Claimed claimed = workers_[index]->claim();
    running_[index] = claimed;
    if (claimed.record == nullptr) return;
    const TaskId id{detail::id_of(*claimed.record, claimed.word)};
    claimed_.insert(id);
    check_order(id);
    if (depth_first()) check_children(id, index);
  }

  [[nodiscard]] bool waits(TaskId id, const Model& task) const {
    return task.last == TaskState::available && !claimed_.contains(id);
  }

  // No task of a better priority was there to be had; with one worker, and nothing moved, neither was an older one.
  void check_order(TaskId id) {
    const Model& chosen = tasks_.at(id);
    for (const auto& [other_id, other] : tasks_) {
      if (other_id == id || !waits(other_id, other)) continue;
      EXPECT_GE(other.priority, chosen.priority) << to_string(other_id) << " was there before " << to_string(id);
      const bool in_line = !other.moved && !chosen.moved && !other.parent && !chosen.parent;
      if (workers_.size() == 1 && !orphaned_ && other.priority == chosen.priority && in_line) {
        EXPECT_GT(other.serial, chosen.serial) << to_string(other_id) << " stood in line before " << to_string(id);
      }
    }
  }

  // Of equal priority the children of its own bodies come first, the newest before the others. After 64 of them those
  // in line have a turn: from there on only the children's own order is looked at.
  void check_children(TaskId id, std::size_t index) {
    const Model& chosen = tasks_.at(id);
    const bool own = chosen.parent == index;  // also one that went to another priority and came back
    for (const auto& [other_id, other] : tasks_) {
      if (other_id == id || !waits(other_id, other) || other.parent != index || other.moved) continue;
      if (other.priority != chosen.priority) continue;
      EXPECT_TRUE(!own || chosen.moved || other.serial < chosen.serial)
          << to_string(other_id) << " is newer than " << to_string(id);
      EXPECT_TRUE(own || children_taken_[index] >= 64) << to_string(other_id) << " is a child, not " << to_string(id);
    }
    if (own) ++children_taken_[index];
  }

  void finish(std::size_t index) {
    if (running_[index].record == nullptr) return;
    const Seat seat(*engine_, workers_[index]);
    const Worker::Claimed claimed = std::exchange(running_[index], {});
    const TaskId id{detail::id_of(*claimed.record, claimed.word)};
    inside_ = index;
    workers_[index]->run(claimed);
    inside_.reset();
    claimed_.erase(id);
    tasks_[id].moved = true;  // if it comes again it is behind those that came meanwhile
    if (rng_.below(4) == 0) workers_[index]->settle();
    engine_->run_callbacks();
  }

  void reprioritise(TaskId id) {
    const int priority = static_cast<int>(rng_.below(10));
    if (!engine_->set_priority(id, priority)) return;
    tasks_[id].priority = priority;
    tasks_[id].moved = true;
  }

  std::optional<TaskId> any_task() {
    if (tasks_.empty()) return std::nullopt;
    auto it = tasks_.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(rng_.below(tasks_.size())));
    return it->first;
  }

  void look_at_events() {
    for (const TaskEvent& event : observer_->take(1 << 16)) {
      Model& task = tasks_[event.id];
      if (task.last != TaskState::refused && task.last != event.to) {
        EXPECT_TRUE(allowed(task.last, event.to)) << to_string(task.last) << " to " << to_string(event.to);
      }
      EXPECT_FALSE(is_final(task.last)) << to_string(event.id) << " moved after its end";
      if (event.to == TaskState::available && task.due) {
        EXPECT_GE(clock_->mono(), *task.due) << to_string(event.id) << " is early";
      }
      if (event.to != TaskState::scheduled) task.due.reset();
      task.last = event.to;
      mix(event.id.value);
      mix(static_cast<std::uint64_t>(event.to));
      mix(static_cast<std::uint64_t>(event.attempt));
      mix(static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    }
  }

  [[nodiscard]] bool depth_first() const { return engine_->options.order == Order::depth_first; }

  // What counts against the capacity: tasks from their submit to their first attempt.
  std::size_t room_taken() {
    if (engine_->options.capacity == 0) return 0;
    look_at_events();
    std::size_t taken = 0;
    for (const auto& [id, task] : tasks_) {
      const bool stands = task.last == TaskState::scheduled || waits(id, task);
      if (stands && task.bodies == 0) ++taken;
    }
    EXPECT_LE(taken, engine_->options.capacity);
    return taken;
  }

  void mix(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3; }

  void check_sums() {
    const Stats stats = engine_->stats();
    std::map<TaskState, std::size_t> by_state;
    for (const auto& [id, task] : tasks_) ++by_state[task.last];
    EXPECT_EQ(stats.submitted, tasks_.size());
    EXPECT_EQ(stats.completed, by_state[TaskState::completed]);
    EXPECT_EQ(stats.cancelled, by_state[TaskState::cancelled]);
    EXPECT_EQ(stats.discarded, by_state[TaskState::discarded]);
    EXPECT_EQ(stats.scheduled, by_state[TaskState::scheduled]);
    EXPECT_EQ(stats.retryable, by_state[TaskState::retryable]);
    EXPECT_EQ(stats.refused, refused_);
  }

  Rng rng_;
  std::shared_ptr<ManualClock> clock_;
  std::map<TaskId, Model> tasks_;
  std::set<TaskId> claimed_;
  std::uint64_t serial_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;
  std::uint64_t refused_ = 0;
  bool orphaned_ = false;
  std::optional<std::size_t> inside_;          // the worker whose body runs now
  std::vector<std::size_t> children_taken_{};  // by each worker, of its own
  std::vector<Worker*> workers_;
  std::vector<Worker::Claimed> running_;
  std::optional<Observer> observer_;
  std::unique_ptr<Engine> engine_;
};

std::uint64_t run(std::uint64_t seed, QueueOptions options, int workers, int steps = 300) {
  SCOPED_TRACE("ERRAND_SIM_SEED=" + std::to_string(seed));
  std::uint64_t trace = 0;
  {
    Simulation simulation(seed, std::move(options), workers);
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) simulation.step();
    trace = simulation.trace();
  }
  return trace;
}

void run_seeds(Order order, int workers, std::size_t capacity = 0, WhenFull when_full = WhenFull::refuse) {
  const std::uint64_t one = number_from("ERRAND_SIM_SEED", 0);
  const std::uint64_t count = number_from("ERRAND_SIM_SEEDS", 60);
  for (std::uint64_t seed = one != 0 ? one : 1; seed <= (one != 0 ? one : count); ++seed) {
    run(seed, {.capacity = capacity, .when_full = when_full, .order = order}, workers);
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace

TEST(Sim, OneWorkerKeepsThePromises) {
  run_seeds(Order::fair, 1);
}
TEST(Sim, ThreeWorkersKeepThePromises) {
  run_seeds(Order::fair, 3);
}
TEST(Sim, StrictOrderKeepsThePromises) {
  run_seeds(Order::strict, 2);
}
TEST(Sim, DepthFirstOrderKeepsThePromises) {
  run_seeds(Order::depth_first, 1);
  run_seeds(Order::depth_first, 2);
}
TEST(Sim, BoundedQueuesKeepThePromises) {
  set_logger([](const LogLine&) {});  // each refusal is a line
  run_seeds(Order::fair, 1, 6);
  run_seeds(Order::fair, 2, 6, WhenFull::drop_oldest);
  set_logger({});
}

// A change of the engine's decisions changes this number; another compiler, or a sanitizer, may not.
TEST(Sim, TheTraceIsTheSameWithEveryCompiler) {
  EXPECT_EQ(run(42, {}, 3), kTraceOfSeed42);
}

TEST(Sim, TheSameSeedGivesTheSameTrace) {
  EXPECT_EQ(run(7, {}, 3), run(7, {}, 3));
  EXPECT_NE(run(7, {}, 3), run(8, {}, 3));
}

}  // namespace v0
}  // namespace errand
