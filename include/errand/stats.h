#pragma once
/// A queue's figures.

#include <errand/histogram.h>
#include <errand/task_state.h>

#include <cstdint>

namespace errand {
inline namespace v0 {

/// Counters since the queue began, gauges as of now, and how long things took. A copy.
///
/// Every task that was accepted is in exactly one of: scheduled, available, running, retryable, completed, cancelled,
/// discarded. While tasks move the sum may be off by those on their way. A store that can't be asked, since it is away,
/// hangs, or is asked inside one of its transactions, leaves out the named tasks that wait.
struct Stats {
  std::uint64_t submitted = 0;  ///< accepted by its own calls and schedules; what came in a transaction is not known
  std::uint64_t refused = 0;
  std::uint64_t completed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t discarded = 0;
  std::uint64_t attempts = 0;  ///< bodies that came back
  std::uint64_t failed = 0;    ///< attempts that failed
  std::uint64_t retried = 0;   ///< failed attempts that got another one
  std::uint64_t snoozed = 0;
  std::uint64_t timed_out = 0;       ///< attempts whose timeout fired
  std::uint64_t stuck = 0;           ///< attempts that outlived timeout and grace
  std::uint64_t skipped_slots = 0;   ///< slots of schedules left out by overlap, lateness or a pause
  std::uint64_t dropped_events = 0;  ///< events that found the observers' buffer full

  std::size_t scheduled = 0;
  std::size_t available = 0;
  std::size_t running = 0;
  std::size_t retryable = 0;

  int workers = 0;  ///< wanted
  int busy_workers = 0;
  int replacement_workers = 0;  ///< stand in for stuck ones
  /// False once stuck attempts have used up all replacements; while workers are missing because their threads could not
  /// be made (start() tries again); while tasks that came due over 10 s ago still wait for it to be noticed, since a
  /// callback holds up the thread that would; while its store is away or a commit of its queues takes over 10 s, has a
  /// schedule that can't be read, or does not know yet that the queue was paused or resumed.
  bool healthy = true;
  double utilisation = 0;  ///< of the workers' time since the queue started, the share spent in bodies

  Histogram start_delay{};        ///< available to start of the attempt; in a store, an hour at most
  Histogram attempt_duration{};   ///< start to end of the attempt
  Histogram attempts_per_task{};  ///< of tasks that ended with an attempt, how many they took; its unit is 1
};

}  // namespace v0
}  // namespace errand
