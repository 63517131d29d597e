#include "schedule/cron_next.h"

#include "schedule/cron_local.h"
#include "schedule/instant.h"
#include "schedule/slots.h"
#include "schedule/text.h"

namespace errand {
inline namespace v0 {

namespace {

using namespace std::chrono;

// One span of a zone, and how the clock was changed at its begin.
struct Stretch {
  sys_seconds begin;
  sys_seconds end;
  seconds offset;
  seconds jump;  // above zero: readings are missing; below: readings come again

  Stretch(const Zone& zone, std::size_t index) {
    const auto spans = zone.spans();
    begin = spans[index].begin;
    end = index + 1 < spans.size() ? spans[index + 1].begin : sys_seconds::max();
    offset = spans[index].offset;
    jump = index > 0 ? offset - spans[index - 1].offset : seconds(0);
  }
};

std::optional<sys_seconds> match_between(const CronExpression& expression, seconds offset, sys_seconds from,
                                         sys_seconds end) {
  const auto local = [&](sys_seconds at) { return local_seconds(at.time_since_epoch() + offset); };
  const auto match = next_match(expression, local(from), local(end));
  if (!match) return std::nullopt;
  return sys_seconds(match->time_since_epoch() - offset);
}

// Whether a fixed time lies among the readings that the clock jumped over at the stretch's begin.
bool fires_for_gap(const CronExpression& expression, const Stretch& stretch) {
  const seconds before = stretch.offset - stretch.jump;
  return match_between(expression, before, stretch.begin, stretch.begin + stretch.jump).has_value();
}

// The first fire of the stretch from `from` on and before `end`.
std::optional<sys_seconds> first_in(const CronExpression& expression, Dst dst, const Stretch& stretch, sys_seconds from,
                                    sys_seconds end) {
  if (!expression.follows_the_clock()) {
    if (stretch.jump > seconds(0) && dst != Dst::skip && from == stretch.begin && fires_for_gap(expression, stretch)) {
      return stretch.begin;
    }
    if (stretch.jump < seconds(0) && dst != Dst::both) from = std::max(from, stretch.begin - stretch.jump);
  }
  return match_between(expression, stretch.offset, from, std::min(end, stretch.end));
}

// The end of the search, as far as WallTime goes.
sys_seconds search_end(sys_seconds from) {
  return std::min(from + duration_cast<seconds>(kSearchBound), floor<seconds>(WallTime::max()));
}

}  // namespace

std::optional<WallTime> next(const CronExpression& expression, const Zone& zone, Dst dst, WallTime after) {
  if (expression.every > Duration(0)) return slot_in_time(after, expression.every, after);
  sys_seconds from = floor<seconds>(after) + seconds(1);
  const sys_seconds end = search_end(from);
  for (std::size_t index = zone.index_of(from); from < end; ++index) {
    const Stretch stretch(zone, index);
    if (const auto found = first_in(expression, dst, stretch, from, end)) return WallTime(*found);
    from = stretch.end;
  }
  return std::nullopt;
}

std::string never_fires(const Zone& zone, WallTime from) {
  return "never fires: there is no such time within 50 years of " + format_instant(from) + " in " + zone.name();
}

Result<void> check_fires(const CronExpression& expression, const Zone& zone, Dst dst, WallTime from) {
  if (next(expression, zone, dst, from)) return {};
  return Error(Code::invalid, "cron " + in_quotes(expression.text) + ": " + never_fires(zone, from));
}

}  // namespace v0
}  // namespace errand
