#pragma once
// Work for a store whose disk fails, and what has to be true of it afterwards.

#include <errand/random.h>
#include <errand/store.h>
#include <gtest/gtest.h>

#include <map>
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

  void check(errand::Store& store) {
    const auto found = store.list({}, errand::TaskId{}, 100'000, now_);
    ASSERT_TRUE(found) << found.error().message();
    std::map<std::string, errand::TaskState> there;
    for (const errand::KeptTask& task : *found) {
      // A claim is the owner's own business, and ends with it.
      const errand::TaskState state =
          task.state == errand::TaskState::running ? errand::TaskState::available : task.state;
      ASSERT_TRUE(there.emplace(task.task.payload, state).second) << task.task.payload << " is there twice";
    }
    const auto schedule = store.find_schedule("mail", "tick");
    ASSERT_TRUE(schedule || schedule.error().code() == errand::Code::not_found) << schedule.error().message();
    const errand::WallTime last = schedule ? schedule->last.value_or(errand::WallTime{}) : errand::WallTime{};
    const bool as_before = there == known_ && last == known_slot_;
    const bool as_after = there == hoped_for_ && last == hoped_for_slot_;
    EXPECT_TRUE(as_before || as_after) << "neither as it was reported nor with the last batch: " << there.size()
                                       << " tasks, reported " << known_.size() << ", with the last batch "
                                       << hoped_for_.size();
    if (as_before) hoped_for_ = known_, hoped_for_slot_ = known_slot_;
    known_ = hoped_for_;
    known_slot_ = hoped_for_slot_;
    version_ = schedule ? schedule->version : 0;
    running_.clear();
  }

  /// In the same life: what was reported and nothing else, with the claims that were reported and no others.
  void check_unchanged(errand::Store& store) {
    const auto found = store.list({}, errand::TaskId{}, 100'000, now_);
    ASSERT_TRUE(found) << found.error().message();
    std::map<std::string, errand::TaskState> there;
    for (const errand::KeptTask& task : *found) there.emplace(task.task.payload, task.state);
    std::map<std::string, errand::TaskState> reported = known_;
    for (const Running& one : running_) reported[one.payload] = errand::TaskState::running;
    EXPECT_EQ(there, reported);
    hoped_for_ = known_;
    hoped_for_slot_ = known_slot_;
  }

 private:
  struct Running {
    errand::TaskId id;
    std::uint64_t token;
    std::string payload;
  };

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
    hoped_for_[run.payload] = errand::TaskState::available;
    hoped_for_slot_ = now_;
    return one;
  }

  bool batch(errand::Store& store) {
    now_ += std::chrono::milliseconds(1);
    if (version_ == 0) {
      const auto put = store.put_schedule({.queue = "mail", .name = "tick", .cron = "* * * * *"}, now_);
      if (!put) return false;
      version_ = put->version;
    }
    std::vector<errand::NewTask> added(rng_.below(4));
    for (errand::NewTask& task : added) {
      task.queue = "mail";
      task.kind = "welcome";
      task.payload = std::to_string(++serial_);
      task.payload.append(rng_.below(300), '.');
      task.run_at = now_;
      hoped_for_[task.payload] = errand::TaskState::available;
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
      hoped_for_[one.payload] = finish.to;
    }
    const errand::ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = rng_.below(3)}};
    std::vector<errand::Advance> advanced;
    if (rng_.below(2) == 0) advanced.push_back(slot());
    const auto committed =
        store.commit({.finished = finished, .added = added, .advanced = advanced, .claims = claims}, now_);
    if (!committed) return false;
    for (const auto& one : committed->advanced) {
      EXPECT_TRUE(one) << one.error().message();
      if (one) version_ = one->version;
    }
    for (const auto& one : committed->finished) EXPECT_TRUE(one) << one.error().message();
    for (const errand::KeptTask& task : committed->claims[0].tasks)
      running.push_back({task.id, task.token, task.task.payload});
    running_ = std::move(running);
    known_ = hoped_for_;
    known_slot_ = hoped_for_slot_;
    return true;
  }

  errand::Rng rng_;
  errand::WallTime now_{std::chrono::seconds(1'700'000'000)};
  int serial_ = 0;
  std::vector<Running> running_;   // as it was reported
  std::uint64_t version_ = 0;      // of the schedule; 0: to be put
  errand::WallTime known_slot_{};  // its last one
  errand::WallTime hoped_for_slot_{};
  std::map<std::string, errand::TaskState> known_;
  std::map<std::string, errand::TaskState> hoped_for_;  // with the batch that was not reported
};
