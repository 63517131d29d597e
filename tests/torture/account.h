#pragma once
// What was asked of a queue in this process, what it said, and what its bodies did: nothing may be lost, come from
// nowhere, or run again without a reason. It is kept here, and not in the store that is tortured.

#include <errand/store.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

/// Tasks are known by their payload, which begins with a number of this object's.
///
/// Threads: any.
class Account {
 public:
  /// A number for a task that is about to be enqueued.
  [[nodiscard]] int intend();
  void acknowledged(int number);
  /// An error: in this life nothing of it is there.
  void refused(int number);
  void started(std::string_view payload);
  void failed(std::string_view payload);
  /// The body came to its end with success: it does not run again in this life.
  void succeeded(std::string_view payload);
  /// The owner ended or died. What it refused last may be there all the same, and what was over may not.
  void life_ends();

  [[nodiscard]] int acked() const;
  /// Acknowledged, and no body of it came to its end with success.
  [[nodiscard]] int unfinished() const;

  struct Verdict {
    int lost = 0;       ///< acknowledged, and not in the store; or it is completed there and never was
    int ghosts = 0;     ///< in the store or in a body, and nobody asked for it, or it was refused
    int forbidden = 0;  ///< ran twice at a time, ran again after its success, or is there twice
    int stuck = 0;      ///< is not over, where everything is to be
    int crashes = 0;    ///< charged, in all
    int again = 0;      ///< ran again in another life after its success, which is allowed
    [[nodiscard]] bool clean() const { return lost + ghosts + forbidden + stuck == 0; }
  };
  /// `all_over`: every task is to be completed. Else those that are not may wait, and none runs.
  [[nodiscard]] Verdict check(errand::Store& store, errand::WallTime now, bool all_over) const;

 private:
  struct Task {
    bool acked = false;
    bool refused = false;
    bool runs = false;
    bool over = false;  // in this life
    int starts = 0;
    int successes = 0;
  };
  Task* find(std::string_view payload);

  mutable std::mutex mu_;
  std::map<int, Task> tasks_;
  Verdict so_far_;
};

/// For messages of tests.
[[nodiscard]] std::string text_of(const Account::Verdict& verdict);
