// Tasks that are enqueued by somebody who does not wait for the store.

#include <errand/acceptance.h>

#include "base/fork.h"
#include "durable/named_tasks.h"

namespace errand {
inline namespace v0 {
namespace detail {

// One task that is posted, what became of it, and what its Acceptance knows.
//
// The result is written once, before the word is set (release and acquire).
class NamedTasks::OnItsWay final : public AcceptanceState, public durable::Post {
 public:
  OnItsWay(NamedTasks& home, std::string kind, NewTask task, Callback<void(const TaskInfo&)> on_finish,
           OutputReader reader)
      : Post(home, std::move(task)),
        kind_(std::move(kind)),
        home_(home.shared_from_this()),
        clock_(home.hub().clock),
        entrance_(std::in_place, home),
        on_finish_(std::move(on_finish)),
        reader_(reader) {}

  void resolved(const Result<Added>& result) noexcept override {
    task.reset();
    result_ = result;
    // Its queue lets no post go unresolved, so it is there.
    if (const auto home = home_.lock()) {
      if (!result) result_ = home->refusal(kind_, result.error());
      home->took_in(*result_, std::move(on_finish_));
    }
    known_.store(true, std::memory_order_release);
    entrance_.reset();
  }

  [[nodiscard]] bool ready() const noexcept override { return known_.load(std::memory_order_acquire); }

  [[nodiscard]] Result<NamedDraft> draft() override {
    if (forks_ != forks_so_far()) {
      return Error(Code::forked, "enqueue: its queue belongs to the process that forked this one");
    }
    if (!ready()) {
      // What was posted before is in the store when this returns, or has its error. A queue that is gone has left
      // nothing unresolved.
      if (const auto home = home_.lock()) {
        auto synced = home->committer().sync();
        if (!ready() && !synced) return synced.error();
        // The queue has gone meanwhile, and refuses what it finds.
        if (!ready())
          return Error(Code::shutting_down, "enqueue to queue \"" + home->name() + "\": it is shutting down");
      }
    }
    ERRAND_ASSERT(ready());
    if (!*result_) return result_->error();
    return draft_of(home_, clock_, **result_, reader_);
  }

 private:
  const std::string kind_;
  const std::weak_ptr<NamedTasks> home_;
  const std::shared_ptr<Clock> clock_;
  const std::uint32_t forks_ = forks_so_far();
  std::optional<Entrance> entrance_{};
  Callback<void(const TaskInfo&)> on_finish_{};
  OutputReader reader_{};
  std::optional<Result<Added>> result_{};
  std::atomic<bool> known_{false};
};

// What was never posted.
class RefusedAcceptance final : public AcceptanceState {
 public:
  explicit RefusedAcceptance(Error error) : error_(std::move(error)) {}
  [[nodiscard]] bool ready() const noexcept override { return true; }
  [[nodiscard]] Result<NamedDraft> draft() override { return error_; }

 private:
  const Error error_;
};

std::shared_ptr<AcceptanceState> refused_acceptance(Error error) {
  return std::make_shared<RefusedAcceptance>(std::move(error));
}

std::shared_ptr<AcceptanceState> NamedTasks::post(Result<Named> task, OutputReader reader) {
  const Entrance entrance(*this);
  // If this thread can't wait, what it would post could not be committed either.
  if (auto room = committer().wait_for_room(); !room && task) task = room.error();
  Callback<void(const TaskInfo&)> on_finish;
  if (task) on_finish = std::move(task->options.on_finish);
  auto made = task ? new_task(std::move(*task), committer().now()) : Result<NewTask>(task.error());
  if (!made) {
    took_in(made.error(), {});
    return refused_acceptance(made.error());
  }
  std::string kind = made->kind;
  auto post = std::make_shared<OnItsWay>(*this, std::move(kind), std::move(*made), std::move(on_finish), reader);
  committer().post(post);
  engine_.wake_driver();  // else the hub's thread is awake by now
  return post;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
