#pragma once
// New tasks of a transaction that may be claimed by it: they are in no line yet.

#include <errand/store.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace errand {
inline namespace v0 {
namespace sqlite {

/// Threads: one at a time.
class Newcomers {
 public:
  struct Newcomer {
    NewTask* task = nullptr;  // the batch's: a claim takes it over
    WallTime run_at{};        // as the row has it
    std::int64_t number = 0;
    bool settled = false;  // claimed, or set aside

    [[nodiscard]] std::pair<WallTime, std::int64_t> place() const noexcept { return {run_at, number}; }
  };
  struct Line {
    std::string queue;
    int priority = 0;
    std::vector<Newcomer> tasks{};
  };

  /// Of a transaction; whether there are claims in it.
  void begin(bool welcome) {
    lines_.clear();
    welcome_ = welcome;
  }
  [[nodiscard]] bool welcome() const noexcept { return welcome_; }
  void add(const Newcomer& one) {
    Line* line = find(one.task->queue, one.task->priority);
    if (line == nullptr) line = &lines_.emplace_back(Line{one.task->queue, one.task->priority});
    line->tasks.push_back(one);
  }
  /// Nobody else comes, and they may be asked for in the order in which they are claimed.
  void end() {
    if (!std::exchange(welcome_, false)) return;
    const auto comes_before = [](const Newcomer& a, const Newcomer& b) { return a.place() < b.place(); };
    for (Line& line : lines_) {
      // As a rule they come in this order.
      if (!std::is_sorted(line.tasks.begin(), line.tasks.end(), comes_before))
        std::sort(line.tasks.begin(), line.tasks.end(), comes_before);
    }
  }

  [[nodiscard]] const std::vector<Line>& lines() const noexcept { return lines_; }
  /// Null: there are none.
  [[nodiscard]] Line* find(std::string_view queue, int priority) noexcept {
    const auto found = std::find_if(lines_.begin(), lines_.end(),
                                    [&](const Line& line) { return line.priority == priority && line.queue == queue; });
    return found != lines_.end() ? &*found : nullptr;
  }

 private:
  std::vector<Line> lines_;
  bool welcome_ = false;
};

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
