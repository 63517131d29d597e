#pragma once
// What an owner of a store said before it was killed, life after life, and whether it can be true together.
//
//   intent N        is about to enqueue task N
//   ack N           its enqueue said that it is in the store
//   start N W A     worker W begins attempt A of task N
//   effect N W      the body of N is at its end, with success
//   fail N W        or without
//   stop N W        it has stopped since it was asked to: the attempt does not count
//   done N          N's on_finish was called: it is completed in the store
//   odd N TEXT      what must never happen
//
// The lines come through one pipe, so one that stands before another was said before it. That tells which ends of
// attempts the store has said to have, without anybody asking it:
//
//   - A worker hands an attempt's end on before it begins the next one, and ends get into the store in that order. So
//     those that a worker handed on before the end of a task that is done are in the store.
//   - Whoever enqueues gets into the same transaction what was handed on before, or it was in an earlier one. So those
//     that were handed on before an intent are in the store when its ack is there.
//
// Such an end is settled. What may run again after a kill is what ran, and what was over and not settled; nothing else.

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

class Witness {
 public:
  /// One line, without its end.
  void hear(std::string_view line);
  /// The owner is gone.
  void life_ends();
  /// It has shut down, and said so: what was over by then is in the store.
  void life_ends_in_peace();

  /// Enqueued, as far as was said, and no body of it came to its end with success.
  [[nodiscard]] std::size_t unfinished() const noexcept { return unfinished_; }
  [[nodiscard]] std::size_t acked() const noexcept { return acked_; }
  /// Starts of tasks whose body had been at its end with success already: each was over at a kill, and not settled.
  [[nodiscard]] std::size_t again() const noexcept { return again_; }
  /// Ends that were settled when their life ended, and those that were not.
  [[nodiscard]] std::size_t settled() const noexcept { return settled_; }
  [[nodiscard]] std::size_t unsettled() const noexcept { return unsettled_; }

  /// A task that the store has in the end. `crashes`: how often it was charged for a kill.
  void keeps(std::string_view payload, bool completed, int crashes);
  /// After the last life, and all that the store has: what was lost.
  void closes();
  /// What can't be, one line for each.
  [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }

 private:
  static constexpr std::size_t kWorkers = 2;

  enum class Last : unsigned char { nothing, started, failed, succeeded };
  struct Task {
    bool acked = false;
    bool completed = false;  // settled
    int failures = 0;        // settled
    int starts = 0;
    int successes = 0;
    int kept = 0;                                   // in the store, in the end
    bool told = false;                              // its on_finish was called
    bool gave_up = false;                           // the store blames it for the deaths of its process
    Last last = Last::nothing;                      // in this life
    int life = 0;                                   // that `last` is of
    std::size_t worker = 0;                         // of its last end
    std::size_t place = 0;                          // of that end, among those of its worker
    std::array<std::size_t, kWorkers> handed_on{};  // at its intent
  };
  struct End {
    std::uint64_t serial;
    bool success;
  };
  // Ends of attempts in this life, in the order in which they were handed on.
  struct Worker {
    std::vector<End> ends{};
    std::size_t handed_on = 0;
    std::size_t settled = 0;
  };

  void intended(std::uint64_t serial);
  void acknowledged(Task& task);
  void started(std::uint64_t serial, Task& task, std::size_t worker, int attempt);
  void ended(std::uint64_t serial, Task& task, std::size_t worker, bool success);
  void stopped(std::uint64_t serial, Task& task);
  void done(std::uint64_t serial, Task& task);
  void settle(std::size_t worker, std::size_t up_to);
  void complain(std::uint64_t serial, const std::string& what);

  int life_ = 1;
  std::map<std::uint64_t, Task> tasks_;
  std::array<Worker, kWorkers> workers_{};
  std::size_t acked_ = 0;
  std::size_t unfinished_ = 0;
  std::size_t again_ = 0;
  std::size_t settled_ = 0;
  std::size_t unsettled_ = 0;
  std::size_t charged_ = 0;
  std::vector<std::string> complaints_;
};
