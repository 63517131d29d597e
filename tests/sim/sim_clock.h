#pragma once
// Time that stands still until it is moved, and waits that are turns of a stage.

#include <errand/clock.h>

#include "stage.h"

namespace sim {

/// Threads: actors, one at a time; and whoever is there while nobody plays, whose waits are over at once.
class SimClock final : public errand::Clock {
 public:
  [[nodiscard]] errand::WallTime now() const noexcept override { return now_; }
  [[nodiscard]] errand::SteadyTime mono() const noexcept override { return mono_; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const errand::WaitUntil& until) override {
    if (Stage::is_actor()) stage_->wait(word, expected, until);
  }
  void wake(const std::atomic<std::uint32_t>& word, int count) override {
    if (stage_ != nullptr) stage_->wake(word, count);
  }
  bool skip_to(errand::SteadyTime at) override {
    if (at > mono_) advance(at - mono_);
    return true;
  }

  void plays_on(Stage* stage) { stage_ = stage; }
  void advance(errand::Duration by) {
    now_ += by;
    mono_ += by;
  }
  /// Sets the time of day, forward or back.
  void set_by(errand::Duration by) { now_ += by; }

 private:
  Stage* stage_ = nullptr;
  errand::WallTime now_{std::chrono::hours(24 * 365 * 56)};
  errand::SteadyTime mono_{std::chrono::seconds(1)};
};

}  // namespace sim
