#pragma once
// Work for a store whose disk fails, and what has to be true of it afterwards.

#include <errand/random.h>
#include <errand/store.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

// What was asked of a store, and what it reported. Tasks are known by their payload: an id may never have arrived.
class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {}

  /// Batches until the store refuses one, at most `count`. Returns how many it reported.
  int work(errand::Store& store, int count) {
    for (int done = 0; done < count; ++done) {
      if (!batch(store)) return done;
    }
    return count;
  }

  /// Why the last batch was refused, or the last look. REQUIRES: one was.
  [[nodiscard]] const errand::Error& error() const { return *error_; }

  /// The store was closed. A claim is its owner's own business, and ends with it.
  void life_ends() { running_.clear(); }

  void check(errand::Store& store) {
    const auto there = look(store);
    if (!there) return;
    const bool as_before = there->now == known_;
    EXPECT_TRUE(as_before || there->now == hoped_for_)
        << "neither as it was reported nor with the last batch: " << there->now.tasks.size() << " tasks, reported "
        << known_.tasks.size() << ", with the last batch " << hoped_for_.tasks.size();
    go_on_from(*there, as_before ? known_ : hoped_for_);
  }

  /// What was reported may have been lost: the last batches, and each as a whole. Returns how many of them were.
  std::size_t check_beginning(errand::Store& store) {
    const auto there = look(store);
    if (!there) return 0;
    // The newest that looks like this: a batch may have changed nothing.
    const auto newest = std::find(reported_.rbegin(), reported_.rend(), there->now);
    const bool with_the_last = there->now == hoped_for_;
    EXPECT_TRUE(with_the_last || newest != reported_.rend())
        << "no beginning of what was asked for: " << there->now.tasks.size() << " tasks, reported "
        << known_.tasks.size();
    const std::size_t lost = with_the_last ? 0 : static_cast<std::size_t>(newest - reported_.rbegin());
    if (lost < reported_.size()) reported_.resize(reported_.size() - lost);
    go_on_from(*there, there->now);
    return lost;
  }

  /// In the same life: what was reported and nothing else, with the claims that were reported and no others.
  void check_unchanged(errand::Store& store) {
    ASSERT_TRUE(is_unchanged(store)) << error().message();
    hoped_for_ = known_;
  }

  /// The same, of a store that may have no answer: then false.
  bool is_unchanged(errand::Store& store) {
    const auto found = store.list({}, errand::TaskId{}, 100'000, now_);
    if (!found) return error_ = found.error(), false;
    Tasks there;
    for (const errand::KeptTask& task : *found) there.emplace(task.task.payload, task.state);
    Tasks reported = known_.tasks;
    for (const Running& one : running_) reported[one.payload] = errand::TaskState::running;
    EXPECT_EQ(there, reported);
    return true;
  }

 private:
  using Tasks = std::map<std::string, errand::TaskState>;

  struct Running {
    errand::TaskId id;
    std::uint64_t token;
    std::string payload;
  };

  // Between two batches.
  struct State {
    Tasks tasks{};
    errand::WallTime slot{};  // the schedule's last one

    bool operator==(const State&) const = default;
  };

  struct Found {
    State now;
    std::uint64_t version = 0;
  };

  // After a life that has ended.
  std::optional<Found> look(errand::Store& store) {
    const auto found = store.list({}, errand::TaskId{}, 100'000, now_);
    const auto schedule = store.find_schedule("mail", "tick");
    const bool has_schedule = schedule.has_value();
    if (!found || (!has_schedule && schedule.error().code() != errand::Code::not_found)) {
      ADD_FAILURE() << (found ? schedule.error() : found.error()).message();
      return std::nullopt;
    }
    Found there;
    for (const errand::KeptTask& task : *found) {
      const errand::TaskState state =
          task.state == errand::TaskState::running ? errand::TaskState::available : task.state;
      EXPECT_TRUE(there.now.tasks.emplace(task.task.payload, state).second) << task.task.payload << " is there twice";
    }
    if (has_schedule) there.now.slot = schedule->last.value_or(errand::WallTime{});
    if (has_schedule) there.version = schedule->version;
    return there;
  }

  void go_on_from(const Found& there, State state) {
    known_ = hoped_for_ = std::move(state);
    reported_.push_back(known_);
    version_ = there.version;
    life_ends();
  }

  // The schedule's next slot, with its run.
  errand::Advance slot() {
    errand::Advance one{
        .queue = "mail", .schedule = "tick", .version = version_, .until = now_, .next = now_, .runs = {}};
    errand::NewTask& run = one.runs.emplace_back();
    run.queue = "mail";
    run.kind = "welcome";
    run.payload = std::to_string(++serial_);
    run.run_at = now_;
    run.schedule = "tick";
    run.slot = now_;
    hoped_for_.tasks[run.payload] = errand::TaskState::available;
    hoped_for_.slot = now_;
    return one;
  }

  bool batch(errand::Store& store) {
    now_ += std::chrono::milliseconds(1);
    if (version_ == 0) {
      const auto put = store.put_schedule({.queue = "mail", .name = "tick", .cron = "* * * * *"}, now_);
      if (!put) return error_ = put.error(), false;
      version_ = put->version;
    }
    std::vector<errand::NewTask> added(rng_.below(4));
    for (errand::NewTask& task : added) {
      task.queue = "mail";
      task.kind = "welcome";
      task.payload = std::to_string(++serial_);
      task.payload.append(rng_.below(300), '.');
      task.run_at = now_;
      hoped_for_.tasks[task.payload] = errand::TaskState::available;
    }
    std::vector<errand::Finish> finished;
    std::vector<Running> running = running_;
    for (std::uint64_t i = rng_.below(3); i > 0 && !running.empty(); --i) {
      const Running one = running.back();
      running.pop_back();
      constexpr errand::TaskState kTo[] = {errand::TaskState::completed, errand::TaskState::discarded,
                                           errand::TaskState::available};
      errand::Finish finish;
      finish.id = one.id;
      finish.token = one.token;
      finish.to = kTo[rng_.below(3)];
      finish.run_at = now_;
      finished.push_back(finish);
      hoped_for_.tasks[one.payload] = finish.to;
    }
    const errand::ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = rng_.below(3)}};
    std::vector<errand::Advance> advanced;
    if (rng_.below(2) == 0) advanced.push_back(slot());
    const auto committed =
        store.commit({.finished = finished, .added = added, .advanced = advanced, .claims = claims}, now_);
    if (!committed) return error_ = committed.error(), false;
    for (const auto& one : committed->advanced) {
      EXPECT_TRUE(one) << one.error().message();
      if (one) version_ = one->version;
    }
    for (const auto& one : committed->finished) EXPECT_TRUE(one) << one.error().message();
    for (const errand::KeptTask& task : committed->claims[0].tasks)
      running.push_back({task.id, task.token, task.task.payload});
    running_ = std::move(running);
    known_ = hoped_for_;
    reported_.push_back(known_);
    return true;
  }

  errand::Rng rng_;
  errand::WallTime now_{std::chrono::seconds(1'700'000'000)};
  int serial_ = 0;
  std::vector<Running> running_;  // as it was reported
  std::uint64_t version_ = 0;     // of the schedule; 0: to be put
  State known_;
  State hoped_for_;                       // with the batch that was not reported
  std::vector<State> reported_{State{}};  // all of them, the first one before the first batch; the last is known_
  std::optional<errand::Error> error_;
};
