#include "runner.h"

#include "command_source.h"

#include <errand/queue.h>

#include "core/text.h"

#include <algorithm>

namespace errand::cli {

namespace {

using namespace std::chrono_literals;

// Commands that are open at once, those that wait for their next attempt or for their turn to be printed included.
constexpr std::uint64_t kMostOpen = 10'000;
constexpr Duration kUntilThereIsRoom = 100ms;
constexpr int kMostRefusals = 600;  // a minute
constexpr int kMostFailuresTold = 10;
constexpr Duration kVeryLong = 24h * 365;

Retry retry_of(const RunOptions& options) {
  if (options.backoff == Duration::zero()) return Retry::immediate();
  return Retry::exponential(options.backoff, std::max<Duration>(options.backoff, 1h));
}

QueueOptions queue_options(int workers) {
  QueueOptions options;
  options.name = "run";
  options.workers = workers;
  options.capacity = static_cast<std::size_t>(workers) + 16;
  options.when_full = WhenFull::block;
  options.order = Order::strict;    // no batches: one worker must not sit on commands that another could run
  options.stuck_after = kVeryLong;  // a process the kernel won't let go of is no reason to start one more
  options.retention = {0, 1h};
  return options;
}

constexpr int kCannotExecute = 126;
constexpr std::size_t kMostShown = 200;

// A command for a message: no control characters, and not its whole length.
std::string one_line(std::string_view command) {
  std::string text = clean_text(command, kMostShown);
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return command.size() > kMostShown ? text + " ..." : text;
}

}  // namespace

Runner::Runner(const RunOptions& options, int workers, Ground& ground, Clock& clock)
    : options_(options),
      workers_(workers),
      ground_(ground),
      clock_(clock),
      retry_(retry_of(options)),
      limits_{options.timeout, options.kill_after},
      pace_(options.delay, clock),
      printer_({ground.screen, ground.tally, ground.log.get(), options.json, options.keep_order},
               [this](const Error& error) { trouble(error); }) {}

Verdict Runner::run() {
  Queue queue(queue_options(workers_));
  submit_all(queue);
  const bool to_the_end = ground_.tally.wait_for_at_most(0, ground_.halt.soon());
  queue.shutdown({.drain = to_the_end ? Drain::queued : Drain::running, .timeout = kVeryLong});
  Verdict verdict{.trouble = trouble_, .failed = ground_.tally.figures().failed};
  if (const int status = halted_by_; status != 0) verdict.halted_by = status;
  return verdict;
}

void Runner::submit_all(Queue& queue) {
  const Event& stop = ground_.halt.soon();
  CommandSource source(ground_.input, options_.command);
  bool all_read = false;
  for (std::uint64_t place = 0; ground_.halt.starting();) {
    auto command = source.next(stop);
    if (!command) {
      trouble(command.error());
      break;
    }
    all_read = !*command && ground_.halt.starting();
    if (!*command) break;
    ground_.tally.read(ground_.input.share_read(), false);
    if (ground_.done.take(**command)) {
      ground_.tally.skip();
    } else if (ground_.tally.wait_for_at_most(kMostOpen, stop)) {
      submit(queue, std::make_shared<Item>(source.seq(), place++, std::move(**command), spill_));
    }
  }
  if (!all_read) cut_short_ = true;
  ground_.tally.read(1.0, true);
}

// Blocks while the queue is full. The timeout is not the task's: that one would also count the wait for --delay.
void Runner::submit(Queue& queue, std::shared_ptr<Item> item) {
  ground_.tally.submit();
  TaskOptions options;
  options.max_attempts = options_.retries + 1;
  options.retry = retry_;
  options.stop = ground_.halt.now();
  options.on_finish = [this, item](const TaskInfo&) { finished(item); };
  const auto task = queue.submit([this, item](Attempt& a) { return attempt(*item, a); }, std::move(options));
  if (task) return;
  if (ground_.halt.starting()) trouble(task.error());
  finished(std::move(item));
}

Outcome Runner::attempt(Item& item, Attempt& attempt) {
  const Event& stop = ground_.halt.soon();
  if (!ground_.halt.starting() || !pace_.wait(stop)) return cancel("not started");
  item.out.clear();
  item.err.clear();
  ground_.tally.start();  // before the process can be seen, or a signal would tell of one command too few
  auto process = ground_.children.start([&] { return ground_.shell.start(item.command); });
  auto outcome = process ? watch(item, std::move(*process), attempt) : not_started(item, process.error());
  ground_.tally.end();
  return outcome;
}

Outcome Runner::watch(Item& item, ShellProcess process, Attempt& attempt) {
  const auto end = watch_output(item, std::move(process), attempt);
  if (!end) {
    trouble(end.error());
    return discard(end.error().message());
  }
  item.end = *end;
  ++item.attempts;
  return end->succeeded() ? done() : failed(item);
}

Result<CommandEnd> Runner::watch_output(Item& item, ShellProcess process, Attempt& attempt) {
  const auto watch_into = [&](OutputSink& sink) {
    return watch_command(std::move(process), limits_, attempt.stop_token(), sink, ground_.children, clock_);
  };
  if (!options_.line_buffer) {
    CaptureSink sink(item.out, item.err);
    return watch_into(sink);
  }
  LineSink sink(ground_.screen);
  auto end = watch_into(sink);
  if (auto r = sink.finish(); !r) return r.error();
  return end;
}

// Too many processes or open files: that passes. Anything else is an attempt that failed, as a shell has it.
Outcome Runner::not_started(Item& item, const Error& error) {
  if (error.transient() && ++item.refusals < kMostRefusals) {
    if (!told_of_shortage_.exchange(true)) ground_.screen.note(error.message() + "; waiting for room");
    return snooze(kUntilThereIsRoom);
  }
  item.trouble = error.message();
  item.end = {.exit_code = kCannotExecute, .started_at = clock_.now()};
  ++item.attempts;
  return failed(item);
}

Outcome Runner::failed(const Item& item) {
  if (ground_.log) {
    if (auto r = ground_.log->add(log_entry(item)); !r) trouble(r.error());
  }
  if (item.end.stopped) return discard(item.end.text());
  return errand::retry(item.end.text());
}

// In every final state of a task, and for those that the queue did not take.
void Runner::finished(std::shared_ptr<Item> item) {
  const bool had_attempts_left = !item->succeeded() && item->attempts <= options_.retries;
  if (had_attempts_left || item->end.stopped) cut_short_ = true;
  const bool failure = item->ran() && !item->succeeded() && !item->end.stopped;
  if (failure) halt_after(*item);
  printer_.finished(item);
  if (failure && !options_.quiet) tell_of_failure(*item);
}

void Runner::halt_after(const Item& item) {
  if (options_.halt == HaltOn::never) return;
  int none = 0;
  halted_by_.compare_exchange_strong(none, item.end.status());
  options_.halt == HaltOn::now ? ground_.halt.ask_for_kill() : ground_.halt.stop_starting();
}

void Runner::tell_of_failure(const Item& item) {
  const int told = failures_told_.fetch_add(1);
  if (told == kMostFailuresTold) ground_.screen.note("further failures are only counted");
  if (told >= kMostFailuresTold) return;
  std::string text = item.trouble.empty() ? item.end.text() : item.trouble;
  if (item.attempts > 1) text += " after " + std::to_string(item.attempts) + " attempts";
  ground_.screen.note(text + ": " + one_line(item.command));
}

void Runner::trouble(const Error& error) {
  if (!trouble_.exchange(true)) ground_.screen.note(error.message());
  ground_.halt.ask_for_kill();
}

}  // namespace errand::cli
