// What a body can say and ask through its Attempt.

#include <errand/attempt.h>
#include <errand/handler.h>

#include "core/limits.h"
#include "engine/engine.h"
#include "engine/frame.h"

namespace errand {
inline namespace v0 {

namespace {

constexpr std::size_t kLogLines = 32;
constexpr std::size_t kMetadataBytes = 4096;

std::uint64_t word_of(const detail::Frame& frame) noexcept {
  return frame.record.word.load(std::memory_order_acquire);
}

// The Extra of the task, and a lock on it.
template <class Change>
auto change_extra(detail::Frame& frame, Change change) {
  detail::Engine& engine = frame.worker.engine();
  engine.make_cold(frame.record);
  frame.has_extra = true;
  // Of a task that had no cold line before, this is not known there yet.
  detail::PagePool::cold(frame.record).started_at.store(frame.started, std::memory_order_release);
  detail::Extra& extra = engine.ensure_extra(frame.record);
  MutexLock lock(engine.pool.cold_mutex(detail::page_of(frame.record)));
  return change(extra);
}

}  // namespace

TaskId Attempt::id() const noexcept {
  if (frame_.named != nullptr) return frame_.named->id;
  return TaskId{frame_.id()};
}

int Attempt::number() const noexcept {
  if (frame_.named != nullptr) return frame_.named->number();
  const std::uint64_t word = word_of(frame_);
  if ((word & detail::kCold) == 0) return detail::attempts_of(nullptr, word);
  detail::Engine& engine = frame_.worker.engine();
  MutexLock lock(engine.pool.cold_mutex(detail::page_of(frame_.record)));
  const detail::Extra* extra = detail::PagePool::cold(frame_.record).extra.load(std::memory_order_relaxed);
  return detail::attempts_of(extra, word);
}

bool Attempt::stop_requested() const noexcept {
  // Acquire, as of a std::stop_token: the body sees what was done before it was asked.
  if ((word_of(frame_) & detail::kStopMask) == 0) return false;
  // Whoever asked may not have come to fire the token yet: nobody is to see one without the other.
  if (frame_.has_token) frame_.worker.engine().stop_tokens.fire(frame_.id(), frame_.record);
  return true;
}

StopReason Attempt::stop_reason() const noexcept {
  return detail::first_stop_in(word_of(frame_));
}

std::stop_token Attempt::stop_token() {
  detail::StopTokens& tokens = frame_.worker.engine().stop_tokens;
  frame_.has_token = true;
  std::stop_token token = tokens.token(frame_.id());
  // Whoever asked to stop before the token was there could not fire it. Whoever asks from now on finds it.
  if (stop_requested()) tokens.fire(frame_.id(), frame_.record);
  return token;
}

bool Attempt::sleep_for(Duration time) {
  Clock& clock = *frame_.worker.engine().clock;
  const SteadyTime until = saturating_add(clock.mono(), time);
  std::atomic<std::uint32_t> word{0};  // only the wait looks at it; the token says whether to stop
  const std::stop_callback wake(stop_token(), [&] {
    word.store(1, std::memory_order_release);
    clock.wake(word, 1);
  });
  const bool alone = frame_.worker.engine().options.drive == Drive::manual;
  while (!stop_requested()) {
    if (clock.mono() >= until || (alone && clock.skip_to(until))) return true;
    clock.wait(word, 0, {until, {}});
  }
  return false;
}

std::string_view Attempt::kind() const noexcept {
  return frame_.named != nullptr ? frame_.named->kind() : std::string_view();
}

std::string_view Attempt::payload() const noexcept {
  return frame_.named != nullptr ? frame_.named->payload() : std::string_view();
}

std::string_view Attempt::content_type() const noexcept {
  return frame_.named != nullptr ? frame_.named->content_type() : std::string_view();
}

void Attempt::progress(std::uint64_t done, std::uint64_t total, std::string_view note) {
  if (frame_.named != nullptr) return frame_.named->progress(done, total, note);
  change_extra(frame_, [&](detail::Extra& extra) {
    extra.progress_done = done;
    extra.progress_total = total;
    extra.progress_note = note.substr(0, 256);
  });
}

void Attempt::log(std::string_view line) {
  if (frame_.named != nullptr) return frame_.named->log(line);
  change_extra(frame_, [&](detail::Extra& extra) {
    if (extra.log.size() == kLogLines) extra.log.erase(extra.log.begin());
    extra.log.emplace_back(line.substr(0, 1024));
  });
}

bool Attempt::metadata(std::string_view key, std::string_view value) {
  if (frame_.named != nullptr) return frame_.named->metadata(key, value);
  return change_extra(frame_, [&](detail::Extra& extra) {
    std::size_t bytes = key.size() + value.size();
    std::pair<std::string, std::string>* found = nullptr;
    for (auto& entry : extra.options.metadata) {
      if (entry.first == key) {
        found = &entry;
      } else {
        bytes += entry.first.size() + entry.second.size();
      }
    }
    if (bytes > kMetadataBytes) return false;
    if (found != nullptr) {
      found->second = value;
    } else {
      extra.options.metadata.emplace_back(key, value);
    }
    return true;
  });
}

Result<Finish> detail::completion(Attempt& attempt, Output output) {
  NamedRun* const run = attempt.frame_.named;
  if (run == nullptr)
    return Error(Code::invalid, "complete task " + to_string(attempt.id()) + ": it is a closure, and in no store");
  if (output.bytes.size() > kMostOutput) return output_too_large(attempt.id(), output.bytes.size());
  return run->completion(std::move(output.bytes), std::move(output.content_type));
}

void Attempt::heartbeat() {
  frame_.worker.engine().extend_grace(frame_.record);
}

Attempt* current_attempt() noexcept {
  detail::Frame* frame = detail::current_frame();
  return frame != nullptr ? &frame->attempt : nullptr;
}

void detail::say(Attempt& attempt, Outcome outcome) {
  attempt.frame_.ended =
      Ended{.how = Ended::How::outcome, .outcome = std::move(outcome), .error = {}, .worth_retrying = true};
}

void detail::fail(Attempt& attempt, Error error) {
  attempt.frame_.ended =
      Ended{.how = Ended::How::failed, .outcome = {}, .error = std::move(error), .worth_retrying = true};
}

}  // namespace v0
}  // namespace errand
