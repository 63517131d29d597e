#pragma once
// The thread that looks after a run: signals, the wish to kill, and progress.

#include "children.h"
#include "halt.h"
#include "progress_report.h"
#include "screen.h"
#include "signals.h"
#include "tally.h"

#include <errand/clock.h>
#include <errand/result.h>

#include "base/thread.h"

#include <atomic>
#include <memory>

namespace errand::cli {

/// SIGINT, SIGTERM and SIGHUP: the first one stops starting, the second one kills what runs, the third one gives up
/// waiting for that. SIGQUIT kills at once. SIGTSTP suspends the commands, and errand with them, until SIGCONT.
///
/// Threads: made and destroyed by one; signal() by any.
class Monitor {
 public:
  struct Parts {
    const Signals& signals;
    Halt& halt;
    Children& children;
    Screen& screen;
    const Tally& tally;
    Clock& clock;
    bool quiet = false;
  };
  [[nodiscard]] static Result<std::unique_ptr<Monitor>> start(Parts parts);
  ~Monitor();

  /// The first signal that asked to end the run, or 0.
  [[nodiscard]] int signal() const noexcept { return signal_.load(std::memory_order_relaxed); }

 private:
  Monitor(Parts parts, Event end);
  void work();
  void on_signal(int signal);
  void on_request_to_end(int signal);
  void suspend();

  const Parts parts_;
  ProgressReport report_;
  int requests_ = 0;            // to end
  std::atomic<int> signal_{0};  // orders nothing; read after the run
  Event end_;
  Thread thread_;  // last: it uses all of the above
};

}  // namespace errand::cli
