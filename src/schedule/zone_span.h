#pragma once
// The stretches of unchanging offset that a time zone consists of.

#include <chrono>
#include <string>
#include <vector>

namespace errand {
inline namespace v0 {

/// From `begin` to the next span's begin, local time is UTC plus `offset`.
struct ZoneSpan {
  std::chrono::sys_seconds begin{};
  std::chrono::seconds offset{};
  std::string abbreviation{};
};

/// The first span of a zone begins here.
inline constexpr std::chrono::sys_seconds kBeginningOfTime{std::chrono::seconds{-100'000'000'000}};
/// The last year of WallTime; no zone is worked out beyond it.
inline constexpr int kLastYear = 2262;

/// Adds a span. One that begins with the last one takes its place, and one that says the same as it is left out.
void add_span(std::vector<ZoneSpan>& spans, ZoneSpan span);

}  // namespace v0
}  // namespace errand
