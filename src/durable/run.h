#pragma once
// One attempt of a named task, from its claim to what is said about it to the store.

#include <errand/handler.h>
#include <errand/store.h>

#include <atomic>
#include <memory>
#include <optional>

#include "engine/named.h"

namespace errand {
inline namespace v0 {
namespace detail {

struct Kind;
class NamedTasks;

class Run final : public NamedRun {
 public:
  Run(NamedTasks& home, KeptTask task, std::shared_ptr<const Kind> kind);

  bool begin(std::optional<Duration>& limit) override;
  Ran run(Record& record, Attempt& attempt) override;
  Verdict end(Over over, Rng& rng) noexcept override;
  void give_back() noexcept override;

  [[nodiscard]] int number() const noexcept override { return task_.attempts + 1; }
  [[nodiscard]] std::string_view kind() const noexcept override { return task_.task.kind; }
  [[nodiscard]] std::string_view payload() const noexcept override { return task_.task.payload; }
  [[nodiscard]] std::string_view content_type() const noexcept override { return task_.task.content_type; }
  void progress(std::uint64_t done, std::uint64_t total, std::string_view note) override;
  void log(std::string_view line) override;
  bool metadata(std::string_view key, std::string_view value) override;
  [[nodiscard]] Finish completion(std::string output, std::string output_type) const override;

  /// It is to end cancelled, unless its end is settled already. Under the mutex of its NamedTasks, while that has it.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] int priority() const noexcept { return task_.task.priority; }
  [[nodiscard]] WallTime run_at() const noexcept { return task_.task.run_at; }
  [[nodiscard]] const std::string& schedule() const noexcept { return task_.task.schedule; }
  [[nodiscard]] std::uint64_t token() const noexcept { return task_.token; }
  [[nodiscard]] bool suspect() const noexcept { return task_.crashes > 0; }
  /// It is the one suspect in hand on its store, from before it is posted on.
  void be_alone() noexcept { alone_ = true; }
  [[nodiscard]] bool alone() const noexcept { return alone_; }
  [[nodiscard]] const UniqueKey& unique() const noexcept { return task_.task.unique; }

 private:
  [[nodiscard]] Finish finish(TaskState to) const;
  [[nodiscard]] std::optional<WallTime> prune_at(TaskState to, WallTime now) const;
  [[nodiscard]] Duration since_first_start(WallTime otherwise, WallTime now) const;
  [[nodiscard]] KeptTask left(const Finish& end, WallTime now);
  [[nodiscard]] Transition judge(Over over, WallTime now, Rng& rng) const;

  NamedTasks& home_;
  KeptTask task_;
  const std::shared_ptr<const Kind> kind_;
  std::optional<WallTime> started_at_{};
  std::optional<RunningBody> body_{};
  Output output_{};
  std::atomic<bool> cancelled_{false};  // stays as it is once the NamedTasks have let go of it, under their mutex
  bool alone_ = false;
  bool expired_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace errand
