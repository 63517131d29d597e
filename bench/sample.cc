#include "sample.h"

#include <algorithm>
#include <climits>
#include <random>

namespace bench {

namespace {

constexpr std::uint64_t kChosen = 1000;
// A moment is exact to microseconds, see TickSource::to_mono(), and a body ends a little after it was asked.
constexpr std::int64_t kBlur = 20'000;
// A thread that is held up between two readings of clocks is off by that time.
constexpr auto kHeldUp = std::chrono::seconds(1);

std::int64_t ns_of(errand::WallTime moment) {
  return std::chrono::nanoseconds(moment.time_since_epoch()).count();
}

// What to add to a moment of the steady clock.
std::int64_t wall_minus_steady() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count() -
         SteadyClock::now().time_since_epoch().count();
}

std::vector<std::int64_t> ends_of_all_known(const errand::Queue& queue) {
  std::vector<std::int64_t> ended_at;
  for (const errand::TaskInfo& info : queue.list({.state = errand::TaskState::completed, .limit = INT_MAX}))
    ended_at.push_back(ns_of(*info.finished_at));
  std::sort(ended_at.begin(), ended_at.end());
  return ended_at;
}

void check_known(const errand::TaskInfo& info, errand::TaskId id) {
  demand(info.id == id && info.state == errand::TaskState::completed && info.attempts == 1,
         "info() of a task that ran once and completed says something else");
  demand(info.started_at && info.finished_at && info.created_at <= *info.started_at &&
             *info.started_at <= *info.finished_at && *info.finished_at <= std::chrono::system_clock::now() + kHeldUp,
         "info() of a completed task has no times, or they are out of order");
}

}  // namespace

bool may_be_gone(std::int64_t ran_at, const std::vector<std::int64_t>& ended_at, std::uint64_t retained) {
  const auto later = std::lower_bound(ended_at.begin(), ended_at.end(), ran_at);
  return static_cast<std::uint64_t>(ended_at.end() - later) >= retained;
}

Sample::Sample(std::uint64_t tasks, int passes)
    : every_(std::max<std::uint64_t>(1, tasks / kChosen)),
      seen_(2 * static_cast<std::size_t>(passes) * std::max(kChosen, tasks / every_)) {}

std::int64_t Sample::next_gap() const noexcept {
  thread_local std::minstd_rand random(std::random_device{}());
  return std::uniform_int_distribution<std::int64_t>(1, static_cast<std::int64_t>(2 * every_ - 1))(random);
}

Sample::Seen* Sample::take() {
  const std::size_t index = next_.fetch_add(1, std::memory_order_relaxed);
  demand(index < seen_.size(), "more tasks were chosen at random than there are likely to be");
  return &seen_[index];
}

void Sample::check(const errand::Queue& queue, std::uint64_t retained) const {
  std::vector<std::int64_t> gone;
  for (std::size_t i = 0; i < next_.load(); ++i) {
    const Seen& seen = seen_[i];
    demand(seen.ran_at != 0, "a task was lost");
    const errand::TaskId id{seen.id};
    if (const auto info = queue.info(id)) {
      check_known(*info, id);
    } else {
      demand(info.error().code() == errand::Code::not_found, "info() failed in another way than not_found");
      gone.push_back(seen.ran_at);
    }
  }
  if (gone.empty()) return;
  const std::vector<std::int64_t> ended_at = ends_of_all_known(queue);
  const std::int64_t last = *std::max_element(gone.begin(), gone.end()) + wall_minus_steady() - kBlur;
  demand(may_be_gone(last, ended_at, retained),
         "a task that ended among the last ones to retain is not known any more");
}

}  // namespace bench
