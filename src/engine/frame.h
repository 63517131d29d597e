#pragma once
// One attempt while its body runs.

#include <errand/attempt.h>
#include <errand/outcome.h>

#include <optional>

#include "core/decide.h"
#include "engine/page.h"

namespace errand {
inline namespace v0 {
namespace detail {

class NamedRun;
class Worker;

// Lives on the worker's stack. Frames nest where a body waits for a task that its own worker then runs.
struct Frame {
  Frame(Worker& worker, Record& record, std::uint64_t word, Frame* outer)
      : worker(worker), record(record), word(word), outer(outer), attempt(*this) {}

  [[nodiscard]] std::uint64_t id() const noexcept { return id_of(record, word); }

  Worker& worker;
  Record& record;
  const std::uint64_t word;  // as the task was claimed
  Frame* const outer;
  NamedRun* named = nullptr;     // the run of a named task that this is, from its begin on
  bool limited = false;          // a named run: it has a moment
  std::int64_t started = 0;      // ticks
  bool has_token = false;        // stop_token() was asked for
  bool has_extra = false;        // the body left something in its Extra
  std::optional<Ended> ended{};  // what the body said
  Attempt attempt;
};

/// The attempt this thread is in, or null.
[[nodiscard]] Frame* current_frame() noexcept;

}  // namespace detail
}  // namespace v0
}  // namespace errand
