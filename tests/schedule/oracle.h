#pragma once
// What CRON means, worked out the slow way: step through time minute by minute, ask the C library what the clock on the
// wall shows, and match it against the text. Shares no code with src/schedule.

#include <cstdint>
#include <string>
#include <vector>

namespace oracle {

/// One step of the clock.
struct Tick {
  std::int64_t utc;      ///< seconds since 1970
  std::int64_t reading;  ///< what the wall shows, counted as if it were UTC
};

/// The steps from `begin` to `end`, every `step` seconds, in a zone of the C library.
std::vector<Tick> ticks(const std::string& zone, std::int64_t begin, std::int64_t end, std::int64_t step);

/// Seconds that a zone is ahead of UTC, and the zone's abbreviation then.
struct Offset {
  std::int64_t seconds;
  std::string abbreviation;
};
/// Sets the zone that offset_at() answers for; it is one for the process.
void use_zone(const std::string& zone);
Offset offset_at(std::int64_t utc);

/// 2026, 3, 29, 1, 0 in UTC.
std::int64_t utc(int year, int month, int day, int hour = 0, int minute = 0, int second = 0);

/// All fires of a valid expression on these ticks, the first one left out. `dst` is "after", "skip" or "both".
std::vector<std::int64_t> fires(const std::string& expression, const std::string& dst, const std::vector<Tick>& ticks);

/// The names of all zones of the system; without links, if asked so.
std::vector<std::string> zones(bool with_links);

}  // namespace oracle
