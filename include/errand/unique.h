#pragma once
/// When two named tasks are the same one.

#include <errand/clock.h>
#include <errand/task_state.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace errand {
inline namespace v0 {

/// What a second task does that has the unique key of one that is there.
enum class OnClash : unsigned char {
  keep,             ///< nothing: the first one stands for both
  replace,          ///< its payload and its time take the place of the first one's, as long as that waits
  refuse,           ///< is refused, as `duplicate`
  replace_payload,  ///< as replace, and the first one's time stays
  replace_time,     ///< as replace, and the first one's payload stays
};
/// The word used in JSON and SQL: "replace_time".
[[nodiscard]] constexpr std::string_view to_string(OnClash on_clash) noexcept {
  switch (on_clash) {
    case OnClash::keep:
      return "keep";
    case OnClash::replace:
      return "replace";
    case OnClash::refuse:
      return "refuse";
    case OnClash::replace_payload:
      return "replace_payload";
    case OnClash::replace_time:
      return "replace_time";
  }
  return "unknown";
}
[[nodiscard]] constexpr bool replaces_payload(OnClash on_clash) noexcept {
  return on_clash == OnClash::replace || on_clash == OnClash::replace_payload;
}
[[nodiscard]] constexpr bool replaces_time(OnClash on_clash) noexcept {
  return on_clash == OnClash::replace || on_clash == OnClash::replace_time;
}
[[nodiscard]] constexpr bool replaces(OnClash on_clash) noexcept {
  return replaces_payload(on_clash) || replaces_time(on_clash);
}

/// Sets of states, as masks.
[[nodiscard]] constexpr std::uint16_t bit(TaskState state) noexcept {
  return static_cast<std::uint16_t>(1u << static_cast<unsigned>(state));
}
inline constexpr std::uint16_t kWaitingStates =
    bit(TaskState::scheduled) | bit(TaskState::blocked) | bit(TaskState::available) | bit(TaskState::retryable);
inline constexpr std::uint16_t kLiveStates = kWaitingStates | bit(TaskState::running);
inline constexpr std::uint16_t kAllStates =
    kLiveStates | bit(TaskState::completed) | bit(TaskState::cancelled) | bit(TaskState::discarded);

/// What makes a named task the same as another one of its queue and kind: all that is set here, together. With nothing
/// set it is a task of its own.
///
///     {.key = "user-7"}                          an idempotency key, as long as the first task is not over
///     {.key = "user-7", .within = 24h}           and for a day, whatever became of the first one
///     {.by_payload = true}                       the same bytes
///     {.by_fields = {"user"}}                    the same value in these fields of the message
///
/// The store keeps it so, for tasks that come at the same time, or together, as well. A task that is over and has its
/// key still is kept as long as it has, whatever its retention. Inside a transaction of the caller's own a task that is
/// claimed ahead of the workers counts as one that runs.
///
/// With `states` a task has its key from the first of them on that it comes to, if no other task has it then, and loses
/// it to the next one in any other state. Nobody is refused for a key that nobody has yet: of tasks that are unique
/// while one has completed, all run that were enqueued before the first of them has. That one has the key, and the
/// others go on without it.
///
/// Errors:  a key of more than 256 bytes is `invalid`; so are `by_fields` with a codec that can't tell fields, or
/// fields
///          that the message has not, `states` that hold some of the waiting states and not all, and a key that is to
///          outlive a task which is ephemeral.
struct Unique {
  std::string key{};
  bool by_kind = false;  ///< one task of this kind, whatever it says
  bool by_payload = false;
  std::vector<std::string> by_fields{};
  Duration within{};                      ///< from the enqueue on: then the next one is a task of its own; 0: no end
  std::optional<std::uint16_t> states{};  ///< while the one that has the key is in these; unset: kLiveStates, with
                                          ///< `within` kAllStates
  OnClash on_clash = OnClash::keep;

  [[nodiscard]] bool empty() const noexcept { return key.empty() && !by_kind && !by_payload && by_fields.empty(); }
};

}  // namespace v0
}  // namespace errand
