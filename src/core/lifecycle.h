#pragma once
// The states of a task and the moves between them. The table in lifecycle.cc is the one truth; a test compares it, and
// this picture, with docs/lifecycle.md.
//
//   scheduled ──due──► available ──claim──► running ──ok──► completed
//       ▲                  ▲                │  │  └─ failed, none left ─► discarded
//       └──────snooze──────┼────────────────┘  └─ failed, some left ─┐
//                          └──due── retryable ◄──────────────────────┘
//   cancel: any live state ─► cancelled.   expired: any live state but running ─► discarded.
//   interrupted by shutdown: running ─► available.   blocked ─► available when what it waits for is over.
//   retry by hand: any final state ─► available, a new life.
//   A snooze, and an attempt interrupted by shutdown, give the attempt back.

#include <errand/task_state.h>

#include <span>
#include <string_view>

namespace errand {
inline namespace v0 {

/// What moves a task from one state to the next.
enum class Event : unsigned char {
  due,            ///< its time has come
  unblocked,      ///< what it waits for is over
  claim,          ///< a worker starts its body
  succeed,        ///< the attempt went well
  fail,           ///< the attempt failed, and another one follows
  exhaust,        ///< the attempt failed, and no other one follows; or the body said discard
  snooze,         ///< the body asked to come back later
  give_back,      ///< the attempt was interrupted, by shutdown or a lost lease
  expire,         ///< it was not started in time
  cancel,         ///< somebody ended it, or the body did
  retry_by_hand,  ///< somebody wants a finished task run again
};

/// The event's own name: "give_back".
[[nodiscard]] std::string_view to_string(Event event) noexcept;

struct Move {
  TaskState from{};
  Event event{};
  TaskState to{};

  bool operator==(const Move&) const = default;
};

/// Every allowed move, each once.
[[nodiscard]] std::span<const Move> moves() noexcept;

/// Whether the table has a move between the two.
[[nodiscard]] bool allowed(TaskState from, TaskState to) noexcept;

}  // namespace v0
}  // namespace errand
