#pragma once
// The memory store's schedules, and what their slots have come to.

#include <errand/store.h>

#include <map>
#include <string>
#include <utility>

#include "memory/rows.h"

namespace errand {
inline namespace v0 {
namespace memory {

/// Schedules by queue and name.
class Schedules {
 public:
  using Key = std::pair<std::string, std::string>;

  /// A new one, or other terms for the one that there is.
  KeptSchedule& put(const NewSchedule& given, std::uint64_t version, WallTime now);
  /// One that another store kept. REQUIRES: none of its name is there.
  void adopt(const KeptSchedule& kept, std::uint64_t version);
  [[nodiscard]] bool erase(std::string_view queue, std::string_view name);
  [[nodiscard]] KeptSchedule* find(std::string_view queue, std::string_view name);
  [[nodiscard]] const std::map<Key, KeptSchedule>& all() const noexcept { return schedules_; }

 private:
  std::map<Key, KeptSchedule> schedules_;
};

/// A copy as others see it, with its live runs counted.
[[nodiscard]] KeptSchedule seen(const KeptSchedule& schedule, const Rows& rows);
/// What a task comes to whose slot has a run, or has been dealt with; else nothing. `schedule` may be null.
[[nodiscard]] std::optional<Added> dealt_with(const NewTask& given, const KeptSchedule* schedule, Rows& rows);
/// Whether any of its runs is not dealt with yet.
[[nodiscard]] bool adds_any(const Advance& advance, const KeptSchedule& schedule, Rows& rows);
/// A run of it is about to be added.
void note_run(KeptSchedule& schedule, const KeptTask& run);
/// Its slots up to advance.until have been dealt with.
void move_on(KeptSchedule& schedule, const Advance& advance);
/// For messages: schedule "nightly" of queue "mail".
[[nodiscard]] std::string title_of(std::string_view queue, std::string_view name);

}  // namespace memory
}  // namespace v0
}  // namespace errand
