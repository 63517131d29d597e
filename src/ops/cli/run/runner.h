#pragma once
// A whole run: lines in, tasks through an errand::Queue, results out.

#include "children.h"
#include "done_before.h"
#include "halt.h"
#include "input.h"
#include "item.h"
#include "joblog.h"
#include "options.h"
#include "pace.h"
#include "printer.h"
#include "screen.h"
#include "shell.h"
#include "spill.h"
#include "tally.h"

#include <errand/attempt.h>
#include <errand/outcome.h>
#include <errand/retry.h>

#include <atomic>
#include <memory>

namespace errand {
inline namespace v0 {
class Queue;
}
}  // namespace errand

namespace errand::cli {

/// What a run stands on; made by run_commands().
struct Ground {
  Input input;
  Shell shell;
  Halt& halt;
  Children& children;
  Screen& screen;
  Tally& tally;
  std::unique_ptr<JobLog> log{};  ///< or null
  DoneBefore done{};
};

/// Makes each line of input a task, whose body runs the command once: a failure is retry(), and the queue decides
/// whether and when there is another attempt. The queue is small, so that the input is read only as far as it is
/// needed.
///
/// Threads: run() once. What it gives to the queue comes back on the workers.
class Runner {
 public:
  Runner(const RunOptions& options, int workers, Ground& ground, Clock& clock);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Returns when every command has ended, or as the halt says.
  [[nodiscard]] Verdict run();
  /// Some commands were left out, killed, or not tried again as often as they might have been.
  [[nodiscard]] bool cut_short() const noexcept { return cut_short_.load(std::memory_order_relaxed); }

 private:
  void submit_all(Queue& queue);
  void submit(Queue& queue, std::shared_ptr<Item> item);
  [[nodiscard]] Outcome attempt(Item& item, Attempt& attempt);
  [[nodiscard]] Outcome watch(Item& item, ShellProcess process, Attempt& attempt);
  [[nodiscard]] Result<CommandEnd> watch_output(Item& item, ShellProcess process, Attempt& attempt);
  [[nodiscard]] Outcome not_started(Item& item, const Error& error);
  [[nodiscard]] Outcome failed(const Item& item);
  void finished(std::shared_ptr<Item> item);
  void halt_after(const Item& item);
  void tell_of_failure(const Item& item);
  void trouble(const Error& error);

  const RunOptions& options_;
  const int workers_;
  Ground& ground_;
  Clock& clock_;
  const Retry retry_;
  const CommandLimits limits_;
  Spill spill_;
  Pace pace_;
  Printer printer_;
  // The workers write these, and the main thread reads them after the queue is shut down.
  std::atomic<bool> cut_short_{false};
  std::atomic<bool> trouble_{false};
  std::atomic<bool> told_of_shortage_{false};
  std::atomic<int> halted_by_{0};  // the first status that was not 0, with --halt
  std::atomic<int> failures_told_{0};
};

}  // namespace errand::cli
