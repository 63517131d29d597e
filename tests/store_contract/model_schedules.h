#pragma once
// Random operations on schedules, for two stores that are asked the same.

#include <errand/random.h>
#include <errand/store.h>

#include <string>
#include <vector>

class ScheduleMoves {
 public:
  /// One operation on both. A difference fails the test.
  void step(errand::Store& ours, errand::Store& theirs, errand::Rng& rng, errand::WallTime now);
  static void compare(errand::Store& ours, errand::Store& theirs);
  /// Gives a task a schedule, and a slot as likely as not.
  static void make_run(errand::NewTask& task, errand::Rng& rng, errand::WallTime now);
  /// What another store may have kept, to be adopted: those of this one, with other names.
  static std::vector<errand::KeptSchedule> of_another(errand::Store& store, errand::Rng& rng);

 private:
  // What somebody has read. It may have been changed since.
  struct Read {
    std::string queue;
    std::string name;
    std::uint64_t ours;
    std::uint64_t theirs;
  };

  static void put(errand::Store& ours, errand::Store& theirs, errand::Rng& rng, errand::WallTime now);
  static void remove_or_pause(errand::Store& ours, errand::Store& theirs, errand::Rng& rng);
  void read(errand::Store& ours, errand::Store& theirs);
  void advance(errand::Store& ours, errand::Store& theirs, errand::Rng& rng, errand::WallTime now);

  std::vector<Read> read_;
};
