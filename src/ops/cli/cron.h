#pragma once
// errand cron: when a cron expression fires.

#include <errand/clock.h>
#include <errand/schedule_policy.h>

#include <iosfwd>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace errand::cli {

struct CronOptions {
  std::string expression{};
  std::string zone{"UTC"};
  std::optional<std::string> from{};  ///< unset: now
  Dst dst = Dst::after;
  int count = 10;
  bool json = false;
};

/// Prints to `out` when the expression fires next, and to `err` what is wrong. Returns the exit code: 0, or 2 for an
/// expression, zone or moment that is refused.
[[nodiscard]] int cron_command(const CronOptions& options, WallTime now, std::ostream& out, std::ostream& err);

/// Adds the subcommand. Once the line is parsed it runs, and leaves its exit code in `exit_code`.
void add_cron(CLI::App& app, int& exit_code);

}  // namespace errand::cli
