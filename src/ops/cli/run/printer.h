#pragma once
// What becomes visible of a finished command.

#include "item.h"
#include "joblog.h"
#include "screen.h"
#include "tally.h"

#include <errand/callback.h>

#include "base/mutex.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>

namespace errand::cli {

/// Prints finished commands, in the order in which they end or in that of the input; then logs those that succeeded;
/// then counts them. So what the log calls done has been printed, and a command counts as open while it is held back.
///
/// Threads: any.
class Printer {
 public:
  struct Parts {
    Screen& screen;
    Tally& tally;
    JobLog* log;  ///< or null
    bool json = false;
    bool keep_order = false;
  };
  /// `on_trouble` is called once, with the first error; from then on nothing is printed or logged.
  Printer(Parts parts, Callback<void(const Error&)> on_trouble) : parts_(parts), on_trouble_(std::move(on_trouble)) {}

  /// REQUIRES: each place once, from 0 on, those that never ran included.
  void finished(std::shared_ptr<Item> item) ERRAND_EXCLUDES(mu_);

 private:
  void settle(const Item& item);
  [[nodiscard]] Result<void> show(const Item& item);
  [[nodiscard]] Result<void> log(const Item& item);

  const Parts parts_;
  Callback<void(const Error&)> on_trouble_;
  std::atomic<bool> broken_{false};  // orders nothing: only whether to go on printing
  Mutex mu_;  // before the screen's and the tally's; held while held-back items are printed, for their order
  std::map<std::uint64_t, std::shared_ptr<Item>> held_ ERRAND_GUARDED_BY(mu_);
  std::uint64_t next_ ERRAND_GUARDED_BY(mu_) = 0;
};

/// The log's line for the item's last attempt.
[[nodiscard]] JobLogEntry log_entry(const Item& item);

}  // namespace errand::cli
