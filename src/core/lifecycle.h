#pragma once
// The states of a task and the moves between them. The table in lifecycle.cc is the one truth.
//
//   scheduled ──due──► available ──claim──► running ──ok──► completed
//       ▲                  ▲                │  │  └─ failed, none left ─► discarded
//       └──────snooze──────┼────────────────┘  └─ failed, some left ─┐
//                          └──due── retryable ◄──────────────────────┘
//   cancel: any live state ─► cancelled.   expired: scheduled, available, retryable ─► discarded.
//   interrupted by shutdown: running ─► available.   blocked ─► available when what it waits for is over.
//   A snooze, and an attempt interrupted by shutdown, give the attempt back.

#include <errand/task_state.h>

#include <span>

namespace errand {
inline namespace v0 {

/// What moves a task from one state to the next.
enum class Event : unsigned char { due, unblocked, claim, succeed, fail, exhaust, snooze, give_back, expire, cancel, retry_by_hand };

[[nodiscard]] std::string_view to_string(Event event) noexcept;

struct Move {
  TaskState from;
  Event event;
  TaskState to;
};

/// Every allowed move, each once.
[[nodiscard]] std::span<const Move> moves() noexcept;

/// Whether the table has this move.
[[nodiscard]] bool allowed(TaskState from, TaskState to) noexcept;

}  // namespace v0
}  // namespace errand
