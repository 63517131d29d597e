#include "engine/timing.h"

#include "base/log.h"
#include "base/time.h"
#include "engine/options.h"
#include "schedule/cron_next.h"
#include "schedule/cron_parse.h"

namespace errand {
inline namespace v0 {
namespace detail {

namespace {

// A slot that is spread past the next one is left out when that one comes.
std::optional<std::string> check_spread(Duration jitter, const Timetable& timetable, WallTime now) {
  if (jitter == Duration::zero()) return std::nullopt;
  const std::optional<Duration> interval = timetable.shortest_interval(now);
  if (!interval || jitter < *interval) return std::nullopt;
  return "jitter: expected less than the interval of " + to_text(*interval) + ", got " + to_text(jitter);
}

}  // namespace

Error bad_schedule(const std::string& queue, const std::string& why) {
  return {Code::invalid, "schedule on queue \"" + queue + "\": " + why};
}

Result<Timetable> interval_timetable(const std::string& queue, Duration interval, const ScheduleOptions& options,
                                     WallTime now) {
  if (interval <= Duration::zero())
    return bad_schedule(queue, "interval: expected more than zero, got " + to_text(interval));
  if (auto complaint = check(options, true)) return bad_schedule(queue, *complaint);
  auto timetable = Timetable::every(now, interval);
  if (auto complaint = check_spread(options.jitter, timetable, now)) return bad_schedule(queue, *complaint);
  return timetable;
}

Result<Timetable> cron_timetable(const std::string& queue, std::string_view expression, const ScheduleOptions& options,
                                 WallTime now) {
  if (auto complaint = check(options, false)) return bad_schedule(queue, *complaint);
  auto parsed = parse_cron(expression);
  if (!parsed) return bad_schedule(queue, parsed.error().message());
  auto zone = find_zone(options.time_zone);
  if (!zone) return bad_schedule(queue, "time_zone: " + zone.error().message());
  if (auto fires = check_fires(*parsed, *zone, options.dst, now); !fires)
    return bad_schedule(queue, "cron \"" + std::string(expression) + "\": " + fires.error().message());
  const std::vector<CronRemark> warnings = parsed->warnings;
  auto timetable = Timetable::cron(std::move(*parsed), std::move(*zone), options.dst, now);
  if (auto complaint = check_spread(options.jitter, timetable, now)) return bad_schedule(queue, *complaint);
  for (const CronRemark& warning : warnings) log(LogLevel::warning, queue, warning.reason);
  return timetable;
}

}  // namespace detail
}  // namespace v0
}  // namespace errand
