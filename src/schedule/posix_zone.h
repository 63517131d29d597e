#pragma once
// The rule at the end of a zone file, which says how the zone goes on after its last listed change, as in
// "EST5EDT,M3.2.0,M11.1.0" and "<-02>2<-01>,M3.5.0/-1,M10.5.0/0". POSIX.1-2017, 8.3, TZ; with the extension of
// RFC 8536, 3.3.1, by which times of change run from -167 to 167 hours.

#include "schedule/zone_span.h"

#include <optional>
#include <string_view>

namespace errand {
inline namespace v0 {

/// Day and time of a yearly change.
struct PosixChange {
  enum class Form : unsigned char {
    weekday_of_month,  ///< Mm.w.d: the w-th d of month m; week 5 is the last one
    day_of_year,       ///< n: day n from 0, and 29 February counts
    julian_day,        ///< Jn: day n from 1, and 29 February never counts
  };
  Form form = Form::weekday_of_month;
  int month = 1;
  int week = 1;
  int day = 0;
  std::chrono::seconds time{7'200};  ///< on the clock before the change
};

struct PosixZone {
  struct Offset {
    std::string abbreviation{};
    std::chrono::seconds offset{};  ///< added to UTC
  };
  struct Saving {
    Offset offset{};
    PosixChange begins{};
    PosixChange ends{};
  };
  Offset standard{};
  std::optional<Saving> saving{};
};

[[nodiscard]] std::optional<PosixZone> parse_posix_zone(std::string_view text);

/// Goes on by the rule after the last of `spans`, to the end of the time that errand can express.
void extend_spans(std::vector<ZoneSpan>& spans, const PosixZone& rule);

}  // namespace v0
}  // namespace errand
