#include "printer.h"

#include "json_line.h"

namespace errand::cli {

JobLogEntry log_entry(const Item& item) {
  const bool by_signal = item.end.signal != 0;
  return {.seq = item.seq,
          .started_at = item.end.started_at,
          .took = item.end.took,
          .exit_code = by_signal ? 0 : item.end.status(),
          .signal = item.end.signal,
          .attempt = item.attempts,
          .command = item.command};
}

void Printer::finished(std::shared_ptr<Item> item) {
  if (!parts_.keep_order) return settle(*item);
  const MutexLock lock(mu_);
  held_.emplace(item->place, std::move(item));
  for (auto first = held_.begin(); first != held_.end() && first->first == next_; first = held_.erase(first)) {
    settle(*first->second);
    ++next_;
  }
}

void Printer::settle(const Item& item) {
  if (item.ran() && !broken_.load(std::memory_order_relaxed)) {
    auto visible = show(item);
    if (visible && item.succeeded()) visible = log(item);
    if (!visible && !broken_.exchange(true)) on_trouble_(visible.error());
  }
  parts_.tally.settle(!item.ran()        ? Tally::Settled::not_started
                      : item.succeeded() ? Tally::Settled::succeeded
                                         : Tally::Settled::failed);
}

Result<void> Printer::show(const Item& item) {
  if (!parts_.json) return parts_.screen.write(item.out, item.err);
  const auto line = json_line(item);
  if (!line) return line.error();
  return parts_.screen.write(Stream::out, *line);
}

Result<void> Printer::log(const Item& item) {
  return parts_.log != nullptr ? parts_.log->add(log_entry(item)) : Result<void>();
}

}  // namespace errand::cli
