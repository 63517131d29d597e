#include "core/lifecycle.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

namespace {

using enum TaskState;

// One move a line, as in docs/lifecycle.md.
// clang-format off
constexpr Move kMoves[] = {
    {scheduled, Event::due, available},
    {scheduled, Event::expire, discarded},
    {scheduled, Event::cancel, cancelled},

    {blocked, Event::unblocked, available},
    {blocked, Event::expire, discarded},
    {blocked, Event::cancel, cancelled},

    {available, Event::claim, running},
    {available, Event::expire, discarded},
    {available, Event::cancel, cancelled},

    {running, Event::succeed, completed},
    {running, Event::fail, retryable},
    {running, Event::exhaust, discarded},
    {running, Event::snooze, scheduled},
    {running, Event::give_back, available},
    {running, Event::cancel, cancelled},

    {retryable, Event::due, available},
    {retryable, Event::expire, discarded},
    {retryable, Event::cancel, cancelled},

    {completed, Event::retry_by_hand, available},
    {cancelled, Event::retry_by_hand, available},
    {discarded, Event::retry_by_hand, available},
};
// clang-format on

}  // namespace

std::span<const Move> moves() noexcept {
  return kMoves;
}

bool allowed(TaskState from, TaskState to) noexcept {
  return std::ranges::any_of(kMoves, [=](const Move& move) { return move.from == from && move.to == to; });
}

std::string_view to_string(Event event) noexcept {
  switch (event) {
    case Event::due:
      return "due";
    case Event::unblocked:
      return "unblocked";
    case Event::claim:
      return "claim";
    case Event::succeed:
      return "succeed";
    case Event::fail:
      return "fail";
    case Event::exhaust:
      return "exhaust";
    case Event::snooze:
      return "snooze";
    case Event::give_back:
      return "give_back";
    case Event::expire:
      return "expire";
    case Event::cancel:
      return "cancel";
    case Event::retry_by_hand:
      return "retry_by_hand";
  }
  return "unknown";
}

std::string_view to_string(TaskState state) noexcept {
  switch (state) {
    case TaskState::refused:
      return "refused";
    case TaskState::scheduled:
      return "scheduled";
    case TaskState::blocked:
      return "blocked";
    case TaskState::available:
      return "available";
    case TaskState::running:
      return "running";
    case TaskState::retryable:
      return "retryable";
    case TaskState::completed:
      return "completed";
    case TaskState::cancelled:
      return "cancelled";
    case TaskState::discarded:
      return "discarded";
  }
  return "unknown";
}

std::string_view to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::none:
      return "none";
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::timed_out:
      return "timed_out";
    case StopReason::shutting_down:
      return "shutting_down";
    case StopReason::lease_lost:
      return "lease_lost";
    case StopReason::caller:
      return "caller";
  }
  return "unknown";
}

}  // namespace v0
}  // namespace errand
