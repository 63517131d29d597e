#pragma once
// The tests that every store has to pass, whoever wrote it.
//
//   INSTANTIATE_TEST_SUITE_P(Mine, StoreContract, testing::Values([] { return std::make_unique<MyKept>(); }));
//
// in a program that links errand::contract (contract.cmake) runs them all on one's own store.

#include <errand/store.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

/// What a store keeps its tasks in, new and empty when it is made.
class Kept {
 public:
  virtual ~Kept() = default;
  /// Opens it. A store that is open already has been let go of.
  virtual errand::StorePtr open() = 0;
};
using MakeKept = std::function<std::unique_ptr<Kept>()>;

class StoreContract : public testing::TestWithParam<MakeKept> {
 protected:
  StoreContract();

  // Each of these asks for one thing, and fails the test where the whole batch is refused.
  errand::Added add(errand::NewTask task);
  errand::Result<errand::Added> try_add(errand::NewTask task);
  errand::Claimed claim(std::size_t limit = 100, std::string_view queue = "mail");
  errand::KeptTask claim_one();
  errand::Result<void> finish(errand::Finish finish);
  errand::Result<void> note(errand::Note note);
  errand::Changed change(const errand::TaskFilter& filter, errand::Change change);
  errand::KeptTask find(errand::TaskId id);
  errand::Counts counts(std::string_view queue = "mail");
  errand::Tidied tidy();
  std::vector<errand::TaskId> ids_of(const errand::TaskFilter& filter);

  errand::Adopted adopt(const std::vector<errand::KeptTask>& tasks);

  errand::KeptSchedule put(const errand::NewSchedule& schedule);
  errand::KeptSchedule find_schedule(std::string_view name = "nightly", std::string_view queue = "mail");
  errand::Result<errand::Advanced> advance(errand::Advance advance);

  /// A task of kind "welcome" in queue "mail", for now.
  [[nodiscard]] errand::NewTask task() const;
  /// The schedule "nightly" of queue "mail", whose runs are such tasks; its next slot comes in an hour.
  [[nodiscard]] errand::NewSchedule schedule() const;
  /// A run of it.
  [[nodiscard]] errand::NewTask run_of(errand::WallTime slot) const;
  /// Of what was just read: one run for each of these slots, and the next one an hour later.
  [[nodiscard]] errand::Advance advance_of(const errand::KeptSchedule& read, std::vector<errand::WallTime> slots) const;
  [[nodiscard]] static errand::TaskFilter only(errand::TaskId id);
  /// The Finish of what was just claimed.
  [[nodiscard]] errand::Finish done(const errand::KeptTask& claimed,
                                    errand::TaskState to = errand::TaskState::completed) const;
  /// As after a restart of the program, where the store outlives that.
  void reopen_if_durable();

  std::unique_ptr<Kept> kept;
  errand::StorePtr store;
  errand::WallTime now{std::chrono::seconds(1'700'000'000)};
  std::vector<std::string> kinds{"welcome"};
};
