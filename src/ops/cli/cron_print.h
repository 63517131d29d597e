#pragma once
// What errand cron prints, for people and for programs.

#include "schedule/cron_expression.h"
#include "schedule/zone.h"

#include <errand/schedule_policy.h>

#include <iosfwd>

namespace errand::cli {

struct CronAnswer {
  const CronExpression& expression;
  const Zone& zone;
  Dst dst;
  WallTime from;
  std::vector<WallTime> fires;
};

/// The expression in words, its warnings, and a table of the fire times.
void print_table(std::ostream& out, const CronAnswer& answer);
/// {"expression": ..., "description": ..., "zone": ..., "dst": ..., "from": ..., "warnings": [...], "next": [...]}
void print_json(std::ostream& out, const CronAnswer& answer);

/// The reason on one line, then the expression with a caret under the place.
void print_refusal(std::ostream& err, std::string_view expression, const CronRemark& remark);
/// {"expression": ..., "error": {"field": ..., "column": ..., "reason": ...}}; no field where the whole is meant.
void print_json_refusal(std::ostream& out, std::string_view expression, const CronRemark& remark);
/// {"expression": ..., "error": {"reason": ...}}, and with "option" where one is to blame.
void print_json_refusal(std::ostream& out, std::string_view expression, std::string_view option,
                        std::string_view reason);

}  // namespace errand::cli
