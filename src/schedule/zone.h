#pragma once
// Time zones: from UTC to what the clock on the wall shows, and back.

#include "schedule/zone_span.h"

#include <errand/result.h>

#include <memory>
#include <span>
#include <string_view>

namespace errand {
inline namespace v0 {

/// The instants at which a clock shows one local time.
struct LocalInstants {
  int count = 1;                     ///< 0: the clock jumps over it; 2: the clock shows it twice
  std::chrono::sys_seconds first{};  ///< with count 0 the end of the gap
  std::chrono::sys_seconds last{};   ///< as first, but with count 2 the second time
};

/// A time zone as it was when it was found. Copies are cheap and share one immutable table.
///
/// Threads: a plain value.
class Zone {
 public:
  /// Needs no database.
  [[nodiscard]] static Zone utc();
  /// REQUIRES: spans begin with kBeginningOfTime and rise.
  Zone(std::string name, std::vector<ZoneSpan> spans);

  [[nodiscard]] const std::string& name() const noexcept;
  /// Never empty.
  [[nodiscard]] std::span<const ZoneSpan> spans() const noexcept;
  /// The index of the span that `at` is in.
  [[nodiscard]] std::size_t index_of(std::chrono::sys_seconds at) const noexcept;
  [[nodiscard]] const ZoneSpan& span_of(std::chrono::sys_seconds at) const noexcept { return spans()[index_of(at)]; }

  [[nodiscard]] std::chrono::local_seconds to_local(std::chrono::sys_seconds at) const noexcept;
  [[nodiscard]] LocalInstants to_utc(std::chrono::local_seconds local) const noexcept;

 private:
  struct Table;
  std::shared_ptr<const Table> table_;
};

/// The zone of that name in the system's database. "UTC" is always there.
///
/// Errors: Code::invalid, naming the zone, where the database has no such zone; Code::unavailable where there is no
///         database or its file cannot be read.
[[nodiscard]] Result<Zone> find_zone(std::string_view name);

}  // namespace v0
}  // namespace errand
