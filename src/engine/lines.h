#pragma once
// errand's own waiting line: one queue per priority, for strict order, bounded queues and ageing.

#include <errand/clock.h>
#include <errand/waiting_line.h>

#include <deque>

namespace errand {
inline namespace v0 {
namespace detail {

/// Best priority first, and within one by the moment it became available. With an age step, a task's effective priority
/// is max(0, priority - floor(waited / step)).
class PriorityLine final : public WaitingLine {
 public:
  explicit PriorityLine(Duration age_step) : age_step_(age_step.count()) {}

  void push(const WaitingTask& task) override;
  std::optional<WaitingTask> pop(std::int64_t now) override;
  std::optional<WaitingTask> pop_oldest() override;
  [[nodiscard]] std::size_t size() const override { return size_; }
  void sweep(const Callback<bool(const WaitingTask&)>& is_over) override;

 private:
  [[nodiscard]] std::int64_t effective(const WaitingTask& task, std::int64_t now) const;
  WaitingTask take(int priority);

  const std::int64_t age_step_;  // 0: priorities do not age
  std::deque<WaitingTask> waiting_[10];
  std::size_t size_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
