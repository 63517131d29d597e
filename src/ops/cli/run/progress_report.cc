#include "progress_report.h"

#include "progress.h"

#include <algorithm>

namespace errand::cli {

namespace {

using namespace std::chrono_literals;

// Nothing is shown of a run that is over before one has had time to wonder.
constexpr Duration kBarAfter = 1s;
constexpr Duration kBarInterval = 200ms;
constexpr Duration kFirstLineAfter = 30s;
constexpr Duration kLongestLineInterval = 10min;

}  // namespace

ProgressReport::ProgressReport(Form form, const Tally& tally, Screen& screen, SteadyTime start)
    : form_(form),
      tally_(tally),
      screen_(screen),
      start_(start),
      next_(start + (form == Form::bar ? kBarAfter : kFirstLineAfter)),
      interval_(form == Form::bar ? kBarInterval : kFirstLineAfter) {}

SteadyTime ProgressReport::step(SteadyTime now) {
  if (now < next_) return next_;
  const Figures figures = tally_.figures();
  if (form_ == Form::bar) {
    screen_.draw(progress_bar(figures, now - start_, Screen::width()));
  } else {
    screen_.note_now(progress_line(figures, now - start_));
    interval_ = std::min(interval_ * 2, kLongestLineInterval);
  }
  return next_ = now + interval_;
}

}  // namespace errand::cli
