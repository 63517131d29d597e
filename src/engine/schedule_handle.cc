#include "engine/schedule_handle.h"

#include <mutex>
#include <shared_mutex>

#include "engine/engine.h"
#include "engine/recurrence.h"
#include "engine/recurrences.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

class RecurrenceHandle final : public ScheduleHandle {
 public:
  explicit RecurrenceHandle(std::shared_ptr<Recurrence> recurrence) : recurrence_(std::move(recurrence)) {}

  void pause() override {
    with_engine([&](Engine&) { recurrence_->pause(); });
  }
  void resume() override {
    with_engine([&](Engine& engine) { engine.recurrences->resume(recurrence_); });
  }
  void trigger() override {
    with_engine([&](Engine& engine) {
      if (!recurrence_->ended()) engine.recurrences->trigger(recurrence_);
    });
  }
  void cancel() override {
    with_engine([&](Engine& engine) {
      recurrence_->end();
      engine.recurrences->changed();
    });
  }
  [[nodiscard]] ScheduleInfo info() const override {
    if (forked()) return {.cancelled = true};
    Duration offset{};
    with_engine([&](Engine& engine) { offset = recurrence_->offset(*engine.clock); });
    return recurrence_->info(offset);
  }
  [[nodiscard]] std::vector<WallTime> next(int count) const override {
    std::vector<WallTime> slots;
    with_engine([&](Engine& engine) {
      slots = recurrence_->next(count, recurrence_->now(*engine.clock), recurrence_->offset(*engine.clock));
    });
    return slots;
  }

 private:
  // Whether the schedule's queue is left behind in the process that forked this one. Its locks may be held for ever.
  [[nodiscard]] bool forked() const {
    const auto pool = recurrence_->home.lock();
    return pool != nullptr && pool->forked.load(std::memory_order_relaxed);
  }
  // Does something with the schedule's queue, if there still is one in this process.
  template <class Use>
  void with_engine(Use use) const {
    const auto pool = recurrence_->home.lock();
    if (pool == nullptr || pool->forked.load(std::memory_order_relaxed)) return;
    const std::shared_lock lock(pool->engine_mutex);
    Engine* const engine = pool->engine.load(std::memory_order_relaxed);
    if (engine != nullptr) use(*engine);
  }

  const std::shared_ptr<Recurrence> recurrence_;
};

}  // namespace

std::shared_ptr<ScheduleHandle> handle_of(std::shared_ptr<Recurrence> recurrence) {
  return std::make_shared<RecurrenceHandle>(std::move(recurrence));
}

}  // namespace detail

const Error& Schedule::error() const noexcept {
  ERRAND_ASSERT(error_.has_value());
  return *error_;
}

// A schedule that was refused has nothing to act on, and the calls below do nothing.

void Schedule::pause() {
  if (handle_ != nullptr) handle_->pause();
}

void Schedule::resume() {
  if (handle_ != nullptr) handle_->resume();
}

void Schedule::trigger() {
  if (handle_ != nullptr) handle_->trigger();
}

void Schedule::cancel() {
  if (handle_ != nullptr) handle_->cancel();
}

ScheduleInfo Schedule::info() const {
  return handle_ != nullptr ? handle_->info() : ScheduleInfo{.cancelled = true};
}

std::vector<WallTime> Schedule::next(int count) const {
  return handle_ != nullptr ? handle_->next(count) : std::vector<WallTime>();
}

}  // namespace v0
}  // namespace errand
