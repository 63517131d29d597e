#include "schedule/zone.h"

#include <algorithm>

namespace errand {
inline namespace v0 {

using namespace std::chrono;

struct Zone::Table {
  std::string name;
  std::vector<ZoneSpan> spans;
};

Zone Zone::utc() {
  return Zone("UTC", {{kBeginningOfTime, seconds(0), "UTC"}});
}

Zone::Zone(std::string name, std::vector<ZoneSpan> spans)
    : table_(std::make_shared<const Table>(Table{std::move(name), std::move(spans)})) {
  ERRAND_ASSERT(!table_->spans.empty() && table_->spans.front().begin == kBeginningOfTime);
}

const std::string& Zone::name() const noexcept {
  return table_->name;
}

std::span<const ZoneSpan> Zone::spans() const noexcept {
  return table_->spans;
}

std::size_t Zone::index_of(sys_seconds at) const noexcept {
  const auto& spans = table_->spans;
  const auto after = std::partition_point(spans.begin() + 1, spans.end(), [&](const auto& s) { return s.begin <= at; });
  return static_cast<std::size_t>(after - spans.begin()) - 1;
}

local_seconds Zone::to_local(sys_seconds at) const noexcept {
  return local_seconds(at.time_since_epoch() + span_of(at).offset);
}

LocalInstants Zone::to_utc(local_seconds local) const noexcept {
  // No offset reaches 26 hours, so only the spans of these days can show that time.
  const sys_seconds same_digits(local.time_since_epoch());
  const auto& spans = table_->spans;
  LocalInstants found{0, {}, {}};
  const std::size_t end = index_of(same_digits + hours(26)) + 1;
  for (std::size_t i = index_of(same_digits - hours(26)); i < end; ++i) {
    const sys_seconds at = same_digits - spans[i].offset;
    const bool shown = (i == 0 || at >= spans[i].begin) && (i + 1 == spans.size() || at < spans[i + 1].begin);
    if (shown) {
      if (found.count++ == 0) found.first = at;
      found.last = at;
    } else if (found.count == 0 && at < spans[i].begin) {
      return {0, spans[i].begin, spans[i].begin};  // past the end of the span before, ahead of this one's begin
    }
  }
  return found;
}

}  // namespace v0
}  // namespace errand
